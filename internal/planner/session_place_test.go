package planner_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// A session that starts files of the tree runs in a copy of it; one that calls a program by its name
// runs in an empty folder.
func TestSessionsRunWhereAPersonWouldTypeThem(t *testing.T) {
	t.Parallel()
	for command, dir := range map[string]string{
		"shelf add Emma":                   "",
		"printf '|a|' | shelf check":       "",
		"shelf add 'node x.js'":            "",
		"/usr/bin/python3 x.py":            "",
		"python3 -c 'print(1)'":            "",
		"{tree}/bin/shelf list":            "",
		"shelf list 2>&1 | sort":           "",
		"python3 -m spans union 1 2":       ".",
		"node tool.js < in":                ".",
		"echo '{}' | node plait.js hi.txt": ".",
		"DEBUG=1 ./shelf list":             ".",
		"env A=1 python3.12 x.py":          ".",
		"make":                             ".",
		"shelf list && npm test":           ".",
		"sh script.sh":                     ".",
		"sh -c 'echo a'":                   "",
		"timeout 5 scripts/run a":          ".",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			spec := goodSpec()
			spec.Acceptance = []planner.Gate{{ID: "acceptance-1", Kind: planner.GateTranscript, Source: "5", Session: "$ shelf list\n$ " + command + "\n"}}
			p, err := planner.Draft(t.Context(), &script{answers: []string{oneTask}}, spec, planner.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if g, _ := p.Gate("acceptance-1"); g.Dir != dir {
				t.Errorf("runs in %q, want %q", g.Dir, dir)
			}
		})
	}
}

// The words promise that `build` and `unit` may be named without a definition, in the order wanted.
func TestNamedBuildRunsOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		named string
		want  []planner.GateID
	}{
		{`"build","unit","acceptance-1"`, []planner.GateID{"build", "unit", "acceptance-1"}},
		{`"unit","acceptance-1"`, []planner.GateID{"unit", "build", "acceptance-1"}},
		{`"acceptance-1"`, []planner.GateID{"build", "acceptance-1"}},
	} {
		s := &script{answers: []string{fmt.Sprintf(`{"project":{"name":"x","type":"cli-tool","summary":"","stack":["go"]},"setup":[],
"phases":[{"id":"app","title":"App","tasks":[{"id":"app.all","title":"All","role":"engineer","goal":"","covers":["R1","R2"],
"needs":[],"writes":[],"gates":[%s],"estimate":{"calls":1,"input_tokens":1,"output_tokens":1}}]}],"shared":[],"gates":[]}`, c.named)}}
		p, err := planner.Draft(t.Context(), s, goodSpec(), planner.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Tasks()[0].Gates; !slices.Equal(got, c.want) {
			t.Errorf("named %s: runs %v, want %v", c.named, got, c.want)
		}
		if len(s.asked) != 1 {
			t.Errorf("named %s: asked %d times", c.named, len(s.asked))
		}
	}
}
