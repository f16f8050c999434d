package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// order gives an order by its verb and wants it acknowledged.
func (s *site) order(args ...string) control.Reply {
	s.t.Helper()
	c, _ := s.command(append(args, "--json")...)
	c.Stdout, c.Stderr = nil, nil
	raw, err := c.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			s.t.Fatalf("%v: %v\n%s", args, err, exit.Stderr)
		}
		s.t.Fatalf("%v: %v", args, err)
	}
	var rep control.Reply
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&rep); err != nil || rep.Seq == 0 {
		s.t.Fatalf("%v: %v\n%s", args, err, raw)
	}
	return rep
}

// A paused build lets its call arrive and asks no other; its process waits, status says so, and
// resume tells that process to go on.
func TestPauseAndGoOn(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args()...)
	<-started
	rep := s.order("pause", "app")
	if rep.Point != phases.PointEffect || rep.Verb != "pause" {
		t.Errorf("got %+v", rep)
	}
	run.await("paused by an order")
	st := s.status("app")
	if st.Held == nil || st.Held.Order != rep.ID || st.State != phases.Running || st.Budget.Held == 0 {
		t.Errorf("status %+v", st)
	}
	info, err := os.Stat(st.Control)
	if err != nil || info.Mode().Type() != os.ModeSocket || info.Mode().Perm() != 0o600 {
		t.Errorf("socket %q: %v, %v", st.Control, info, err)
	}
	if dir, err := os.Stat(filepath.Dir(st.Control)); err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("its folder: %v, %v", dir, err)
	}
	close(gate)
	has(t, s.wants(0, "pause", "app", "--wait"), "record ", "nothing is in flight any more")
	if n := len(s.srv.Requests()); n != 1 {
		t.Errorf("%d calls while paused, want 1", n)
	}
	if st := s.status("app"); st.Budget.Held != 0 || st.Calls != 1 {
		t.Errorf("status %+v", st)
	}
	has(t, s.wants(0, "status", "app"), "paused since ")
	has(t, s.wants(0, "resume", "app"), "the process that waited in ")
	has(t, run.end(0), "goes on by an order", "done: 1 tasks")
	s.replayed()
	if _, err := os.Lstat(st.Control); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(s.path("app/.builder/builds"), st.Build, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	has(t, string(raw), "## Orders", rep.ID)
	has(t, s.wants(2, "pause", "app"), "builder: E_ORDER_STATE: the build is done")
}

// A build that is told to stop ends as after one Ctrl-C, also out of a pause, and however often it
// is told.
func TestOrderedStop(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args()...)
	<-started
	s.order("pause", "app")
	first := s.order("stop", "app", "--id", "s-1")
	run.await("stopping: 1 call(s) in flight")
	s.order("stop", "app")
	close(gate)
	has(t, run.end(130), "builder: E_INTERRUPTED: ")
	if again := s.order("stop", "app", "--id", "s-1"); again.Seq != first.Seq || !again.Time.Equal(*first.Time) {
		t.Errorf("acknowledged as %+v, then as %+v", first, again)
	}
	if st := s.status("app"); st.State != phases.Interrupted || st.Budget.Unknown != 0 || st.Held != nil {
		t.Errorf("status %+v", st)
	}
	has(t, s.wants(2, "stop", "app"), "builder: E_ORDER_STATE: ", "hint: start it with: builder resume "+filepath.Join(s.dir, "app")+"\n")
	has(t, s.wants(0, "resume", "app"), "done: 1 tasks")
	s.replayed()
}

// A cap that is raised while the build runs counts for its next call; one below what is used is
// refused, and so is one of a phase that is not there.
func TestOrderedCap(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args("--max-tokens", "60000")...)
	<-started
	has(t, s.wants(2, "cap", "app", "--max-cost", "0.000001"), "builder: E_BUDGET: ", "is used")
	has(t, s.wants(2, "cap", "app", "--max-cost", "5", "--phase", "nine"), "builder: E_ORDER_TASK: ", "hint: phases stand in: builder status --json "+filepath.Join(s.dir, "app")+"\n")
	s.order("cap", "app", "--max-cost", "25", "--max-tokens", "9000000")
	s.order("cap", "app", "--phase", "main", "--max-cost", "7.5")
	run.await("the cap is now $25.00 and 9000000 tokens; phase:main $7.50")
	close(gate)
	run.end(0)
	if st := s.status("app"); st.Budget.Cap != 25_000_000 || st.Budget.CapTokens != 9_000_000 {
		t.Errorf("budget %+v", st.Budget)
	}
	s.replayed()
}

