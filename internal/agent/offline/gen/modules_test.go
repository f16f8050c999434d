package gen_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
)

// A generated program builds from the module cache that Builder was built from: every module line
// it writes must be one of Builder's own.
func TestModulesAreBuildersOwn(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"rest-api", "cli-tool"} {
		bp := toolshed()
		bp.Type = typ
		files, _, err := gen.Core(bp, gen.Manner{})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Path != "go.mod" && f.Path != "go.sum" {
				continue
			}
			own, err := os.ReadFile("../../../../" + f.Path)
			if err != nil {
				t.Fatal(err)
			}
			known := moduleLines(string(own))
			for _, line := range moduleLines(f.Content) {
				if !slices.Contains(known, line) {
					t.Errorf("%s of a %s: %q is not in Builder's own", f.Path, typ, line)
				}
			}
		}
	}
}

// moduleLines are the lines with a module and a version, and the language's version.
func moduleLines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), "// indirect"))
		if words := strings.Fields(line); len(words) >= 2 && words[0] != "module" && words[0] != "require" {
			out = append(out, line)
		}
	}
	return out
}

func TestCoreIsDeterministic(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../../../specs/rest-api.md")
	if err != nil {
		t.Fatal(err)
	}
	first, err := gen.RestAPI(blueprint.Read(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := gen.RestAPI(blueprint.Read(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range first {
			if !slices.Equal(first[i].Files, again[i].Files) {
				t.Fatal("the same spec gave other files")
			}
		}
	}
}
