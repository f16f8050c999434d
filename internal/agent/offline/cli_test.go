package offline_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/clitool"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

const cliCwd = "/home/me/my app"

// Whatever tools the CLI offers and wherever it says its folder is, it ends with the tree that the
// native tools end with, file for file; also over a tree that somebody began.
func TestCLIWritesTheTreeOfTheNativeEngine(t *testing.T) {
	t.Parallel()
	h := offline.Handler(offline.Options{})
	specs := map[string]func(*blueprint.Blueprint) ([]unit.Unit, error){"cli-tool": clitool.Units, "rest-api": gen.RestAPI}
	ways := map[string]struct {
		tools   []object
		before  string // in the system text before Builder's own
		after   string // after it
		prompt  string // in the prompt before the task
		removes string // what is called before a file that exists is written
	}{
		"all tools and the CLI's own prompt": {tools: allTools, before: "You are an interactive agent.\n# Environment\n - Primary working directory: " + cliCwd + "\n - Platform: linux\n\n", removes: "Read"},
		"few tools and our prompt":           {tools: leanTools, prompt: "Working folder: " + cliCwd + "\n\n", removes: "Read"},
		"ours counts more than the CLI's":    {tools: leanTools, before: "<env>\nWorking directory: /somewhere/else\n</env>\n", after: "\n\nWorking folder: " + cliCwd + "/\n", removes: "Read"},
		"no folder told":                     {tools: leanTools, removes: "Read"},
		"bare":                               {tools: bareTools, before: "CWD: " + cliCwd + "\nDate: 2026-11-29\n\n", removes: "Bash"},
	}
	for name, units := range specs {
		spec, err := os.ReadFile("../../../specs/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		us, err := units(blueprint.Read(string(spec)))
		if err != nil {
			t.Fatal(err)
		}
		for way, tt := range ways {
			for _, begun := range []string{"", "told", "untold"} {
				t.Run(strings.Join([]string{name, way, begun}, "/"), func(t *testing.T) {
					t.Parallel()
					f := cliFolder{cwd: cliCwd, tree: map[string]string{}}
					want := map[string]string{}
					for _, u := range us {
						f.seen = map[string]bool{}
						system, prompt := cliBrief("app."+u.Name, string(spec), func(b *agent.Brief) {
							b.Environment, b.Notes = "Working directory: /of/a/stranger", []string{"Working folder: /of/a/stranger"}
							if begun != "" {
								f.tree[u.Files[0].Path] = "half of it"
							}
							if begun != "untold" {
								for path := range f.tree {
									b.Tree += "\n" + path + " 10"
								}
							}
						})
						f.work(t, h, []string{tt.before + strings.Join(system, "\n\n") + tt.after}, tt.tools,
							spoken("user", textBlock(reminder), textBlock(tt.prompt+prompt)))
						for _, file := range u.Files {
							want[file.Path] = file.Content
						}
						if last := f.turns[len(f.turns)-1]; !slices.Equal(last, []string{"mcp__builder__finish"}) {
							t.Errorf("the last turn called %v", last)
						}
					}
					if d := cmp.Diff(want, f.tree); d != "" {
						t.Error(d)
					}
					turns := map[string]int{"": 2, "told": 2, "untold": 3}[begun]
					if len(f.turns) != turns*len(us) || begun == "told" && f.turns[0][0] != tt.removes {
						t.Errorf("%d turns, want %d a task: %v", len(f.turns), turns, f.turns)
					}
					if f.blocked != "" || f.hands != len(us) || !strings.Contains(f.said, "accepted") {
						t.Errorf("handed in %d times, blocked %q, said %q", f.hands, f.blocked, f.said)
					}
				})
			}
		}
	}
}

// Feedback comes as the result of the MCP tool.
func TestCLIGoesOnAfterFeedback(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tools    []object
		feedback string
		accept   int
		turns    []string // the first tool of each turn
		blocked  string
		fails    bool // what is written after the first handing in
	}{
		"a named file is written once more":   {leanTools, "vet: main.go:1: broken", 2, []string{"Write", "finish", "Write", "finish"}, "", false},
		"the same by edits alone":             {bareTools, "vet: main.go:1: broken", 2, []string{"Edit", "finish", "Bash", "finish"}, "", false},
		"the same failure again is given up":  {leanTools, "vet: main.go:1: broken", 0, []string{"Write", "finish", "Write", "finish", "blocked"}, "main.go:1: broken", false},
		"what names no file is given up":      {leanTools, "acceptance-1: got 1, want 2", 0, []string{"Write", "finish", "blocked"}, "got 1, want 2", false},
		"no verdict is asked for once more":   {leanTools, "MCP error -32000: Connection closed", 0, []string{"Write", "finish", "finish", "blocked"}, "Connection closed", false},
		"a stopped call is asked for as well": {leanTools, "[Request interrupted by user for tool use]", 2, []string{"Write", "finish", "finish"}, "", false},
		"what cannot be written is given up":  {leanTools, "vet: main.go:1: broken", 0, []string{"Write", "finish", "Write", "Write", "blocked"}, "main.go:1: broken", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			system, prompt := cliBrief("app.core", "# Toolshed\n- x\n", nil)
			f := cliFolder{cwd: cliCwd, tree: map[string]string{}, seen: map[string]bool{}}
			f.verdict = func(n int) string {
				f.full = tt.fails
				if n == tt.accept {
					return ""
				}
				return tt.feedback
			}
			f.work(t, offline.Handler(offline.Options{Author: small}), append(system, "Working folder: "+cliCwd), tt.tools, spoken("user", textBlock(prompt)))
			var turns []string
			for _, names := range f.turns {
				turns = append(turns, strings.TrimPrefix(names[0], "mcp__builder__"))
			}
			if d := cmp.Diff(tt.turns, turns); d != "" {
				t.Error(d)
			}
			if !strings.Contains(f.blocked, tt.blocked) || (f.blocked == "") != (tt.blocked == "") {
				t.Errorf("blocked %q", f.blocked)
			}
		})
	}
}
