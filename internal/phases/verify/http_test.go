package verify

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/planner"
)

func TestHTTP(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	steps := []string{
		`POST /tools {"name":"Drill","price":1.50} -> 201 {"id":"$tool","price":1.5}`,
		`POST /tools {} -> 400 {"errors":{"name":"required"}}`,
		`GET /tools/$tool [X-Role: role-$tool] -> 200 {"id":"$tool","name":"Drill","tags":["a","..."],"asked":"role-7"}`,
	}
	for name, c := range map[string]struct {
		mode  string
		steps []string
		pass  bool
		says  []string
	}{
		"behaves":       {"good", steps, true, nil},
		"lies":          {"liar", steps, false, []string{"expected status 201, got 200", "2 of 3 requests", "starting in mode liar"}},
		"dies early":    {"dead", steps, false, []string{"before it answered GET /", "exit code 3", "cannot open /nowhere"}},
		"dies later":    {"dies", steps, false, []string{"the server ended", "exit code 9"}},
		"rude":          {"rude", steps, false, []string{"exit code 5", "graceful"}},
		"wrong value":   {"good", []string{`GET /tools/7 -> 200 {"name":"Saw"}`}, false, []string{`answer.name: expected "Saw", got "Drill"`}},
		"no capture":    {"good", []string{`POST /tools {} -> 201 {"id":"$x"}`, `GET /tools/$x -> 200`}, false, []string{"not sent: no earlier answer gave $x"}},
		"text":          {"good", []string{`GET /tools/7 -> 200 Drill`, `GET /nothing -> 404 page not found`}, true, nil},
		"text missing":  {"good", []string{`GET /tools/7 -> 200 Hammer`}, false, []string{`contain "Hammer"`}},
		"not JSON":      {"good", []string{`GET /nothing -> 404 {"a":1}`}, false, []string{"expected JSON"}},
		"vacuous":       {"good", nil, false, []string{"no request"}},
		"never answers": {"hangs", []string{`GET /tools/7 -> 200`}, false, []string{"no answer within", "0 of 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			if c.mode == "hangs" {
				b.patience.answer = time.Second
			}
			got := b.run(t, planner.Gate{Kind: planner.GateHTTP, Start: []string{exe, actServer, "127.0.0.1:{port}", c.mode}, Steps: c.steps})
			if got.Pass != c.pass {
				t.Errorf("got %+v\n%s", got, got.Log)
			}
			for _, says := range c.says {
				if !strings.Contains(got.Feedback, says) {
					t.Errorf("feedback does not say %q: %s", says, got.Feedback)
				}
			}
		})
	}
}

// A server that will not end is killed, and told.
func TestStubbornServer(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, nil)
	b.patience.end = 200 * time.Millisecond
	got := b.run(t, planner.Gate{Kind: planner.GateHTTP, Start: []string{exe, actServer, "127.0.0.1:{port}", "stubborn"}, Steps: []string{"GET / -> 404"}})
	if got.Pass || !strings.Contains(got.Feedback, "did not end within") {
		t.Errorf("got %+v", got)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	files := map[string]string{"README.md": "# Shop\nrun it\n"}
	for name, c := range map[string]struct {
		check planner.FileCheck
		says  string // "" passes
	}{
		"there":         {planner.FileCheck{Path: "README.md"}, ""},
		"contains":      {planner.FileCheck{Path: "README.md", Contains: []string{"# Shop"}, Matches: `(?m)^run`}, ""},
		"lacks":         {planner.FileCheck{Path: "README.md", Contains: []string{"# Shelf"}}, "does not contain"},
		"does not fit":  {planner.FileCheck{Path: "README.md", Matches: `^run`}, "does not match"},
		"missing":       {planner.FileCheck{Path: "LICENSE"}, "is missing"},
		"absent":        {planner.FileCheck{Path: "LICENSE", Absent: true}, ""},
		"not absent":    {planner.FileCheck{Path: "README.md", Absent: true}, "must not be"},
		"other content": {planner.FileCheck{Path: "README.md", SHA256: strings.Repeat("0", 64)}, "SHA-256"},
		"link out":      {planner.FileCheck{Path: "passwd"}, "inside the tree"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, files)
			if err := os.Symlink("/etc/passwd", b.tree+"/passwd"); err != nil {
				t.Fatal(err)
			}
			got := b.run(t, planner.Gate{Kind: planner.GateFile, Files: []planner.FileCheck{c.check}})
			if got.Pass != (c.says == "") || !strings.Contains(got.Feedback, c.says) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for _, kind := range []planner.GateKind{planner.GateReview, "", "prayer"} {
		if _, err := b.Run(t.Context(), Request{Gate: planner.Gate{ID: "g", Kind: kind}, Tree: b.tree}); !errors.Is(err, ErrKind) {
			t.Errorf("%q: %v", kind, err)
		}
	}
}
