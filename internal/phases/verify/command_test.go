package verify

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// speaks is a program that says text and ends with exit.
func speaks(exit int, lines ...string) string {
	return fmt.Sprintf("#!/bin/sh\ncat <<'END'\n%s\nEND\nexit %d\n", strings.Join(lines, "\n"), exit)
}

const (
	passA = `{"Action":"pass","Package":"m/a","Test":"TestA"}`
	passB = `{"Action":"pass","Package":"m/a","Test":"TestB"}`
	skipB = `{"Action":"skip","Package":"m/a","Test":"TestB"}`
	pkgOK = `{"Action":"pass","Package":"m/a","Elapsed":0.1}`
)

func TestCommand(t *testing.T) {
	t.Parallel()
	goTest := []string{"go", "test", "./..."}
	for name, c := range map[string]struct {
		tool    string // the content of tools/go
		gate    planner.Gate
		pass    bool
		vacuous bool
		tests   int
		says    string // in the feedback
	}{
		"tests pass":          {speaks(0, passA, passB, pkgOK), planner.Gate{Run: goTest}, true, false, 2, ""},
		"same test twice":     {speaks(0, passA, passA, pkgOK), planner.Gate{Run: goTest}, true, false, 1, ""},
		"no test":             {speaks(0, pkgOK), planner.Gate{Run: goTest}, false, true, 0, "no test ran"},
		"all skipped":         {speaks(0, skipB, pkgOK), planner.Gate{Run: goTest}, false, true, 0, "skipped"},
		"claims in plain":     {speaks(0, "--- PASS: TestA (0.00s)", "ok  m/a 0.1s"), planner.Gate{Run: goTest}, false, true, 0, "no test ran"},
		"too few":             {speaks(0, passA, pkgOK), planner.Gate{Run: goTest, Expect: planner.Expect{Tests: ">=2"}}, false, false, 1, "at least 2"},
		"a test fails":        {speaks(1, passA, `{"Action":"output","Package":"m/a","Test":"TestB","Output":"a_test.go:9: got 1, want 2\n"}`, `{"Action":"fail","Package":"m/a","Test":"TestB"}`), planner.Gate{Run: goTest}, false, false, 1, "got 1, want 2"},
		"does not build":      {speaks(1, `{"ImportPath":"m/a","Action":"build-output","Output":"a.go:3: undefined: x\n"}`), planner.Gate{Run: goTest}, false, false, 0, "undefined: x"},
		"build exit":          {speaks(2, "cannot build"), planner.Gate{Run: []string{"go", "build"}}, false, false, 0, "exit code 2"},
		"expected exit":       {speaks(2), planner.Gate{Run: []string{"go", "vet"}, Expect: planner.Expect{Exit: 2}}, true, false, 0, ""},
		"output":              {speaks(0, "v1.2"), planner.Gate{Run: []string{"go", "list"}, Expect: planner.Expect{Stdout: "v1.2"}}, true, false, 0, ""},
		"other output":        {speaks(0, "v1.3"), planner.Gate{Run: []string{"go", "list"}, Expect: planner.Expect{Stdout: "v1.2"}}, false, false, 0, `contain "v1.2"`},
		"true":                {"", planner.Gate{Run: []string{"true"}}, false, true, 0, "proves nothing"},
		"killed itself":       {"#!/bin/sh\nkill -9 $$\n", planner.Gate{Run: []string{"go", "run"}, Expect: planner.Expect{Exit: -1}}, false, false, 0, "signal"},
		"missing program":     {"", planner.Gate{Run: []string{"bin/none"}}, false, false, 0, "exit code 127"},
		"runs out of time":    {"#!/bin/sh\nsleep 3600\n", planner.Gate{Run: []string{"go", "run"}, Timeout: 200 * time.Millisecond}, false, false, 0, "out of time"},
		"escape sequences":    {"#!/bin/sh\nprintf '\\033]52;c;AAAA\\007\\033[31mred\\033[0m\\342\\200\\256x\\n'\nexit 1\n", planner.Gate{Run: []string{"go", "run"}}, false, false, 0, "redx"},
		"reads the data path": {"#!/bin/sh\necho \"$2\"\nexit 1\n", planner.Gate{Run: []string{"go", "run", "{data}/x"}}, false, false, 0, "{data}/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, map[string]string{"tools/go": c.tool})
			c.gate.Kind = planner.GateCommand
			got := b.run(t, c.gate)
			if got.Pass != c.pass || got.Vacuous != c.vacuous || got.Tests != c.tests || !strings.Contains(got.Feedback, c.says) {
				t.Errorf("got %+v\n%s", got, got.Log)
			}
			if strings.ContainsAny(got.Feedback, "\x1b\x07\u202e") {
				t.Errorf("feedback holds control characters: %q", got.Feedback)
			}
		})
	}
}

