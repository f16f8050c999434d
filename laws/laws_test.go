package laws

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// mutation takes away one guard of a law. It holds while old stands in file exactly once.
type mutation struct {
	law   string // "L1" to "L9"
	kept  string // what the guarding line keeps
	file  string // from the module's root, with slashes
	old   string // the guard, with enough around it to stand there once
	new   string // what stands there without it; it MUST compile
	tests string // regular expression of the tests of the file's package, at least one of which MUST fail
	in    string // another package whose tests they are, from the module's root; "" is the file's own
}

var try = flag.Bool("try", false, "try every mutation: make laws")

// patience bounds one mutation: some make a test wait for what never comes.
const patience = 5 * time.Minute

// A row whose guard was moved, or whose tests are gone, guards nothing any more.
func TestTableIsTrue(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range mutations {
		seen[m.law] = true
		source, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(m.file)))
		if err != nil {
			t.Errorf("%s, %s: %v", m.law, m.kept, err)
			continue
		}
		if n := strings.Count(string(source), m.old); n != 1 || m.old == m.new {
			t.Errorf("%s, %s: the guard stands %d times in %s, want once: move the row with it", m.law, m.kept, n, m.file)
		}
		for _, name := range strings.Split(m.tests, "|") {
			if !slices.ContainsFunc(testsIn(t, m.dir()), regexp.MustCompile("^("+name+")").MatchString) {
				t.Errorf("%s, %s: no test %s in %s", m.law, m.kept, name, m.dir())
			}
		}
	}
	for n := 1; n <= 9; n++ {
		if law := fmt.Sprintf("L%d", n); !seen[law] {
			t.Errorf("no mutation for law %s", law)
		}
	}
}

var declared = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// dir is the package of the tests.
func (m mutation) dir() string {
	if m.in != "" {
		return m.in
	}
	return path.Dir(m.file)
}

// testsIn names the tests of a package.
func testsIn(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range declared.FindAllStringSubmatch(string(source), -1) {
			names = append(names, found[1])
		}
	}
	return names
}

// Each mutation makes at least one of its tests fail; one that does not even compile shows nothing.
func TestMutations(t *testing.T) {
	if !*try {
		t.Skip("takes minutes: make laws")
	}
	for _, m := range mutations {
		t.Run(m.law+"/"+m.kept, func(t *testing.T) {
			failed, output := m.run(t)
			if len(failed) == 0 {
				t.Fatalf("no test fails without it\n%s", tail(output))
			}
			t.Logf("fail without it: %s", strings.Join(failed, ", "))
		})
	}
}

var failure = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// run gives the names of the tests that fail under the mutation, and all that the run printed.
func (m mutation) run(t *testing.T) ([]string, string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mutant, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	raw, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutant}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{mutant: []byte(strings.Replace(string(source), m.old, m.new, 1)), overlay: raw} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	litter := filepath.Join(filepath.Dir(original), "testdata", "rapid") // what rapid keeps of failures
	if _, err := os.Stat(litter); os.IsNotExist(err) {
		t.Cleanup(func() {
			_ = os.RemoveAll(litter)
			_ = os.Remove(filepath.Dir(litter)) // only when nothing else is in it
		})
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-timeout", "4m", "-overlay", overlay, "-run", "^("+m.tests+")", "./"+m.dir())
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil, string(out)
	}
	var names []string
	for _, found := range failure.FindAllStringSubmatch(string(out), -1) {
		names = append(names, found[1])
	}
	return names, string(out)
}

func tail(s string) string {
	if len(s) > 2000 {
		return "…" + s[len(s)-2000:]
	}
	return s
}
