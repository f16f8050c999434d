package claudecode_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/claudecode"
)

// witness makes the CLI, and so all that it starts, hold a pipe with a name. Whoever reads it sees its end when all are gone.
func witness(o *claudecode.Options, pipe string) {
	o.Launch = func(ctx context.Context, c claudecode.Command) (claudecode.Process, error) {
		c.Args = slices.Concat([]string{"-c", `exec 9>"$0"; exec "$@"`, pipe, c.Path}, c.Args)
		c.Path = "/bin/sh"
		return claudecode.Launch(ctx, c)
	}
}

// sleeper gives options under which the CLI runs a tool that says that it runs, and then sleeps.
func sleeper(t *testing.T) (o claudecode.Options, prompt, runs, life string) {
	t.Helper()
	o, _ = real(t)
	o.Stderr, o.Trace = nil, nil
	o.AllowedTools = []string{"Bash"}
	runs, life = filepath.Join(o.Dir, "runs"), filepath.Join(o.Dir, "life")
	for _, pipe := range []string{runs, life} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return o, `use Bash {"command":"exec 9>` + life + `; echo yes > ` + runs + `; exec sleep 1000"}`, runs, life
}

type hosted struct {
	Options struct {
		CLI, Dir, Model string
		Env             map[string]string
	}
	Prompt, Life string
}

// realHost is a program that has the CLI run a tool, and waits to be killed.
func realHost() {
	var h hosted
	err := json.Unmarshal([]byte(os.Getenv("REAL_HOST")), &h)
	if err == nil {
		o := claudecode.Options{CLI: h.Options.CLI, Dir: h.Options.Dir, Model: h.Options.Model, Env: h.Options.Env, Tools: []string{"Bash"}, AllowedTools: []string{"Bash"}, SettingSources: []string{}}
		witness(&o, h.Life)
		var s *claudecode.Session
		if s, err = claudecode.Start(context.Background(), o); err == nil {
			err = s.Send(context.Background(), h.Prompt)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	(&fake{}).forever()
}

// A program that is killed leaves neither the real CLI nor the tool that it runs.
func TestRealParentKilled(t *testing.T) {
	t.Parallel()
	o, prompt, runs, life := sleeper(t)
	h := hosted{Prompt: prompt, Life: life}
	h.Options.CLI, h.Options.Dir, h.Options.Model, h.Options.Env = o.CLI, o.Dir, o.Model, o.Env
	told, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self())
	cmd.Env = []string{"REAL_HOST=" + string(told)}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone, err := os.Open(life) // when the CLI opens it too
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if yes, err := os.ReadFile(runs); err != nil || string(yes) != "yes\n" {
		t.Fatalf("got %q, %v", yes, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if _, err := io.ReadAll(gone); err != nil {
		t.Error(err)
	}
}

// The real CLI killed under us: the tool, which it leaves behind in a session of its own, is found and killed.
func TestRealKilled(t *testing.T) {
	t.Parallel()
	o, prompt, runs, life := sleeper(t)
	s := start(t, o)
	if err := s.Send(t.Context(), prompt); err != nil {
		t.Fatal(err)
	}
	gone, err := os.Open(life) // when the tool opens it
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if yes, err := os.ReadFile(runs); err != nil || string(yes) != "yes\n" {
		t.Fatalf("got %q, %v", yes, err)
	}
	if err := syscall.Kill(pidOf(t, s), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if _, err := io.ReadAll(gone); err != nil {
		t.Error(err)
	}
	t.Log(s.Err())
}
