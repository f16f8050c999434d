package agent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

const (
	verbatim   = "<requirements>R1 keeps what was seen, word for word</requirements><gates>unit: go test</gates>"
	summingUp  = "near the end of the model's window"
	theSummary = "a.go is written; unit fails at line 7; next: mend it"
)

// talk plays a model that reads a file a turn, counts its tokens like a provider, and never takes
// more than a window.
type talk struct {
	t        *testing.T
	window   int64
	turns    int
	sums     int
	sumUp    func() agenttest.Turn
	requests []agent.Request
	sum      hash.Hash // over all requests
}

func (k *talk) next(n int, req agent.Request) agenttest.Turn {
	k.requests = append(k.requests, req)
	raw, err := json.Marshal(req)
	if err != nil {
		k.t.Fatal(err)
	}
	k.sum.Write(raw)
	input := int64(len(raw)) / 4
	if input+req.MaxTokens > k.window {
		k.t.Errorf("request %d has %d tokens and asks for %d, the window is %d", n, input, req.MaxTokens, k.window)
	}
	if !strings.Contains(text(req.Messages[0]), verbatim) {
		k.t.Errorf("request %d does not know the task any more", n)
	}
	turn := agenttest.Use(agenttest.Run(fmt.Sprintf("cat %d", n)))
	if strings.Contains(text(req.Messages[len(req.Messages)-1]), summingUp) {
		k.sums++
		turn = k.sumUp()
	} else if k.turns--; k.turns == 0 {
		turn = agenttest.Use(agenttest.Finish("read all"))
	}
	turn.Usage = agent.Usage{Input: input / 10, CacheRead: input - input/10, Output: 50}
	return turn
}

// run lets the talk last, with results of some 2 KB each.
func (k *talk) run(t *testing.T) agent.Result {
	t.Helper()
	k.t, k.sum = t, sha256.New()
	b := newBench()
	b.model = agenttest.NewModelFunc(k.next)
	n := 0
	long := toolbox{b.tools, func() string { n++; return strings.Repeat(fmt.Sprintf("line %d of it\n", n), 150) }}
	job := task()
	job.First, job.Window, job.MaxTurns, job.MaxTokens = agent.Say(agent.User, verbatim), k.window, 2000, 8000
	res, err := (&agent.Loop{Model: b.model, Tools: long, Verify: b.verify}).Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// toolbox answers every call with a text of its own.
type toolbox struct {
	*agenttest.Toolbox
	says func() string
}

func (b toolbox) Call(ctx context.Context, c agent.ToolCall) (agent.ToolResult, error) {
	res, err := b.Toolbox.Call(ctx, c)
	res.Text = b.says()
	return res, err
}

func sayIt() agenttest.Turn { return agenttest.Say(theSummary) }

// A talk of 400 turns never outgrows the window, and the task stands in every request as it was
// given; the summary goes on where the old conversation ended.
func TestFourHundredTurnsFitTheWindow(t *testing.T) {
	t.Parallel()
	k := &talk{window: 40_000, turns: 400, sumUp: sayIt}
	if res := k.run(t); res.Outcome != agent.Accepted || res.Turns != 400 {
		t.Fatalf("got %+v", res)
	}
	if k.sums < 2 || k.sums > 30 {
		t.Errorf("summed up %d times", k.sums)
	}
	anew := 0
	for i := 1; i < len(k.requests); i++ {
		before, now := k.requests[i-1].Messages, k.requests[i].Messages
		if len(now) > len(before) || strings.Contains(text(now[len(now)-1]), summingUp) {
			continue
		}
		anew++
		if got := text(now[0]); len(now) != 1 || !strings.Contains(got, theSummary) || !strings.Contains(got, `- run {"command":"cat `) {
			t.Errorf("request %d begins anew with %q", i, got)
		}
		if diff := cmp.Diff(agent.Say(agent.User, verbatim).Blocks[0], now[0].Blocks[0]); diff != "" {
			t.Error(diff)
		}
	}
	if anew != k.sums {
		t.Errorf("began anew %d times after %d summaries", anew, k.sums)
	}
	again := &talk{window: 40_000, turns: 400, sumUp: sayIt}
	again.run(t)
	if !bytes.Equal(k.sum.Sum(nil), again.sum.Sum(nil)) {
		t.Error("the same answers made other requests")
	}
}

// Without a summary an outline by rule goes on.
func TestCompactionWithoutSummary(t *testing.T) {
	t.Parallel()
	for name, turn := range map[string]agenttest.Turn{
		"nothing": {}, "calls a tool": agenttest.Use(agenttest.Run("rm -rf .")), "refuses": {Text: "no", Stop: agent.StopRefusal},
		"too large all the same": {Fault: &agenttest.Fault{Status: 400, Class: agent.FixRequest}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &talk{window: 30_000, turns: 100, sumUp: func() agenttest.Turn { return turn }}
			if res := k.run(t); res.Outcome != agent.Accepted {
				t.Fatalf("got %+v", res)
			}
			last := text(k.requests[len(k.requests)-1].Messages[0])
			if k.sums == 0 || !strings.Contains(last, "The last calls that were made:\n- run ") || strings.Contains(last, "rm -rf") {
				t.Errorf("summed up %d times, went on with %q", k.sums, last)
			}
		})
	}
}

// A provider that finds the conversation too large ends nothing: it goes on from the outline, unless
// the task alone is too large.
func TestProviderFindsItTooLarge(t *testing.T) {
	t.Parallel()
	window := agenttest.Turn{Text: "and so", Stop: agent.StopWindow}
	tooLarge := agenttest.Turn{Fault: &agenttest.Fault{Status: 400, Class: agent.FixRequest, Cause: agent.CauseSize}}
	work, finish := agenttest.Use(agenttest.Write("a", "1")), agenttest.Use(agenttest.Finish("x"))
	for name, c := range map[string]struct {
		turns []agenttest.Turn
		want  agent.Outcome
	}{
		"in the answer":        {[]agenttest.Turn{work, work, window, finish}, agent.Accepted},
		"by a failure":         {[]agenttest.Turn{work, work, tooLarge, finish}, agent.Accepted},
		"again and again":      {[]agenttest.Turn{work, work, window, window}, agent.Stuck},
		"at the first message": {[]agenttest.Turn{window}, agent.Stuck},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(c.turns...)
			if got := b.run(t, task()); got.Outcome != c.want {
				t.Fatalf("got %+v", got)
			}
			if c.want == agent.Stuck {
				return
			}
			if last := b.model.Requests()[3]; len(last.Messages) != 1 || !strings.Contains(text(last.Messages[0]), `- write_file {"content":"1","path":"a"}`) {
				t.Errorf("went on with %+v", last.Messages)
			}
		})
	}
	b := newBench(tooLarge)
	if _, err := (&agent.Loop{Model: b.model, Tools: b.tools, Verify: b.verify}).Run(t.Context(), task()); err == nil {
		t.Error("a first question that is too large is no failure")
	}
}

// A window that the task alone fills is said, and nothing is asked.
func TestWindowTooSmall(t *testing.T) {
	t.Parallel()
	b := newBench(agenttest.Use(agenttest.Finish("x")))
	job := task()
	job.First, job.Window = agent.Say(agent.User, strings.Repeat("long ", 4000)), 8000
	got := b.run(t, job)
	if got.Outcome != agent.Stuck || !strings.Contains(got.Reason, "window of 8000 tokens") || len(b.model.Requests()) != 0 {
		t.Errorf("got %+v after %d requests", got, len(b.model.Requests()))
	}
}
