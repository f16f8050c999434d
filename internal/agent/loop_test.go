package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

func task() agent.Task {
	def := func(name string) agent.ToolDef {
		return agent.ToolDef{Name: name, Schema: json.RawMessage(`{"type":"object"}`)}
	}
	return agent.Task{
		ID: "t1", Model: "m", System: []string{"rules", "spec"}, First: agent.Say(agent.User, "do it"),
		Tools: append([]agent.ToolDef{def("write_file"), def("run")}, agent.LoopTools()...), MaxTokens: 1000, Effort: "low",
	}
}

// bench is a loop over fakes.
type bench struct {
	model  *agenttest.Model
	tools  *agenttest.Toolbox
	verify *agenttest.Verifier
}

func newBench(turns ...agenttest.Turn) *bench {
	n := 0
	return &bench{
		model:  agenttest.NewModel(turns...),
		tools:  &agenttest.Toolbox{State: func() string { n++; return fmt.Sprint(n) }},
		verify: &agenttest.Verifier{},
	}
}

func (b *bench) run(t *testing.T, task agent.Task) agent.Result {
	t.Helper()
	res, err := (&agent.Loop{Model: b.model, Tools: b.tools, Verify: b.verify}).Run(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// last is the newest message of request n.
func (b *bench) last(t *testing.T, n int) agent.Message {
	t.Helper()
	reqs := b.model.Requests()
	if n >= len(reqs) {
		t.Fatalf("request %d was not made, only %d", n, len(reqs))
	}
	return reqs[n].Messages[len(reqs[n].Messages)-1]
}

func text(m agent.Message) string {
	var parts []string
	for _, b := range m.Blocks {
		parts = append(parts, b.Text)
	}
	return strings.Join(parts, "\n")
}

func TestLoopRunsCallsInOrderAndFinishesInTheSameTurn(t *testing.T) {
	t.Parallel()
	b := newBench(agenttest.Use(agenttest.Write("a", "1"), agenttest.Write("b", "2"), agenttest.Finish("both")))
	got := b.run(t, task())
	want := agent.Result{Outcome: agent.Accepted, Summary: "both", Turns: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var names []string
	for _, c := range b.tools.Calls() {
		names = append(names, c.Name+string(c.Input))
	}
	if diff := cmp.Diff([]string{`write_file{"content":"1","path":"a"}`, `write_file{"content":"2","path":"b"}`}, names); diff != "" {
		t.Error(diff)
	}
}

func TestLoopAnswersInOneMessageAndOnlyAppends(t *testing.T) {
	t.Parallel()
	b := newBench(
		agenttest.Use(agenttest.Write("a", "1"), agenttest.Run("ls")),
		agenttest.Use(agenttest.Finish("done")),
	)
	b.run(t, task())
	reqs := b.model.Requests()
	if diff := cmp.Diff(reqs[0].Messages, reqs[1].Messages[:1]); diff != "" {
		t.Error("earlier messages changed:", diff)
	}
	got := b.last(t, 1)
	want := agent.Message{Role: agent.User, Blocks: []agent.Block{
		{Kind: agent.ResultBlock, ID: "toolu_000_00", Text: "ok"},
		{Kind: agent.ResultBlock, ID: "toolu_000_01", Text: "ok"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	first := reqs[0]
	first.Messages = nil
	if diff := cmp.Diff(agent.Request{Model: "m", System: []string{"rules", "spec"}, Tools: task().Tools, MaxTokens: 1000, Effort: "low"}, first); diff != "" {
		t.Error(diff)
	}
}

func TestLoopRefusedFinish(t *testing.T) {
	t.Parallel()
	b := newBench(
		agenttest.Use(agenttest.Finish("one"), agenttest.Write("late", "x"), agenttest.Finish("two")),
		agenttest.Use(agenttest.Finish("three")),
	)
	b.verify.Verdicts = []agent.Verdict{{Feedback: "unit: 1 failed", Signature: "s1"}, {Accepted: true}}
	got := b.run(t, task())
	if got.Outcome != agent.Accepted || got.Summary != "three" || got.Turns != 2 {
		t.Errorf("got %+v", got)
	}
	if n := len(b.tools.Calls()); n != 0 {
		t.Errorf("%d calls ran after a refused finish", n)
	}
	if diff := cmp.Diff([]string{"one", "three"}, b.verify.Summaries()); diff != "" {
		t.Error("verified:", diff)
	}
	m := b.last(t, 1)
	if !m.Blocks[0].Error || m.Blocks[0].Text != "unit: 1 failed" {
		t.Errorf("feedback is %+v", m.Blocks[0])
	}
	if !strings.HasPrefix(m.Blocks[1].Text, agent.CodeToolSkipped) || !strings.HasPrefix(m.Blocks[2].Text, agent.CodeToolSkipped) {
		t.Errorf("later calls got %q and %q", m.Blocks[1].Text, m.Blocks[2].Text)
	}
}

func TestLoopBlocked(t *testing.T) {
	t.Parallel()
	b := newBench(
		agenttest.Use(agenttest.Blocked("no compiler", "")),
		agenttest.Use(agenttest.Write("a", "1"), agenttest.Blocked("no compiler", "go: not found")),
	)
	got := b.run(t, task())
	want := agent.Result{Outcome: agent.Blocked, Reason: "no compiler", Evidence: "go: not found", Turns: 2}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(b.tools.Calls()) != 1 || len(b.verify.Summaries()) != 0 {
		t.Error("blocked must not verify, and earlier calls must run")
	}
}

func TestLoopTellsMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		call agent.ToolCall
		want []string
	}{
		{"unknown tool", agenttest.Call("delete_all", map[string]string{}), []string{agent.CodeToolUnknown, `"delete_all"`, "write_file", "finish"}},
		{"broken JSON", agenttest.Call("write_file", json.RawMessage(`{"path":"a",`)), []string{agent.CodeToolInput, "no valid JSON", `{"path":"a",`}},
		{"array", agenttest.Call("write_file", json.RawMessage(`[1]`)), []string{agent.CodeToolInput, "JSON object"}},
		{"null", agenttest.Call("write_file", json.RawMessage(`null`)), []string{agent.CodeToolInput, "JSON object"}},
		{"empty", agenttest.Call("write_file", json.RawMessage(``)), []string{agent.CodeToolInput}},
		{"wrong type", agenttest.Call("finish", json.RawMessage(`{"summary":7}`)), []string{agent.CodeToolInput, `"summary" is a number, expected string`}},
		{"unknown field", agenttest.Call("finish", json.RawMessage(`{"summary":"x","force":true}`)), []string{agent.CodeToolInput, `"force"`, "summary (string)"}},
		{"blocked without reason", agenttest.Call("blocked", json.RawMessage(`{"evidence":"x"}`)), []string{agent.CodeToolInput, "reason"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(agenttest.Use(tt.call), agenttest.Use(agenttest.Finish("x")))
			b.run(t, task())
			m := b.last(t, 1)
			for _, want := range tt.want {
				if !m.Blocks[0].Error || !strings.Contains(m.Blocks[0].Text, want) {
					t.Errorf("got %+v, want %q in it", m.Blocks[0], want)
				}
			}
			if len(b.tools.Calls()) != 0 {
				t.Error("the toolbox was called")
			}
		})
	}
}

func TestLoopStopReasons(t *testing.T) {
	t.Parallel()
	stop := func(s agent.StopReason, turn agenttest.Turn) agenttest.Turn { turn.Stop = s; return turn }
	tests := []struct {
		name    string
		turns   []agenttest.Turn
		outcome agent.Outcome
		reason  string
		told    string // in the second request's last message
	}{
		{"end without a call, once", []agenttest.Turn{agenttest.Say("done!"), agenttest.Use(agenttest.Finish("x"))}, agent.Accepted, "", "`finish`"},
		{"end without a call, twice", []agenttest.Turn{agenttest.Say("done!"), agenttest.Say("really")}, agent.Stuck, "no tool call", "`finish`"},
		{"refusal", []agenttest.Turn{stop(agent.StopRefusal, agenttest.Say("I will not"))}, agent.Declined, "refused", ""},
		{"window", []agenttest.Turn{stop(agent.StopWindow, agenttest.Say("..."))}, agent.Stuck, "context window", ""},
		{"length without a call", []agenttest.Turn{stop(agent.StopLength, agenttest.Say("well")), agenttest.Use(agenttest.Finish("x"))}, agent.Accepted, "", "output limit"},
		{"length three times", []agenttest.Turn{stop(agent.StopLength, agenttest.Say("a")), stop(agent.StopLength, agenttest.Say("b")), stop(agent.StopLength, agenttest.Say("c"))}, agent.Stuck, "output limit", "smaller"},
		{"pause", []agenttest.Turn{stop(agent.StopPause, agenttest.Say("hm")), agenttest.Use(agenttest.Finish("x"))}, agent.Accepted, "", "hm"},
		{"pause four times", []agenttest.Turn{stop(agent.StopPause, agenttest.Say("1")), stop(agent.StopPause, agenttest.Say("2")), stop(agent.StopPause, agenttest.Say("3")), stop(agent.StopPause, agenttest.Say("4"))}, agent.Stuck, "paused", "1"},
		{"empty answer", []agenttest.Turn{{}, agenttest.Use(agenttest.Finish("x"))}, agent.Accepted, "", "`finish`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(tt.turns...)
			got := b.run(t, task())
			if got.Outcome != tt.outcome || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("got %+v, want %s with %q", got, tt.outcome, tt.reason)
			}
			if tt.told != "" && !strings.Contains(text(b.last(t, 1)), tt.told) {
				t.Errorf("was told %q, want %q in it", text(b.last(t, 1)), tt.told)
			}
			for _, req := range b.model.Requests() {
				for _, m := range req.Messages {
					if len(m.Blocks) == 0 {
						t.Error("an empty message was sent")
					}
				}
			}
		})
	}
}

// A call that was cut off by the output limit must never run; complete ones before it do.
func TestLoopNeverRunsUnfinishedCalls(t *testing.T) {
	t.Parallel()
	for _, stop := range []agent.StopReason{agent.StopLength, "something_new"} {
		cut := agenttest.Use(agenttest.Write("a", "1"), agenttest.Write("b", "2"))
		cut.Stop = stop
		b := newBench(cut, agenttest.Use(agenttest.Finish("x")))
		b.run(t, task())
		calls := b.tools.Calls()
		if len(calls) != 1 || !strings.Contains(string(calls[0].Input), `"a"`) {
			t.Errorf("%s: ran %d calls", stop, len(calls))
		}
		m := b.last(t, 1)
		if !m.Blocks[1].Error || !strings.HasPrefix(m.Blocks[1].Text, agent.CodeToolCut) {
			t.Errorf("%s: told %+v", stop, m.Blocks[1])
		}
	}
}

func TestLoopCutFinishIsNotVerified(t *testing.T) {
	t.Parallel()
	cut := agenttest.Use(agenttest.Finish("half"))
	cut.Stop = agent.StopLength
	b := newBench(cut, agenttest.Use(agenttest.Finish("whole")))
	b.run(t, task())
	if diff := cmp.Diff([]string{"whole"}, b.verify.Summaries()); diff != "" {
		t.Error(diff)
	}
}

func TestLoopPassesErrorsOn(t *testing.T) {
	t.Parallel()
	disk := errors.New("disk is gone")
	loop := func(b *bench) *agent.Loop { return &agent.Loop{Model: b.model, Tools: b.tools, Verify: b.verify} }

	b := newBench(agenttest.Fail(529, "overloaded_error", "busy"))
	_, err := loop(b).Run(t.Context(), task())
	var f *agent.Failure
	if !errors.As(err, &f) || f.Status != 529 || f.Class != agent.Retry {
		t.Errorf("got %v, want the model's failure as it is", err)
	}

	b = newBench(agenttest.Use(agenttest.Run("x")))
	b.tools.Answer = func(agent.ToolCall) (agent.ToolResult, error) { return agent.ToolResult{}, disk }
	if _, err := loop(b).Run(t.Context(), task()); !errors.Is(err, disk) {
		t.Errorf("got %v, want the toolbox's error", err)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop asked for")
	cancel(stop)
	if _, err := loop(newBench()).Run(ctx, task()); !errors.Is(err, stop) {
		t.Errorf("got %v, want the cause of the cancel", err)
	}
}

func TestLoopMaxTurns(t *testing.T) {
	t.Parallel()
	n := 0
	model := agenttest.NewModelFunc(func(int, agent.Request) agenttest.Turn {
		n++
		return agenttest.Use(agenttest.Run(fmt.Sprint("step ", n)))
	})
	b := newBench()
	b.model = model
	tk := task()
	tk.MaxTurns = 5
	if got := b.run(t, tk); got.Outcome != agent.Stuck || got.Turns != 5 {
		t.Errorf("got %+v, want stuck after 5", got)
	}
	n = 0
	if got := b.run(t, task()); got.Turns != agent.DefaultMaxTurns {
		t.Errorf("got %d turns, want the default", got.Turns)
	}
}

// Running the loop again on answers from a journal must give the identical requests.
func TestLoopIsDeterministic(t *testing.T) {
	t.Parallel()
	play := func() string {
		b := newBench(
			agenttest.Turn{Thinking: "hm", Text: "let me", Calls: []agent.ToolCall{agenttest.Write("a", "1"), agenttest.Call("nope", 1)}},
			agenttest.Use(agenttest.Run("x")), agenttest.Use(agenttest.Run("x")), agenttest.Use(agenttest.Run("x")),
			agenttest.Say("so?"),
			agenttest.Use(agenttest.Finish("1")), agenttest.Use(agenttest.Finish("2")),
		)
		b.tools.State = func() string { return "same" }
		b.verify.Verdicts = []agent.Verdict{{Feedback: "no", Signature: "s"}, {Accepted: true}}
		b.run(t, task())
		raw, err := json.Marshal(b.model.Requests())
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	first := play()
	for range 5 {
		if play() != first {
			t.Fatal("the same answers gave other requests")
		}
	}
}

// What a decorator does to a request it was given must not reach the next one.
func TestLoopRequestsCannotBeAppendedInto(t *testing.T) {
	t.Parallel()
	inner := agenttest.NewModel(agenttest.Use(agenttest.Run("a")), agenttest.Use(agenttest.Run("b")), agenttest.Use(agenttest.Finish("x")))
	b := newBench()
	loop := &agent.Loop{Model: appender{inner}, Tools: b.tools, Verify: b.verify}
	if _, err := loop.Run(t.Context(), task()); err != nil {
		t.Fatal(err)
	}
	for i, req := range inner.Requests() {
		if got := len(req.Messages); got != 1+2*i {
			t.Errorf("request %d has %d messages", i, got)
		}
		for _, m := range req.Messages {
			if strings.Contains(text(m), "intruder") {
				t.Errorf("request %d holds what a decorator appended", i)
			}
		}
	}
}

type appender struct{ agent.Model }

func (a appender) Complete(ctx context.Context, req agent.Request) (agent.Response, error) {
	_ = append(req.Messages, agent.Say(agent.User, "intruder"))
	return a.Model.Complete(ctx, req)
}