// go test always speaks in events, afresh.
func TestWithEvents(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"go test ./...":                  "go test -json -count=1 ./...",
		"go test -json -count=3 ./...":   "go test -json -count=3 ./...",
		"go -C sub test ./...":           "go -C sub test -json -count=1 ./...",
		"go test -run X -count 1 ./a":    "go test -json -run X -count 1 ./a",
		"/usr/bin/go test -v -race ./..": "/usr/bin/go test -json -count=1 -v -race ./..",
	} {
		if got := strings.Join(withEvents(strings.Fields(in)), " "); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}

// The words of the runners that print no events.
func TestCountText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		passed  int
		skipped int
	}{
		"node tap":     {"# tests 3\n# pass 2\n# fail 0\n# skipped 1\n", 2, 1},
		"node spec":    {"ℹ tests 3\nℹ pass 3\nℹ skipped 0\n", 3, 0},
		"node none":    {"ℹ tests 0\nℹ pass 0\nℹ fail 0\n", 0, 0},
		"cargo":        {"test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured\ntest result: ok. 2 passed; 0 failed; 0 ignored\n", 6, 1},
		"pytest":       {"===== 5 passed, 2 skipped in 0.12s =====\n", 5, 2},
		"pytest none":  {"===== no tests ran in 0.01s =====\n", 0, 0},
		"pytest quiet": {"3 passed in 0.12s\n", 3, 0},
		"jest":         {"Tests:       1 skipped, 4 passed, 5 total\n", 4, 1},
		"vitest":       {"      Tests  3 passed (3)\n", 3, 0},
		"mocha":        {"  12 passing (30ms)\n  1 pending\n", 12, 1},
		"unittest":     {"Ran 3 tests in 0.001s\n\nOK (skipped=3)\n", 0, 3},
		"go verbose":   {"=== RUN TestA\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/x (0.00s)\nok  \tm\t0.1s\n", 2, 0},
		"go plain":     {"ok  \tm/a\t0.012s\nok  \tm/b\t(cached)\nok  \tm/c\t0.1s [no tests to run]\n?   \tm/d\t[no test files]\n", 2, 0},
		"nothing":      {"all good\n", 0, 0},
		"huge":         {"# pass 99999999999999999999\n# pass 999999999\n", 100_000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := countText(c.text)
			if len(got.passed) != c.passed || got.skipped != c.skipped {
				t.Errorf("got %d passed, %d skipped, want %d, %d", len(got.passed), got.skipped, c.passed, c.skipped)
			}
		})
	}
}