// Without the order this build pauses for its budget; with it, given before, it does not.
func TestCapRaisedInTime(t *testing.T) {
	t.Parallel()
	for name, raised := range map[string]bool{"raised": true, "not raised": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate, started := make(chan struct{}), make(chan struct{})
			slow := slowFirst(gate, started)
			s := newSite(t, func(n int, req agenttest.Request) agenttest.Turn {
				got := slow(n, req)
				got.Usage.Input, got.Usage.Output = 16_500, 3_200
				return got
			})
			run := s.start(s.args("--max-tokens", "20000")...)
			<-started
			if raised {
				s.order("cap", "app", "--max-tokens", "900000")
			}
			close(gate)
			if raised {
				run.end(0)
				s.replayed()
				return
			}
			has(t, run.end(75), "builder: E_BUDGET: ")
			s.order("cap", "app", "--max-tokens", "900000") // no process: into the journal
			s.wants(0, "resume", "app")
			s.replayed()
		})
	}
}

// A note reaches the agent at its next turn, and a running build shows it sanitised.
func TestOrderedNote(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args()...)
	<-started
	s.order("note", "say it\x1b[2J loudly", "app")
	run.await("noted for the agents: say it[2J loudly")
	has(t, s.wants(2, "note", "x", "app", "--task", "nobody"), "builder: E_ORDER_TASK: ")
	has(t, s.wants(2, "note", " ", "app"), "builder: E_ORDER: ", "the text is missing")
	close(gate)
	has(t, run.end(0), "main.hello  the agent is told what you noted")
	reqs := s.srv.Requests()
	if len(reqs) != 2 || strings.Contains(reqs[0].Said(), "loudly") || strings.Count(reqs[1].Said(), "say it[2J loudly") != 1 {
		t.Errorf("%d calls; the second was told %q", len(reqs), reqs[len(reqs)-1].Said())
	}
	s.replayed()
}

// inquirer asks before it does what it was asked for.
func inquirer() []agenttest.Turn {
	ask := agenttest.Call("blocked", map[string]string{"reason": "hello is said in many tongues", "evidence": "the spec", "question": "Which \x1b[31mtongue?"})
	return append([]agenttest.Turn{agenttest.Use(agenttest.Write("draft.txt", "h"), ask)}, honest()...)
}

// A question parks its task: exit 75 with the command that answers; the answer, given without a
// process, is the result of the call, and nothing is asked again.
func TestQuestionAndAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, script(inquirer()...))
	out := s.wants(75, s.args()...)
	has(t, out, "main.hello  WAITS for your answer: Which [31mtongue?", "builder: E_QUESTION: main.hello asks: Which", `hint: answer with: builder answer main.hello "TEXT" `, "; then go on with: builder resume ")
	if strings.Contains(out, "\x1b") {
		t.Errorf("an escape reached the terminal: %q", out)
	}
	st := s.status("app")
	if st.State != phases.PausedState || st.Tasks[0].State != phases.TaskWaiting || st.Tasks[0].Question == nil {
		t.Errorf("status %+v", st)
	}
	has(t, s.wants(0, "status", "app"), "waiting  main.hello", "asks: Which", "answer with: builder answer main.hello TEXT")
	has(t, s.wants(2, "answer", "main.bye", "x", "app"), "builder: E_ORDER_TASK: ")
	has(t, s.wants(75, "resume", "app"), "builder: E_QUESTION: ")
	first := s.order("answer", "main.hello", "in English", "app", "--id", "a-1")
	if again := s.order("answer", "main.hello", "in English", "app", "--id", "a-1"); again.Seq != first.Seq {
		t.Errorf("recorded twice: %d and %d", first.Seq, again.Seq)
	}
	has(t, s.wants(2, "answer", "main.hello", "in German", "app", "--id", "a-1"), "builder: E_ORDER_ID: ")
	s.wants(0, "resume", "app")
	reqs := s.srv.Requests()
	if len(reqs) != 3 || !strings.Contains(reqs[1].Last(), "in English") {
		t.Errorf("%d calls, the second was told %q", len(reqs), reqs[1].Last())
	}
	has(t, s.wants(0, "logs", "main.hello", "app"), "question.asked", "order.given")
	s.replayed()
}

