package claudecode_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/claudecode"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// shell writes a CLI of a few lines of shell, as an npm package would lie.
func shell(t *testing.T, lines string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "node_modules", "@scope", "cli", "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "cli.sh")
	if err := os.WriteFile(path, []byte("#!/usr/bin/env sh\n"+lines), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "claude")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// A CLI that cannot be started is the machine's failure, in its own words, after a few tries.
func TestNeverStarts(t *testing.T) {
	t.Parallel()
	p := program(shell(t, "echo tried >> tries; echo it is broken >&2; exit 3\n"), confined(t), nil)(t)
	task, job := one(t, &agenttest.Foreman{})
	r, err := p.New(job, agenttest.Open(t, agenttest.Script())).Run(t.Context(), task)
	var f *agent.Failure
	if err == nil || errors.As(err, &f) || !strings.Contains(err.Error(), "it is broken") || !strings.Contains(err.Error(), "p1.t1") {
		t.Errorf("got %+v, %v", r, err)
	}
	if tries, err := os.ReadFile(filepath.Join(job.Dir, "tries")); err != nil || strings.Count(string(tries), "tried") != 3 {
		t.Errorf("tried %q, %v", tries, err)
	}
}

// A CLI that dies at work goes on twice; then the attempt is stuck.
func TestDiesAgainAndAgain(t *testing.T) {
	t.Parallel()
	eachCLI(t, func(t *testing.T, path string) {
		p := program(path, confined(t), nil)(t)
		die := agenttest.Use(p.Run("kill -9 $PPID"))
		die.Text = "Now."
		h := agenttest.Script(die, die, die, finish(p))
		task, job := one(t, &agenttest.Foreman{})
		r, err := p.New(job, agenttest.Open(t, h)).Run(t.Context(), task)
		if err != nil || r.Outcome != agent.Stuck || r.Evidence == "" || len(h.Requests()) != 3 {
			t.Errorf("got %+v, %v after %d requests", r, err, len(h.Requests()))
		}
		if said := strings.Join(p.Told(), "\n"); strings.Count(said, "it is started again") != 2 {
			t.Errorf("told %s", said)
		}
	})
}

// What goes wrong behind a tool is the machine's failure, and comes back as it is.
func TestForemanFails(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	for name, foreman := range map[string]agent.Foreman{"error": broken{&agenttest.Foreman{}, full}, "panic": broken{&agenttest.Foreman{}, nil}} {
		p := program(exe, ladder.Unconfined(), nil)(t)
		task, job := one(t, foreman)
		h := agenttest.Script(finish(p), finish(p))
		r, err := p.New(job, agenttest.Open(t, h)).Run(t.Context(), task)
		if err == nil || name == "error" && !errors.Is(err, full) || name == "panic" && !strings.Contains(err.Error(), "panic: no disk") || len(h.Requests()) != 1 {
			t.Errorf("%s: got %+v, %v after %d requests", name, r, err, len(h.Requests()))
		}
	}
}

// broken cannot verify.
type broken struct {
	*agenttest.Foreman
	err error
}

func (b broken) Verify(context.Context, string) (agent.Verdict, error) {
	if b.err == nil {
		panic("no disk")
	}
	return agent.Verdict{}, b.err
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]claudecode.Config{
		"no sandbox":      {Folder: "/x"},
		"relative":        {Folder: "x", Runner: ladder.Unconfined()},
		"settings":        {Folder: "/x", Runner: ladder.Unconfined(), Settings: "s.json"},
		"not there":       {Folder: "/x", Runner: ladder.Unconfined(), CLI: "no-such-claude"},
		"no interpreter":  {Folder: "/x", Runner: ladder.Unconfined(), CLI: interpreted(t, "no-such-node")},
		"nothing to call": {Folder: "/x", Runner: ladder.Unconfined(), CLI: interpreted(t, "")},
	} {
		p, err := claudecode.New(c)
		var missing *claudecode.NotFoundError
		if err == nil || errors.As(err, &missing) && missing.Hint() == "" {
			t.Errorf("%s: got %v, %v", name, p, err)
		}
	}
}

// interpreted is a script for an interpreter.
func interpreted(t *testing.T, by string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "claude")
	if err := os.WriteFile(path, fmt.Appendf(nil, "#!/usr/bin/env %s\n", by), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVersion(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for lines, want := range map[string]string{"echo '9.9.9 (Claude Code)'\n": "9.9.9 (Claude Code)", "echo no >&2; exit 1\n": "", "true\n": ""} {
		p, err := claudecode.New(claudecode.Config{CLI: shell(t, lines), Folder: folder, Runner: confined(t)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Version(t.Context()); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", lines, got, err)
		}
	}
}