// The plan's files replace whatever the agent put in their place, and nothing outside is touched.
func TestLayFrozen(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, prepare := range map[string]func(tree string) error{
		"nothing there": func(string) error { return nil },
		"a file":        func(tree string) error { return os.WriteFile(tree+"/a", nil, 0o644) },
		"a link out":    func(tree string) error { return os.Symlink(filepath.Dir(outside), tree+"/a") },
		"a deep link":   func(tree string) error { os.Mkdir(tree+"/a", 0o755); return os.Symlink(outside, tree+"/a/outside") },
		"a folder":      func(tree string) error { return os.MkdirAll(tree+"/a/outside/x", 0o755) },
		"a hard link":   func(tree string) error { os.Mkdir(tree+"/a", 0o755); return os.Link(outside, tree+"/a/outside") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := t.TempDir()
			if err := prepare(tree); err != nil {
				t.Fatal(err)
			}
			if err := layFrozen(tree, []planner.FrozenFile{{Path: "a/outside", Content: "plan"}}); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(tree + "/a/outside"); err != nil || string(got) != "plan" {
				t.Errorf("got %q, %v", got, err)
			}
			if got, err := os.ReadFile(outside); err != nil || string(got) != "mine" {
				t.Errorf("outside is %q, %v", got, err)
			}
		})
	}
	for _, path := range []string{"../x", "/x", ".", "a/../../x"} {
		if err := layFrozen(t.TempDir(), []planner.FrozenFile{{Path: path}}); err == nil {
			t.Errorf("laid %s", path)
		}
	}
}

// The games of an agent against the plan's own tests, with the real go command.
func TestFrozenTests(t *testing.T) {
	t.Parallel()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Skip("go is not installed")
	}
	const frozen = "package m\n\nimport \"testing\"\n\nfunc TestPlan(t *testing.T) {\n\tif Answer() != 42 {\n\t\tt.Fatalf(\"got %d\", Answer())\n\t}\n}\n"
	for name, c := range map[string]struct {
		files   map[string]string
		pass    bool
		vacuous bool
		says    string
	}{
		"honest":              {map[string]string{"m.go": "package m\n\nfunc Answer() int { return 42 }\n"}, true, false, ""},
		"wrong":               {map[string]string{"m.go": "package m\n\nfunc Answer() int { return 41 }\n"}, false, false, "got 41"},
		"weakened":            {map[string]string{"m.go": "package m\n\nfunc Answer() int { return 41 }\n", "plan_test.go": "package m\n"}, false, false, "got 41"},
		"leaves early":        {map[string]string{"m.go": "package m\n\nimport \"os\"\n\nfunc init() { os.Exit(0) }\n\nfunc Answer() int { return 1 }\n"}, false, true, "no test ran"},
		"TestMain that skips": {map[string]string{"m.go": "package m\n\nfunc Answer() int { return 1 }\n", "x_test.go": "package m\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(*testing.M) { os.Exit(0) }\n"}, false, true, "no test ran"},
		"TestMain that talks": {map[string]string{"m.go": "package m\n\nfunc Answer() int { return 1 }\n", "x_test.go": "package m\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(*testing.M) {\n\tfmt.Print(\"\\x16=== RUN   TestPlan\\n\\x16--- PASS: TestPlan (0.00s)\\nPASS\\n\")\n\tos.Exit(0)\n}\n"}, false, true, "declares TestMain"},
		"other tests only":    {map[string]string{"m.go": "package m\n\nimport \"testing\"\n\nfunc Answer() int { if testing.Testing() { return 42 }; return 1 }\n", "go.work": "not a workspace"}, false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.files["go.mod"] = "module example.org/m\n\ngo 1.26\n"
			b := newBench(t, c.files)
			b.config.Profile.Env = map[string]string{"PATH": os.Getenv("PATH"), "GOCACHE": strings.TrimSpace(string(cache)), "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOPROXY": "off"}
			b.config.Profile.Write = []string{strings.TrimSpace(string(cache))}
			got := b.run(t, planner.Gate{Kind: planner.GateCommand, Run: []string{"go", "test", "./..."}, Frozen: []planner.FrozenFile{{Path: "plan_test.go", Content: frozen}}})
			if got.Pass != c.pass || got.Vacuous != c.vacuous || !strings.Contains(got.Feedback, c.says) {
				t.Errorf("got %+v\n%s", got, got.Log)
			}
		})
	}
}
