package agent_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

// watcher is a person who says notes by turn and answers questions by heart.
type watcher struct {
	notes   map[int][]string
	turn    int
	answers map[string]string
	asked   []agent.Question
}

func (w *watcher) Notes(context.Context) ([]string, error) {
	w.turn++
	return w.notes[w.turn], nil
}

func (w *watcher) Answer(_ context.Context, q agent.Question) (string, bool, error) {
	w.asked = append(w.asked, q)
	a, ok := w.answers[q.Text]
	return a, ok, nil
}

func (b *bench) watched(t *testing.T, p agent.Person) agent.Result {
	t.Helper()
	res, err := (&agent.Loop{Model: b.model, Tools: b.tools, Verify: b.verify, Person: p}).Run(t.Context(), task())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func question(text string) agent.ToolCall {
	return agenttest.Call(agent.BlockedTool, map[string]string{"reason": "it is open", "evidence": "R1, R2", "question": text})
}

// A note stands once, at the end of the message of its turn; what was sent before never changes.
func TestLoopHearsNotes(t *testing.T) {
	t.Parallel()
	b := newBench(agenttest.Use(agenttest.Write("a", "1")), agenttest.Use(agenttest.Write("b", "1")), agenttest.Use(agenttest.Finish("x")))
	b.watched(t, &watcher{notes: map[int][]string{1: {"at once"}, 2: {"first", "second"}}})
	reqs := b.model.Requests()
	if got := text(reqs[0].Messages[0]); !strings.HasPrefix(got, "do it\n") || !strings.HasSuffix(got, "\nat once") {
		t.Errorf("first message %q", got)
	}
	m := b.last(t, 1)
	if n := len(m.Blocks); n != 3 || m.Blocks[0].Kind != agent.ResultBlock || !strings.HasSuffix(m.Blocks[1].Text, "first") || !strings.HasSuffix(m.Blocks[2].Text, "second") {
		t.Errorf("second message %+v", m)
	}
	if got := text(reqs[2].Messages[2]); got != text(m) {
		t.Errorf("what was sent became %q", got)
	}
	if last := text(b.last(t, 2)); strings.Contains(last, "first") {
		t.Errorf("told again: %q", last)
	}
}

// A conversation that begins anew still knows what the person said.
func TestLoopKeepsNotesThroughCompaction(t *testing.T) {
	t.Parallel()
	b := newBench(agenttest.Use(agenttest.Write("a", "1")), agenttest.Use(agenttest.Write("b", "1")), agenttest.Turn{Text: "so long", Stop: agent.StopWindow}, agenttest.Use(agenttest.Finish("x")))
	b.watched(t, &watcher{notes: map[int][]string{2: {"mind the gap"}}})
	reqs := b.model.Requests()
	if last := reqs[len(reqs)-1]; len(last.Messages) != 1 || strings.Count(text(last.Messages[0]), "mind the gap") != 1 {
		t.Errorf("%d messages, the first is %q", len(last.Messages), text(last.Messages[0]))
	}
}

// While the provider's own turn is unfinished nothing may be put after it.
func TestLoopHearsNothingInAPausedTurn(t *testing.T) {
	t.Parallel()
	b := newBench(agenttest.Turn{Text: "thinking", Stop: agent.StopPause}, agenttest.Use(agenttest.Write("a", "1")), agenttest.Use(agenttest.Finish("x")))
	w := &watcher{notes: map[int][]string{2: {"later"}}}
	b.watched(t, w)
	if last := b.last(t, 1); last.Role != agent.Assistant {
		t.Errorf("put after an unfinished turn: %+v", last)
	}
	if !strings.Contains(text(b.last(t, 2)), "later") {
		t.Error("the note was lost")
	}
}

// The answer is the call's result; calls after it run, and the attempt goes on.
func TestLoopIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(agenttest.Use(question("Red or blue?"), agenttest.Write("a", "1")), agenttest.Use(agenttest.Finish("x")))
	w := &watcher{answers: map[string]string{"Red or blue?": "blue"}}
	if got := b.watched(t, w); got.Outcome != agent.Accepted {
		t.Errorf("got %+v", got)
	}
	m := b.last(t, 1)
	if m.Blocks[0].Error || !strings.HasSuffix(m.Blocks[0].Text, "\nblue") || len(b.tools.Calls()) != 1 {
		t.Errorf("got %+v, %d tool calls", m, len(b.tools.Calls()))
	}
	if want := (agent.Question{Text: "Red or blue?", Reason: "it is open", Evidence: "R1, R2"}); len(w.asked) != 1 || w.asked[0] != want {
		t.Errorf("asked %+v", w.asked)
	}
}

// Without an answer the attempt ends as asked; without a person, or a question, it is blocked.
func TestLoopAsks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call   agent.ToolCall
		person agent.Person
		want   agent.Outcome
	}{
		"no answer yet": {question("Red or blue?"), &watcher{}, agent.Asked}, "nobody": {question("Red or blue?"), nil, agent.Blocked},
		"no question": {question(" "), &watcher{}, agent.Blocked},
	} {
		b := newBench(agenttest.Use(c.call, agenttest.Write("a", "1")))
		if got := b.watched(t, c.person); got.Outcome != c.want || len(b.tools.Calls()) != 0 {
			t.Errorf("%s: got %+v, %d tool calls", name, got, len(b.tools.Calls()))
		}
	}
}
