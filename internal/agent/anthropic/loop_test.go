package anthropic_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/tools"
)

// fresh verifies by what is in the tree, as a gate does.
type fresh struct{ root string }

func (f fresh) Verify(context.Context, string) (agent.Verdict, error) {
	b, err := os.ReadFile(filepath.Join(f.root, "main.go"))
	if err == nil && strings.Contains(string(b), "right") {
		return agent.Verdict{Accepted: true}, nil
	}
	return agent.Verdict{Feedback: "main.go does not say right", Signature: "main"}, nil
}

// Loop, tools and adapter over the wire: a hostile and mistaken agent is refused with codes, told
// what failed, and done only when the work is.
func TestLoopOverTheWire(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "tree")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	s := agenttest.Serve(t,
		agenttest.Turn{Thinking: "let me out", Calls: []agent.ToolCall{
			agenttest.Write("../escape", "x"), agenttest.Write(".git/hooks/pre-commit", "x"), agenttest.Call("nope", 1), agenttest.Write("main.go", "wrong"), agenttest.Finish("all done"),
		}},
		agenttest.Say("It is done, believe me."),
		agenttest.Use(agenttest.Call("edit_file", map[string]string{"path": "main.go", "old": "wrong", "new": "right"}), agenttest.Finish("now it is")),
	)
	box := tools.New(tools.Config{Root: root})
	system, first := agent.Brief{Role: agent.Engineer, TaskID: "t", Title: "T", Goal: "Say right."}.Render()
	loop := agent.Loop{Model: client(t, s.URL), Tools: box, Verify: fresh{root}}
	got, err := loop.Run(t.Context(), agent.Task{
		ID: "t", Model: "m", System: system, First: first, Tools: append(box.Defs(), agent.LoopTools()...), MaxTokens: 1000,
	})
	want := agent.Result{Outcome: agent.Accepted, Summary: "now it is", Turns: 3}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	told := s.Requests()[1].Last()
	for _, words := range []string{tools.CodePathEscape, tools.CodePathProtected, agent.CodeToolUnknown, "wrote new file main.go", "does not say right"} {
		if !strings.Contains(told, words) {
			t.Errorf("%q is missing in what the agent was told: %s", words, told)
		}
	}
	if last := s.Requests()[2].Last(); !strings.Contains(last, "`finish`") {
		t.Errorf("told %q", last)
	}
	if _, err := os.Lstat(filepath.Join(root, "../escape")); err == nil {
		t.Error("it left the tree")
	}
}
