package gen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

func toolshed() *blueprint.Blueprint {
	two, eighty := 2, 80
	zero := "0"
	return &blueprint.Blueprint{
		Name: "toolshed", Type: "rest-api", Title: "Toolshed", Summary: "Neighbours lend each other tools.",
		Entities: []blueprint.Entity{
			{Name: "Tool", Plural: "tools", Fields: []blueprint.Field{
				{Name: "name", Key: "name", Kind: blueprint.Text, Required: true, Unique: true},
				{Name: "kind", Key: "kind", Kind: blueprint.Choice, Choices: []string{"hand", "power", "garden"}},
				{Name: "price", Key: "price", Kind: blueprint.Money, Min: &zero},
				{Name: "bought on", Key: "bought_on", Kind: blueprint.Date},
				{Name: "sold on", Key: "sold_on", Kind: blueprint.Date},
				{Name: "broken", Key: "broken", Kind: blueprint.Bool, Default: "no"},
				{Name: "tags", Key: "tags", Kind: blueprint.Text, List: true},
			}},
			{Name: "Loan", Plural: "loans", Fields: []blueprint.Field{
				{Name: "tool", Key: "tool", Kind: blueprint.Ref, Ref: "Tool", Required: true},
				{Name: "borrower", Key: "borrower", Kind: blueprint.Text, Required: true, MinLen: &two, MaxLen: &eighty},
				{Name: "due", Key: "due", Kind: blueprint.Date, Required: true},
				{Name: "returned", Key: "returned", Kind: blueprint.Bool, Default: "no"},
			}},
		},
		Rules: []blueprint.Rule{
			{Kind: blueprint.RuleForbid, Entity: "Tool", Target: "Loan", Field: "broken", Value: "yes", Other: "tool", Status: 409, Text: "A broken tool cannot be lent."},
			{Kind: blueprint.RuleLimit, Entity: "Loan", Field: "borrower", N: 3, Where: []blueprint.Match{{Field: "returned", Value: "no"}}, Status: 409, Text: "At most 3 open loans per borrower."},
			{Kind: blueprint.RuleDelete, Entity: "Tool", Target: "Loan", Where: []blueprint.Match{{Field: "returned", Value: "no"}}, Status: 409, Text: "Deleting a tool that is lent answers 409."},
			{Kind: blueprint.RuleOrder, Entity: "Tool", Field: "bought_on", Other: "sold_on", Status: 400},
			{Kind: blueprint.RuleSort, Entity: "Tool", Field: "name", Text: "Tools are sorted by name."},
		},
	}
}

func TestCoreBuildsAndPasses(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program")
	}
	files, _, err := gen.Core(toolshed(), gen.Manner{})
	if err != nil {
		t.Fatal(err)
	}
	dir := lay(t, files)
	goRun(t, dir, "vet", "./...")
	goRun(t, dir, "test", "./...")
}

// A confined build has an empty module cache of its own and Builder's as its proxy.
func TestCoreBuildsFromTheModuleCache(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program")
	}
	files, _, err := gen.Core(toolshed(), gen.Manner{})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	goRunWith(t, lay(t, files), []string{
		"GOMODCACHE=" + t.TempDir(), "GOFLAGS=-mod=readonly -modcacherw",
		"GOPROXY=file://" + filepath.ToSlash(strings.TrimSpace(string(cache))) + "/cache/download",
	}, "build", "./...")
}

// lay writes files into a fresh folder.
func lay(t *testing.T, files []unit.File) string {
	t.Helper()
	dir := t.TempDir()
	if keep := os.Getenv("GEN_KEEP"); keep != "" {
		dir = filepath.Join(keep, filepath.Base(t.Name()))
	}
	for _, f := range files {
		at := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(f.Content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goRun runs the go command as a generated program must be buildable: offline and read-only.
func goRun(t *testing.T, dir string, args ...string) {
	t.Helper()
	goRunWith(t, dir, []string{"GOFLAGS=-mod=readonly", "GOPROXY=off"}, args...)
}

func goRunWith(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOSUMDB=off", "GOTOOLCHAIN=local", "GOWORK=off"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
}
