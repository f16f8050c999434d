package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// slowFirst is an honest agent whose first answer stands still until the gate opens; started is
// closed when that answer has been asked for.
func slowFirst(gate <-chan struct{}, started chan<- struct{}) func(int, agenttest.Request) agenttest.Turn {
	turns := honest()
	return func(n int, req agenttest.Request) agenttest.Turn {
		turn := turns[1]
		if len(req.Wire.Messages) == 1 {
			turn = turns[0]
		}
		if n == 0 {
			turn.Text = "thinking about it"
			turn.Fault = &agenttest.Fault{Pause: gate}
			close(started)
		}
		return turn
	}
}

// A first Ctrl-C lets the call in flight arrive: it is paid for. Nothing is unknown, and resuming
// does not ask again.
func TestStopOnce(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"ctrl-c": syscall.SIGINT, "terminate": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate, started := make(chan struct{}), make(chan struct{})
			s := newSite(t, slowFirst(gate, started))
			run := s.start(s.args()...)
			<-started
			run.kill(sig)
			run.await("stopping: 1 call(s) in flight")
			close(gate)
			has(t, run.end(130), "builder: E_INTERRUPTED: ", "hint: go on with: builder resume")
			st := s.status("app")
			if st.State != phases.Interrupted || st.Budget.Unknown != 0 || st.Budget.Held != 0 || st.Calls != 1 {
				t.Errorf("status %+v", st)
			}
			has(t, s.wants(0, "resume", "app"), "done: 1 tasks")
			if n := len(s.srv.Requests()); n != 2 {
				t.Errorf("%d calls, want 2: an answered one was made again", n)
			}
			s.verified()
		})
	}
}

// A second Ctrl-C cuts the call in flight: it is booked as unknown, and resuming asks again.
func TestStopTwice(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(gate) })
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args()...)
	<-started
	run.kill(syscall.SIGINT)
	run.await("stopping: 1 call(s) in flight")
	run.kill(syscall.SIGINT)
	run.await("cutting 1 call(s) in flight")
	run.end(130)
	st := s.status("app")
	if st.State != phases.Interrupted || st.Budget.Unknown == 0 || st.Budget.Held != 0 {
		t.Errorf("status %+v", st)
	}
	s.wants(0, "resume", "app")
	if after := s.status("app"); after.Budget.Unknown != st.Budget.Unknown {
		t.Errorf("unknown was %d, is %d", st.Budget.Unknown, after.Budget.Unknown)
	}
	s.replayed()
}

// A signal more, while a stopped build closes its journal and says how to go on, ends nothing: found
// by the soak, where the second Ctrl-C came in that moment.
func TestStopWhileEnding(t *testing.T) { // not parallel: it is about the signals of this process
	ctx, b := newBrake(t.Context(), 0, func(bool) {})
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	b.release()
	defer signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil { // it would end the tests here
		t.Fatal(err)
	}
	if !signal.Ignored(syscall.SIGHUP) {
		t.Error("the next signal ends the process")
	}
}

// The time that --max-time gives ends a build as a first Ctrl-C does, as a pause.
func TestStopByTime(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args("--max-time", "5s")...) // a busy machine needs a second to get as far as the call
	run.await("stopping: 1 call(s) in flight")
	<-started
	close(gate)
	has(t, run.end(75), "builder: E_TIME: ", "hint: go on with: builder resume")
	if st := s.status("app"); st.State != phases.PausedState || st.Reason.Code != "E_TIME" || st.Budget.Unknown != 0 {
		t.Errorf("status %+v", st)
	}
	s.wants(0, "resume", "app")
	if n := len(s.srv.Requests()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// A second process on a build is told who holds it and since when; status works all the while.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args()...)
	<-started
	out := s.wants(2, "resume", "app")
	has(t, out, "builder: E_LOCKED: ", "process ", " since 20", "hint: watch it with: builder status --watch "+word(s.path("app")))
	st := s.status("app")
	if st.State != phases.Running || st.Tasks[0].State != phases.TaskRunning || st.Budget.Held == 0 {
		t.Errorf("status while running %+v", st)
	}
	has(t, s.wants(2, s.args()...), "builder: E_WORKSPACE: ")
	close(gate)
	run.end(0)
	s.verified()
}

// Every line that --events ndjson writes is one JSON object, and so is what every reading verb
// prints under --json.
func TestMachineReadable(t *testing.T) {
	t.Parallel()
	s := newSite(t, script(honest()...))
	c, _ := s.command(s.args("--events", "ndjson")...)
	var events bytes.Buffer
	c.Stdout, c.Stderr = nil, &events // the first line and the last are objects too
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, events.String())
	}
	lines := 0
	for line := range bytes.Lines(events.Bytes()) {
		lines++
		var e struct {
			Seq  uint64 `json:"seq"`
			Kind string `json:"kind"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Errorf("line %d is no JSON: %s", lines, line)
		}
	}
	if lines < 10 {
		t.Errorf("%d events only", lines)
	}
	for _, args := range [][]string{
		{"status", "app", "--json"}, {"report", "app", "--format", "json"}, {"list", "--json"}, {"models", "--json"}, {"doctor", "--json", "--provider", "offline"},
		{"config", "show", "--json"}, {"config", "schema"}, {"version", "--json"}, {"estimate", "spec.md", "--json"}, {"estimate", "--all-types", "--json"},
		{"checkpoint", "verify", "app", "--json"}, {"checkpoint", "show", "1", "-C", "app"}, {"checkpoint", "list", "app", "--json"},
	} {
		c, _ := s.command(args...)
		c.Stdout, c.Stderr = nil, nil
		raw, err := c.Output()
		if err != nil {
			t.Errorf("%v: %v", args, err)
			continue
		}
		dec, n := json.NewDecoder(bytes.NewReader(raw)), 0
		for dec.More() {
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Errorf("%v prints no JSON: %v", args, err)
				break
			}
			n++
		}
		if n == 0 || n > 1 && args[1] != "list" {
			t.Errorf("%v prints %d values", args, n)
		}
	}
}

// The same build at the same time gives the same commits, wherever it is made.
func TestSameCommits(t *testing.T) {
	t.Parallel()
	var heads []string
	for range 2 {
		s := newSite(t, script(honest()...))
		s.wants(0, s.args("--build-id", "b-same")...)
		heads = append(heads, s.git("app", "rev-parse", "HEAD"))
	}
	if heads[0] != heads[1] {
		t.Errorf("commits %v", heads)
	}
}

// verified checks a build that is done: the folder is clean, the journal is whole and folds to what
// stands there.
func (s *site) verified() {
	s.t.Helper()
	s.wants(0, "checkpoint", "verify", "app")
	if st := s.status("app"); st.State != phases.DoneState || st.Budget.Held != 0 {
		s.t.Errorf("status %+v", st)
	}
	if got := s.git("app", "status", "--porcelain"); got != "" {
		s.t.Errorf("git status: %s", got)
	}
}

// replayed is verified, and the build comes to the same commits from its journal alone.
func (s *site) replayed() {
	s.t.Helper()
	s.verified()
	s.wants(0, "replay", "app")
}
