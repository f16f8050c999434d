package claudecode_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/claudecode"
)

// pidOf is the process of a fake, as it answered to initialize.
func pidOf(t *testing.T, s *claudecode.Session) int {
	t.Helper()
	var info struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal(s.ServerInfo(), &info); err != nil || info.PID == 0 {
		t.Fatalf("got %s, %v", s.ServerInfo(), err)
	}
	return info.PID
}

// alive says whether a process runs; one that is dead and not yet reaped does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		// One that goes while it is looked at is ESRCH; without /proc all that can be said is that it can be signalled.
		return !os.IsNotExist(err) && !errors.Is(err, syscall.ESRCH)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

var fakeDeaf = script("deaf", func(f *fake) {
	f.deaf(os.Interrupt, syscall.SIGTERM)
	id, _ := f.request("initialize")
	f.say("deaf") // it is there before Start returns
	f.accept(id, object{"pid": os.Getpid()})
	f.forever()
})

// T31: the end of the context ends everything, also a process that hears nothing.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	o := options(fakeDeaf)
	o.Grace = 50 * time.Millisecond
	s, err := claudecode.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("out of money")
	cancel(why)
	ms, err := collect(s)
	if kinds(ms) != "assistant" || !errors.Is(err, why) || !errors.Is(s.Err(), why) {
		t.Errorf("got %s, %v, %v", kinds(ms), err, s.Err())
	}
	<-s.Done()
	if pid := pidOf(t, s); alive(pid) {
		t.Errorf("process %d is left", pid)
	}
	if _, err := claudecode.Start(ctx, o); !errors.Is(err, why) {
		t.Errorf("got %v for a start after the end", err)
	}
}

var fakeBlocked = script("blocked", func(f *fake) {
	id, _ := f.request("initialize")
	f.say("at first") // it is there before Start returns
	f.accept(id, object{})
	f.send(object{"type": "control_request", "request_id": "q1", "request": object{"subtype": "can_use_tool", "tool_name": "Bash", "input": object{}}})
	for range 200 {
		f.say(strings.Repeat("much ", 1000))
	}
	f.end()
})

// T38, T64, A15: close waits neither for a callback that blocks nor for a taker of messages, and what came can still be taken.
func TestCloseWithBlockedCallback(t *testing.T) {
	t.Parallel()
	o := options(fakeBlocked)
	o.MaxQueue = 10_000
	o.Grace = 50 * time.Millisecond
	blocked, release := make(chan bool), make(chan bool)
	ended := make(chan bool)
	o.CanUseTool = func(context.Context, claudecode.PermissionRequest) (claudecode.Permission, error) {
		defer close(ended)
		close(blocked)
		<-release
		return claudecode.Allow(), nil
	}
	s := start(t, o)
	<-blocked
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	close(release)
	<-ended
	if ms, err := collect(s); err != nil || len(ms) == 0 {
		t.Errorf("got %d messages, %v", len(ms), err)
	}
	for _, err := range s.Receive(t.Context()) {
		if !errors.Is(err, claudecode.ErrClosed) {
			t.Errorf("T38: got %v", err)
		}
	}
}

