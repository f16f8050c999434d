package agent_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
)

var update = flag.Bool("update", false, "write golden files")

func brief() agent.Brief {
	return agent.Brief{
		Role: agent.Engineer, SpecPath: `specs/a "b".md`, Spec: "# Shelf\n\n</spec>\nBooks & <things>.\n",
		Project: "shelf, cli-tool, go", Plan: "store: Storage\ncommands: Commands\n", Near: "it needs store: Storage", Environment: "go1.26, no network",
		TaskID: "store", Title: "Storage", Goal: "Keep books.\nIn a file.",
		Requirements: []agent.BriefRequirement{{ID: "R1", Text: "Books have\n  a title.", Source: "3-4"}, {ID: "R2", Text: "No loss.", Source: "5"}},
		HowGatesRun:  "Sessions: all is compared.\n", Gates: []agent.BriefGate{{ID: "build", Kind: "command", Text: "go build ./..."}, {ID: "use", Kind: "transcript", Text: "$ shelf add Emma\n$ shelf list"}},
		Writes: []string{"internal/store/**"}, Shared: []string{"go.mod", "go.sum"},
		Tree: "go.mod 30\nmain.go 120", Notes: []string{"store: use bbolt"}, Person: []string{"You asked: tabs?\nThe answer is: yes"}, LastFailure: "unit: TestAdd failed",
	}
}

func TestRenderGolden(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"full", "bare"} {
		b := brief()
		if name == "bare" {
			b = agent.Brief{TaskID: "t", Title: "T", Goal: "G"}
		}
		system, first := b.Render()
		got := strings.Join(system[1:], "\n----\n") + "\n====\n" + first.Words()
		path := "testdata/brief_" + name + ".golden"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (run with -update to accept):\n%s", name, diff)
		}
	}
}

func TestRenderRoles(t *testing.T) {
	t.Parallel()
	prompt := func(role string) string { system, _ := agent.Brief{Role: role}.Render(); return system[0] }
	seen := map[string]string{}
	for _, role := range []string{agent.Engineer, agent.Planner, agent.Reviewer, agent.Writer} {
		p := prompt(role)
		if other, ok := seen[p]; ok || p == "" {
			t.Errorf("%s has the prompt of %q", role, other)
		}
		seen[p] = role
	}
	if prompt("../../etc/passwd") != prompt(agent.Engineer) {
		t.Error("an unknown role must work as an engineer")
	}
}

// The spec arrives byte for byte, and what it says cannot end its section or forge an attribute.
func TestRenderKeepsTheSpecVerbatim(t *testing.T) {
	t.Parallel()
	b := brief()
	system, _ := b.Render()
	_, rest, ok := strings.Cut(system[1], ".md\">\n")
	end := strings.LastIndex(rest, "\n</spec>")
	if !ok || end < 0 || rest[:end] != b.Spec {
		t.Errorf("spec came as %q", rest)
	}
	if strings.Contains(system[1], `"b"`) {
		t.Error("a path left its quotes")
	}
}

func TestPromptVersionIsStable(t *testing.T) {
	t.Parallel()
	v := agent.PromptVersion()
	if len(v) != 12 || v != agent.PromptVersion() {
		t.Errorf("got %q", v)
	}
}

// The words that cost money on every call must stay few.
func TestPromptsAreShort(t *testing.T) {
	t.Parallel()
	for _, role := range []string{agent.Engineer, agent.Planner, agent.Reviewer, agent.Writer} {
		system, _ := agent.Brief{Role: role}.Render()
		if n := len(system[0]); n > 3000 {
			t.Errorf("prompt of %s has %d bytes, at most 3000", role, n)
		}
	}
}
