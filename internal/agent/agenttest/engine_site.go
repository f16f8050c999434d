package agenttest

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// site is where one attempt is carried out.
type site struct {
	t       *testing.T
	program Program
	foreman *Foreman
	script  *script
	way     *Way
	job     agent.Job
	task    agent.Task
}

func newSite(t *testing.T, p Program) *site {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, program: p, foreman: &Foreman{}, script: &script{}}
	s.way = Open(t, &Handler{Next: s.script.next})
	s.task = agent.Task{
		ID: "p1.t1", Model: "claude-sonnet-4-5", MaxTokens: 8000,
		System: []string{"You are an engineer.", "<spec>Herons everywhere.</spec>"}, First: agent.Say(agent.User, "<task>Write the heron.</task>"),
	}
	s.job = agent.Job{Task: s.task, Dir: dir, Session: newUUID(), Foreman: s.foreman}
	t.Cleanup(func() {
		if left := Processes(s.way.Secret); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
			kill(left)
		}
		if n := s.way.Strays(); n != 0 {
			t.Errorf("%d requests came without the secret", n)
		}
		if n := s.foreman.Overlaps(); n != 0 {
			t.Errorf("%d calls of the foreman were made beside others", n)
		}
	})
	return s
}

// script plays turns, and keeps what was asked.
type script struct {
	mu    sync.Mutex
	turns []Turn
	at    map[int]func() // called before the turn of that number is played
	asked []Request
}

func (s *script) next(n int, r Request) Turn {
	s.mu.Lock()
	s.asked = append(s.asked, r)
	do, turns := s.at[n], s.turns
	s.mu.Unlock()
	if do != nil {
		do()
	}
	return nth(turns, n)
}

func (s *script) requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.asked...)
}

// play sets the script.
func (s *site) play(turns ...Turn) { s.script.turns = turns }

// run carries the attempt out.
func (s *site) run(ctx context.Context) (agent.Result, error) {
	s.t.Helper()
	type end struct {
		result agent.Result
		err    error
	}
	ended := make(chan end, 1)
	go func() {
		r, err := s.program.New(s.job, s.way).Run(ctx, s.task)
		ended <- end{r, err}
	}()
	select {
	case e := <-ended:
		if left := Processes(s.way.Secret); len(left) > 0 {
			s.t.Errorf("Run has ended, and processes are left: %v", left)
		}
		return e.result, e.err
	case <-time.After(patience):
		s.t.Fatalf("Run does not end; requests so far: %d", len(s.script.requests()))
	}
	panic("not reached")
}

// ends runs the attempt and wants it to end in a way.
func (s *site) ends(want agent.Outcome) agent.Result {
	s.t.Helper()
	r, err := s.run(s.t.Context())
	if err != nil || r.Outcome != want {
		s.t.Fatalf("got %+v, %v, want %s", r, err, want)
	}
	return r
}

// said wants a text in a request.
func (s *site) said(n int, text string) {
	s.t.Helper()
	asked := s.script.requests()
	if n >= len(asked) {
		s.t.Fatalf("only %d requests came", len(asked))
	}
	if !strings.Contains(asked[n].Said(), text) {
		s.t.Errorf("request %d does not say %q: %s", n, text, clipped(asked[n].Said()))
	}
}

func clipped(text string) string {
	if len(text) > 4000 {
		return "… " + text[len(text)-4000:]
	}
	return text
}

func (s *site) own(name string, pairs ...any) agent.ToolCall {
	return s.program.Own(name, object(pairs...))
}

func (s *site) finish() Turn { return Use(s.own("finish", "summary", "it is written")) }

func (s *site) write() Turn {
	return Use(s.program.Write(filepath.Join(s.job.Dir, "heron.txt"), "a heron\n"))
}

func (s *site) blocked(question string) Turn {
	pairs := []any{"reason", "the spec says both", "evidence", "lines 3 and 4"}
	if question != "" {
		pairs = append(pairs, "question", question)
	}
	return Use(s.own("blocked", pairs...))
}