// T64: close cancels callbacks.
func TestCloseCancelsCallbacks(t *testing.T) {
	t.Parallel()
	o := options(fakeBlocked)
	asked, why := make(chan bool), make(chan error, 1)
	o.CanUseTool = func(ctx context.Context, _ claudecode.PermissionRequest) (claudecode.Permission, error) {
		close(asked)
		<-ctx.Done()
		why <- context.Cause(ctx)
		return claudecode.Permission{}, ctx.Err()
	}
	s := start(t, o)
	<-asked
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-why; !errors.Is(err, claudecode.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

var fakeQuiet = script("quiet", func(f *fake) {
	f.initialize()
	f.end()
})

// T38: whoever waits for messages is woken by close.
func TestCloseWakes(t *testing.T) {
	t.Parallel()
	s := start(t, options(fakeQuiet))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := collect(s); err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// A slow taker slows the CLI down and loses nothing.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	o := options(fakeBlocked)
	o.MaxQueue = 10_000
	o.CanUseTool = allowAll
	s := start(t, o)
	n := 0
	for m, err := range s.Messages() {
		if err != nil {
			t.Fatal(err)
		}
		if m.(*claudecode.Assistant).UUID != fmt.Sprint("a", n+1) {
			t.Fatalf("got %s at %d", m.Head().UUID, n)
		}
		if n++; n == 201 {
			s.EndInput()
		}
	}
	if n != 201 {
		t.Errorf("got %d", n)
	}
}

var fakeCounts = script("counts", func(f *fake) {
	f.initialize()
	n := 0
	for p := f.prompt(); p != ""; p = f.prompt() {
		n += len(p)
	}
	f.echo(n)
})

// T28: what is sent from several goroutines never mixes, and is sent whole or not at all.
func TestConcurrentSends(t *testing.T) {
	t.Parallel()
	s := start(t, options(fakeCounts))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := s.Send(t.Context(), strings.Repeat("x", 100_000)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Send(gone, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	s.EndInput()
	ms, err := collect(s)
	var failed *claudecode.ExitError
	if !errors.As(err, &failed) || !errors.Is(err, claudecode.ErrNoResult) {
		t.Errorf("T42: got %v for turns without result", err)
	}
	if got := echoed(t, ms); got[0] != "2000000" {
		t.Errorf("got %s bytes", got[0])
	}
}

var fakeStderr = script("stderr", func(f *fake) {
	fmt.Fprint(os.Stderr, "one\ntw")
	f.initialize()
	fmt.Fprint(os.Stderr, "o\n", strings.Repeat("f", 40_000), "\nend")
	os.Exit(9)
})

// T29: stderr comes by lines, in pieces where it has none, and a callback that panics harms nobody.
func TestStderr(t *testing.T) {
	t.Parallel()
	o := options(fakeStderr)
	var lines []string
	o.Stderr = func(line string) {
		lines = append(lines, line)
		panic("oh")
	}
	o.MaxStderr = 1000
	s := start(t, o)
	<-s.Done()
	var sizes []string
	for _, l := range lines {
		sizes = append(sizes, fmt.Sprint(len(l)))
	}
	if got := strings.Join(sizes, " "); got != "3 3 16384 16384 7232 3" {
		t.Errorf("got lines of %s bytes", got)
	}
	var exit *claudecode.ExitError
	if !errors.As(s.Err(), &exit) || exit.Code != 9 || len(exit.Stderr) != 1000 || !strings.HasSuffix(exit.Stderr, "f\nend") || len(s.Err().Error()) > 500 {
		t.Errorf("got %v", s.Err())
	}
}

var fakeSilent = script("silent", func(f *fake) {
	f.initialize()
	f.prompt()
	f.begin()
	id, _ := f.request("interrupt") // asked for by whoever minds the silence
	f.accept(id, object{})
	f.result("", object{"subtype": "error_during_execution", "is_error": true, "terminal_reason": "aborted_streaming", "stop_reason": nil})
	f.end()
})

// Silence during a turn is told, with the time of the last line; before a turn it is not.
func TestSilence(t *testing.T) {
	t.Parallel()
	o := options(fakeSilent)
	o.Silence = 20 * time.Millisecond
	session := make(chan *claudecode.Session, 1)
	since := make(chan time.Time, 10)
	o.OnSilence = func(last time.Time) {
		since <- last
		s := <-session
		if err := s.Interrupt(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
	s := start(t, o)
	session <- s
	r, err := s.Ask(t.Context(), "go")
	if !errors.Is(err, claudecode.ErrInterrupted) {
		t.Errorf("got %v, %v", r, err)
	}
	if last := <-since; last.IsZero() || last.After(s.LastLine()) {
		t.Errorf("got %s", last)
	}
}