// While other work goes on, a question can be answered over the socket; where a worker is free the
// task goes on at once.
func TestAnswerWhileRunning(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	turns := inquirer()
	s := newSite(t, func(n int, req agenttest.Request) agenttest.Turn {
		said := req.Said()
		switch {
		case strings.Contains(said, `<task id="main.bye">`) && len(req.Wire.Messages) > 1:
			return agenttest.Use(agenttest.Finish("bye"))
		case strings.Contains(said, `<task id="main.bye">`):
			turn := agenttest.Use(agenttest.Write("bye.txt", "bye"))
			turn.Text, turn.Fault = "well", &agenttest.Fault{Pause: gate}
			close(started)
			return turn
		case !strings.Contains(said, "in English"):
			return turns[0]
		case len(req.Wire.Messages) == 1 || strings.Contains(req.Last(), "in English"):
			return turns[1]
		}
		return turns[2]
	}, twoTasks, alone)
	run := s.start(s.args("--workers", "2")...)
	<-started
	s.order("answer", "main.hello", "in English", "app")
	run.await("main.hello  done")
	close(gate)
	has(t, run.end(0), "done: 2 tasks")
	s.replayed()
}

// alone takes away what the second task needs of the first.
func alone(p *planner.Plan) {
	tasks := p.Phases[0].Tasks
	tasks[1].Needs = nil
}

// A runtime folder whose path is too long for a socket, none at all, and one that others can look
// into: there is another place.
func TestSocketPlaces(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("deep/", 30)
	for name, c := range map[string]struct {
		runtime string
		mode    os.FileMode
		there   bool
	}{
		"deep": {deep, 0o700, false}, "none": {"", 0, false}, "open to others": {"open", 0o755, false}, "as it should be": {"r", 0o700, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate, started := make(chan struct{}), make(chan struct{})
			s := newSite(t, slowFirst(gate, started))
			short, err := os.MkdirTemp("/tmp", "rt")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { removeAll(short) })
			if c.runtime != "" {
				dir := filepath.Join(short, c.runtime)
				if err := os.MkdirAll(filepath.Join(dir, "builder"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(filepath.Join(dir, "builder"), c.mode); err != nil {
					t.Fatal(err)
				}
				s.env = append(s.env, "XDG_RUNTIME_DIR="+dir)
			}
			run := s.start(s.args()...)
			<-started
			s.order("pause", "app")
			if at := s.status("app").Control; strings.HasPrefix(at, short) != c.there || at == "" {
				t.Errorf("the socket is at %q", at)
			}
			close(gate)
			s.order("continue", "app")
			run.end(0)
			s.replayed()
		})
	}
}

// A socket that a killed build left is no hindrance, and its pause does not outlive it.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(gate) })
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args()...)
	<-started
	rep := s.order("pause", "app", "--id", "p-1")
	at := s.status("app").Control
	run.kill(syscall.SIGKILL)
	run.end(-1)
	if _, err := os.Lstat(at); err != nil {
		t.Errorf("no socket is left: %v", err)
	}
	if st := s.status("app"); st.State != phases.Interrupted || st.Held != nil || st.Control != "" {
		t.Errorf("status %+v", st)
	}
	if again := s.order("pause", "app", "--id", "p-1"); again.Seq != rep.Seq {
		t.Errorf("acknowledged as %d, then as %d", rep.Seq, again.Seq)
	}
	s.wants(0, "resume", "app")
	if _, err := os.Lstat(at); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
	s.replayed()
}
