package agent_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

const noteMark = "Note from the builder: "

// circles plays turns made by next against a toolbox with the given states, and says in which
// turns a note was given and how it ended.
func circles(t *testing.T, next func(n int) agenttest.Turn, state func() string, answer func(agent.ToolCall) (agent.ToolResult, error), verdict agent.Verdict) (notes map[int]string, res agent.Result) {
	t.Helper()
	b := newBench()
	b.model = agenttest.NewModelFunc(func(n int, _ agent.Request) agenttest.Turn { return next(n) })
	b.tools.State, b.tools.Answer = state, answer
	b.verify.Verdicts = []agent.Verdict{verdict}
	tk := task()
	tk.MaxTurns = 40
	res = b.run(t, tk)
	notes = map[int]string{}
	for n, req := range b.model.Requests() {
		last := text(req.Messages[len(req.Messages)-1])
		if i := strings.Index(last, noteMark); i >= 0 {
			notes[n] = last[i+len(noteMark):] // after turn n, counted from 1
		}
	}
	return notes, res
}

func counter() func() string {
	n := 0
	return func() string { n++; return fmt.Sprint(n) }
}

func still() string { return "same" }

func TestGuard(t *testing.T) {
	t.Parallel()
	fails := func(c agent.ToolCall) (agent.ToolResult, error) {
		return agent.ToolResult{Text: "exit 1\nboom", Error: true}, nil
	}
	step := func(n int) agenttest.Turn { return agenttest.Use(agenttest.Run(fmt.Sprint("step ", n))) }
	same := func(int) agenttest.Turn { return agenttest.Use(agenttest.Run("go test")) }
	ab := func(n int) agenttest.Turn { return agenttest.Use(agenttest.Run([]string{"a", "b"}[n%2])) }
	done := func(n int) agenttest.Turn { return agenttest.Use(agenttest.Finish(fmt.Sprint("try ", n))) }
	refused := agent.Verdict{Feedback: "unit: TestX failed", Signature: "unit/TestX"}
	tests := []struct {
		name   string
		next   func(int) agenttest.Turn
		state  func() string
		answer func(agent.ToolCall) (agent.ToolResult, error)
		note   int // turn after which the model is told
		words  string
		turns  int // turns until stuck
	}{
		{"same call", same, still, nil, 3, "run {\"command\":\"go test\"}", 4},
		{"same call, nobody tells of the tree", same, nil, nil, 3, "same call", 4},
		{"same error in a changing tree", step, counter(), fails, 3, "boom", 4},
		{"tree unchanged", step, still, nil, 9, "8 turns", 17},
		{"alternating", ab, counter(), nil, 4, "alternate", 8},
		{"same gate failure", done, counter(), nil, 3, "3 rounds", 4},
		{"progress", step, counter(), nil, 0, "", 40},
		{"same call in a changing tree", same, counter(), nil, 0, "", 40},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			notes, res := circles(t, tt.next, tt.state, tt.answer, refused)
			if res.Outcome != agent.Stuck || res.Turns != tt.turns {
				t.Errorf("got %+v, want stuck after %d turns", res, tt.turns)
			}
			if tt.note == 0 {
				if len(notes) != 0 {
					t.Errorf("notes %v, want none", notes)
				}
				return
			}
			if !strings.Contains(notes[tt.note], tt.words) {
				t.Errorf("notes %v, want one after turn %d with %q", notes, tt.note, tt.words)
			}
			if len(notes) != 1 {
				t.Errorf("notes %v, want one", notes)
			}
		})
	}
}

// Repeats within one answer count once: the model has not seen the first result yet.
func TestGuardCountsTurnsNotCalls(t *testing.T) {
	t.Parallel()
	b := newBench(
		agenttest.Use(agenttest.Run("x"), agenttest.Run("x"), agenttest.Run("x")),
		agenttest.Use(agenttest.Finish("ok")),
	)
	b.tools.State = still
	b.run(t, task())
	if got := text(b.last(t, 1)); strings.Contains(got, noteMark) {
		t.Errorf("told %q", got)
	}
}

// Another gate failure between equal ones, or another error, is progress.
func TestGuardOtherFailuresAreProgress(t *testing.T) {
	t.Parallel()
	n := 0
	answer := func(agent.ToolCall) (agent.ToolResult, error) {
		n++
		return agent.ToolResult{Text: fmt.Sprint("error ", n%3 == 0), Error: true}, nil
	}
	notes, res := circles(t, func(n int) agenttest.Turn { return agenttest.Use(agenttest.Run(fmt.Sprint(n))) }, counter(), answer, agent.Verdict{})
	if len(notes) != 0 || res.Turns != 40 {
		t.Errorf("notes %v, result %+v", notes, res)
	}
}

// Whatever an agent does, an attempt ends, and a stuck one was told before.
func TestGuardAlwaysEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		calls := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 60).Draw(rt, "calls")
		trees := rapid.SliceOfN(rapid.SampledFrom([]string{"", "x", "y"}), 60, 60).Draw(rt, "trees")
		i := 0
		model := agenttest.NewModelFunc(func(n int, _ agent.Request) agenttest.Turn {
			return agenttest.Use(agenttest.Run(calls[n%len(calls)]))
		})
		tools := &agenttest.Toolbox{State: func() string { i++; return trees[i%len(trees)] }}
		tk := task()
		tk.MaxTurns = 60
		res, err := (&agent.Loop{Model: model, Tools: tools, Verify: &agenttest.Verifier{}}).Run(t.Context(), tk)
		if err != nil || res.Outcome != agent.Stuck || res.Turns > 60 {
			rt.Fatalf("%+v %v", res, err)
		}
		if res.Turns == 60 {
			return
		}
		told := false
		for _, req := range model.Requests() {
			told = told || strings.Contains(text(req.Messages[len(req.Messages)-1]), noteMark)
		}
		if !told {
			rt.Fatal("stuck without having been told")
		}
	})
}
