package clitool_test

import (
	"bytes"
	"errors"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/clitool"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// specs are the odd specs of testdata. Beside each NAME.md may stand NAME.more: a session with
// other values than the spec's examples, which only right rules can satisfy.
func specs(t *testing.T) map[string]*blueprint.Blueprint {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.md")
	if err != nil || len(paths) < 5 {
		t.Fatalf("glob specs: %v, %d found", err, len(paths))
	}
	out := map[string]*blueprint.Blueprint{}
	for _, path := range append(paths, "../../../../specs/cli-tool.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".md")] = blueprint.Read(string(text))
	}
	return out
}

// The specs of testdata are within the rules: nothing in them may be unknown.
func TestSpecsAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, bp := range specs(t) {
		for _, u := range append(bp.Unknown, clitool.Unknown(bp)...) {
			t.Errorf("%s:%d: %s: %s", name, u.Line, u.Text, u.Why)
		}
	}
}

// The same blueprint gives the same bytes, formatted as gofmt does.
func TestUnitsAreStable(t *testing.T) {
	t.Parallel()
	for name, bp := range specs(t) {
		first, again := units(t, bp), units(t, bp)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%s: two runs differ: %s", name, diff)
		}
		for _, f := range allFiles(first) {
			if !strings.HasSuffix(f.Path, ".go") {
				continue
			}
			formatted, err := format.Source([]byte(f.Content))
			if err != nil || string(formatted) != f.Content {
				t.Errorf("%s: %s is not formatted: %v", name, f.Path, err)
			}
		}
	}
}

// The programs build, pass vet and their own tests, and do what the spec's sessions show, and
// what follows from them for other values.
func TestProgramsKeepTheirSessions(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	t.Parallel()
	for name, bp := range specs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, f := range allFiles(units(t, bp)) {
				write(t, filepath.Join(dir, filepath.FromSlash(f.Path)), f.Content)
			}
			goTool(t, dir, "build", "-trimpath", "-o", "bin/", "./...")
			goTool(t, dir, "vet", "./...")
			goTool(t, dir, "test", "./...")
			blocks := bp.Acceptance
			if more, err := os.ReadFile("testdata/" + name + ".more"); err == nil {
				blocks = append(blocks, blueprint.Block{Lang: "console", Text: string(more)})
			}
			for _, b := range blocks {
				session(t, filepath.Join(dir, "bin"), bp.Name, b)
			}
		})
	}
}

func units(t *testing.T, bp *blueprint.Blueprint) []unit.Unit {
	t.Helper()
	us, err := clitool.Units(bp)
	if err != nil {
		t.Fatal(err)
	}
	return us
}

func allFiles(us []unit.Unit) []unit.File {
	var out []unit.File
	for _, u := range us {
		out = append(out, u.Files...)
	}
	return out
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func goTool(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOSUMDB=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false -mod=readonly", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// session runs a console block with the real program in a fresh home.
func session(t *testing.T, bin, name string, b blueprint.Block) {
	t.Helper()
	home := t.TempDir()
	for _, s := range blueprint.ReadSession(b) {
		if len(s.Argv) == 0 || s.Argv[0] != name {
			continue
		}
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name), s.Argv[1:]...)
		cmd.Dir = home
		cmd.Env = append([]string{"HOME=" + home}, s.Env...)
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		err := cmd.Run()
		exit := 0
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			exit = failed.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimRight(out.String()+errOut.String(), "\n")
		if want := strings.Join(s.Output, "\n"); want != "" && got != want || exit != s.Exit {
			t.Errorf("line %d: $ %s: exit %d, want %d: %s", s.Line, s.Command, exit, s.Exit, cmp.Diff(want, got))
		}
	}
}
