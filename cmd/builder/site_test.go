package main

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

// siteSpec asks for one file, so that a build needs no compiler and takes a moment.
const siteSpec = `# Greeter

## Rules
- The file hello.txt says hello.
`

// site is builder as a real process with a plan of one small task and a scripted model. By default
// the task is proven by a file gate: hello.txt must say hello.
type site struct {
	*proc
	srv  *agenttest.Server
	spec *planner.Spec
}

// newSite readies a site whose model answers request n, counted from 0, with what next gives.
func newSite(t *testing.T, next func(n int, req agenttest.Request) agenttest.Turn, change ...func(*planner.Plan)) *site {
	t.Helper()
	if testing.Short() {
		t.Skip("runs builder as a process")
	}
	p := newProc(t, filepath.Join(t.TempDir(), "cache"))
	t.Cleanup(func() { removeAll(p.dir) })
	s := &site{proc: p, srv: agenttest.ServeFunc(t, next)}
	s.file("spec.md", siteSpec)
	var err error
	if s.spec, err = markdown.Parse("spec.md", []byte(siteSpec)); err != nil {
		t.Fatal(err)
	}
	plan := s.plan()
	for _, c := range change {
		c(plan)
	}
	s.usePlan(plan)
	return s
}

// script plays turns in order and then goes on with the last one.
func script(turns ...agenttest.Turn) func(int, agenttest.Request) agenttest.Turn {
	return func(n int, _ agenttest.Request) agenttest.Turn { return turns[min(n, len(turns)-1)] }
}

// honest is an agent that does what it was asked for.
func honest() []agenttest.Turn {
	return []agenttest.Turn{agenttest.Use(agenttest.Write("hello.txt", "hello\n")), agenttest.Use(agenttest.Finish("wrote it"))}
}

func (s *site) plan() *planner.Plan {
	p := &planner.Plan{
		Version: 1, Spec: planner.SpecRef{Path: "spec.md", SHA256: s.spec.SHA256},
		Project: planner.Project{Name: "greeter", Type: planner.Other}, Requirements: s.spec.Requirements,
		Gates: []planner.Gate{{ID: "says", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "hello.txt", Contains: []string{"hello"}}}}},
		Phases: []planner.Phase{{ID: "main", Tasks: []planner.Task{
			{ID: "main.hello", Title: "Say hello", Goal: "Write hello.txt.", Gates: []planner.GateID{"says"}},
		}}},
	}
	for _, r := range s.spec.Requirements {
		p.Phases[0].Tasks[0].Covers = append(p.Phases[0].Tasks[0].Covers, r.ID)
	}
	return p
}

// twoTasks adds a second task, which writes bye.txt.
func twoTasks(p *planner.Plan) {
	p.Gates = append(p.Gates, planner.Gate{ID: "leaves", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "bye.txt", Contains: []string{"bye"}}}})
	p.Phases[0].Tasks = append(p.Phases[0].Tasks, planner.Task{
		ID: "main.bye", Title: "Say bye", Goal: "Write bye.txt.", Needs: []planner.TaskID{"main.hello"}, Gates: []planner.GateID{"leaves"},
	})
}

func (s *site) usePlan(p *planner.Plan) {
	s.t.Helper()
	raw, err := planfile.Encode(p)
	if err != nil {
		s.t.Fatal(err)
	}
	s.file("plan.yaml", string(raw))
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) file(name, content string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) exists(name string) bool {
	_, err := os.Lstat(s.path(name))
	return err == nil
}

// args are those of a build of the plan by the scripted model.
func (s *site) args(more ...string) []string {
	return append([]string{"build", "--plan", "plan.yaml", "-o", "app", "--provider", "anthropic", "--base-url", s.srv.URL}, more...)
}

// wants runs builder and wants an exit code; it returns all that was printed.
func (s *site) wants(code int, args ...string) string {
	s.t.Helper()
	out, got := s.run(args...)
	if got != code {
		s.t.Fatalf("builder %s: exit %d, want %d:\n%s", strings.Join(args, " "), got, code, out)
	}
	return out
}

// has fails the test when text does not hold every part.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in:\n…%s", p, text[max(0, len(text)-1500):])
		}
	}
}

// said is all that the model was told.
func (s *site) said() string {
	var b strings.Builder
	for _, r := range s.srv.Requests() {
		b.Write(r.Body)
		b.WriteString(r.Said())
	}
	return b.String()
}

// kept is everything that builder keeps: journal, events, logs, blobs, reports, commits and the
// list of builds, each by its name.
func (s *site) kept() map[string]string {
	s.t.Helper()
	all := map[string]string{"commits": s.git("app", "log", "--all", "-p", "--format=%an %ae %B")}
	for _, top := range []string{"app", "state"} {
		err := filepath.WalkDir(s.path(top), func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			raw, err := os.ReadFile(p)
			all[p] = string(raw)
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	store, err := blob.Open(s.path("app/.builder/blobs"))
	if err != nil {
		s.t.Fatal(err)
	}
	hashes, err := store.List(s.t.Context())
	if err != nil || len(hashes) == 0 {
		s.t.Fatalf("list blobs: %d, %v", len(hashes), err)
	}
	for _, h := range hashes {
		raw, err := store.Get(s.t.Context(), h)
		if err != nil {
			s.t.Fatal(err)
		}
		all["blob "+string(h)] = string(raw)
	}
	return all
}

// running is a builder that has not ended yet.
type running struct {
	t     *testing.T
	lines *bufio.Scanner
	out   strings.Builder
	wait  func() int
	kill  func(syscall.Signal)
}

// start runs builder; what it prints is read by await and end.
func (s *site) start(args ...string) *running {
	s.t.Helper()
	c, _ := s.command(args...)
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	c.Stdout, c.Stderr = w, w
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(s.t.Context(), func() { _ = c.Process.Kill() })
	run := &running{t: s.t, lines: bufio.NewScanner(r)}
	run.wait = func() int {
		_ = c.Wait() // the exit code says it
		stop()
		close(ended)
		_ = r.Close()
		return c.ProcessState.ExitCode()
	}
	run.kill = func(sig syscall.Signal) {
		if err := c.Process.Signal(sig); err != nil {
			s.t.Error(err)
		}
	}
	s.t.Cleanup(func() {
		select {
		case <-ended:
		default:
			_ = c.Process.Kill()
			run.wait()
		}
	})
	return run
}

// await reads what is printed up to a line that holds text.
func (r *running) await(text string) {
	r.t.Helper()
	for r.lines.Scan() {
		r.out.WriteString(r.lines.Text() + "\n")
		if strings.Contains(r.lines.Text(), text) {
			return
		}
	}
	r.t.Fatalf("builder ended without saying %q:\n%s", text, r.out.String())
}

// end reads the rest and wants an exit code.
func (r *running) end(code int) string {
	r.t.Helper()
	out, got := r.rest()
	if got != code {
		r.t.Fatalf("exit %d, want %d:\n%s", got, code, out)
	}
	return out
}

// rest reads the rest and waits for the end.
func (r *running) rest() (string, int) {
	r.t.Helper()
	for r.lines.Scan() {
		r.out.WriteString(r.lines.Text() + "\n")
	}
	if err := r.lines.Err(); err != nil && err != io.EOF {
		r.t.Error(err)
	}
	code := r.wait()
	return r.out.String(), code
}
