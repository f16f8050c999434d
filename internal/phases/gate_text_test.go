package phases

import (
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// An agent is told how a gate runs its program, so that it need not find out by failing.
func TestGateTextSaysHowGatesRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gate  planner.Gate
		wants []string
	}{
		"command": {
			planner.Gate{Kind: planner.GateCommand, Run: []string{"go", "test", "./..."}, Dir: "api", Expect: planner.Expect{Tests: ">=3", Stdout: "ok"}, Frozen: []planner.FrozenFile{{Path: "a_test.go", Content: "package a"}}},
			[]string{"runs go test ./... in api; expects exit 0, tests >=3, output containing \"ok\"", "with this a_test.go put into the tree by the builder:\npackage a"},
		},
		"http": {
			planner.Gate{Kind: planner.GateHTTP, Start: []string{"bin/desk", "--addr", "127.0.0.1:{port}"}, Ready: "/up", Steps: []string{"GET /a -> 200", "GET /b -> 404"}},
			[]string{"starts bin/desk --addr 127.0.0.1:{port} in the tree", "GET /up", "SIGTERM: exit 0 expected", "\nGET /a -> 200\nGET /b -> 404"},
		},
		"session":         {planner.Gate{Kind: planner.GateTranscript, Session: "$ a\nb\n"}, []string{"in an empty folder", "\n$ a\nb"}},
		"session in tree": {planner.Gate{Kind: planner.GateTranscript, Dir: ".", Session: "$ node a.js\n"}, []string{"in a fresh copy of the tree"}},
		"session below":   {planner.Gate{Kind: planner.GateTranscript, Dir: "web", Session: "$ node a.js\n"}, []string{"in web of a fresh copy of the tree"}},
		"files":           {planner.Gate{Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "a", Contains: []string{"x"}}, {Path: "b", Absent: true}}}, []string{"file a, contains \"x\"\nfile b must not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := GateText(c.gate)
			for _, want := range c.wants {
				if !strings.Contains(got, want) {
					t.Errorf("lacks %q:\n%s", want, got)
				}
			}
		})
	}
	all := howGatesRun(map[planner.GateKind]bool{planner.GateHTTP: true, planner.GateTranscript: true}, []planner.Setup{{Run: []string{"npm", "ci"}, Inputs: []string{"package.json"}, Network: planner.NetworkRegistries}})
	for _, want := range []string{"first on PATH", "come together", "{data} an empty folder", "may hold more", "runs npm ci, where the tree has one of package.json; it reaches the package registries"} {
		if !strings.Contains(all, want) {
			t.Errorf("lacks %q: %s", want, all)
		}
	}
	if got := howGatesRun(map[planner.GateKind]bool{planner.GateCommand: true}, nil); got != "" {
		t.Errorf("commands are explained: %s", got)
	}
	if treeText(nil) != "(empty)" {
		t.Error("an empty tree is not told")
	}
}

// What stands in the spec that an agent reads is pointed to; what does not is told whole.
func TestGatesOfTheSpecAreToldOnce(t *testing.T) {
	t.Parallel()
	const session = "$ shelf add A\nadded 1\n$ shelf list\nA\n"
	steps := []string{"POST /a {} -> 201", "GET /a -> 200", "GET /b -> 404"}
	spec := &planner.Spec{Text: "whole", Acceptance: []planner.Gate{
		{ID: "acceptance-1", Kind: planner.GateTranscript, Source: "5-8", Session: session},
		{ID: "acceptance-2", Kind: planner.GateHTTP, Source: "12-14", Steps: steps},
	}}
	e := &Engine{Spec: spec}
	console, http := spec.Acceptance[0], spec.Acceptance[1]
	console.Dir, http.Start = ".", []string{"bin/a"}
	edited := console
	edited.Session = session + "$ shelf drop A\n"
	other := console
	other.ID = "edges"
	for name, c := range map[string]struct {
		gate  planner.Gate
		told  string
		whole bool
		says  string
	}{
		"session":          {console, "whole", false, "(the whole session of the spec's block on lines 5-8, which begins: $ shelf add A)"},
		"requests":         {http, "whole", false, "(the 3 requests of the spec's block on lines 12-14, from POST /a {} -> 201 to GET /b -> 404)"},
		"a part of a spec": {console, "half", true, ""},
		"edited by hand":   {edited, "whole", true, ""},
		"the plan's own":   {other, "whole", true, ""},
		"where it runs":    {console, "whole", false, "in a fresh copy of the tree"},
		"what it starts":   {http, "whole", false, "starts bin/a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := GateText(e.asTold(c.gate, c.told))
			if whole := strings.Contains(got, "$ shelf list\nA") || strings.Contains(got, "\nGET /a -> 200"); whole != c.whole || !strings.Contains(got, c.says) {
				t.Errorf("got %s", got)
			}
		})
	}
	if len(spec.Acceptance[1].Steps) != 3 {
		t.Error("the spec was changed")
	}
}
