//go:build linux

package claudecode_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/claudecode"
)

// child starts another fake that leaves the group and the session, as the tools of the CLI do, and returns once it runs.
func (f *fake) child(name string) int {
	cmd := exec.Command(self())
	cmd.Env = append(os.Environ(), "FAKE_CLI="+name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		f.die(err.Error())
	}
	bufio.NewReader(out).ReadString('\n')
	return cmd.Process.Pid
}

var fakeTool = script("tool", func(f *fake) {
	f.deaf(os.Interrupt, syscall.SIGTERM)
	f.print("runs")
	f.forever()
})

var fakeParent = script("parent", func(f *fake) {
	f.deaf(os.Interrupt)
	f.initialize()
	f.echo(f.child(fakeTool))
	f.forever()
})

var fakeLeaves = script("leaves", func(f *fake) {
	f.initialize()
	f.echo(f.child(fakeTool))
	f.end()
})

// Whatever the CLI started is gone with it, wherever it went: after SIGTERM, and after an end of its own.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	for _, name := range []string{fakeParent, fakeLeaves} {
		o := options(name)
		o.Grace = 100 * time.Millisecond
		s := start(t, o)
		tool := 0
		for m, err := range s.Receive(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			tool, _ = strconv.Atoi(echoed(t, []claudecode.Message{m})[0])
			break
		}
		if !alive(tool) {
			t.Fatalf("%s: the tool does not run", name)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if alive(tool) || alive(pidOf(t, s)) {
			t.Errorf("%s: the tool or the CLI is left", name)
		}
	}
}

// T31: a program that is killed leaves no CLI.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command(self())
	cmd.Env = []string{"FAKE_HOST=" + path}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	if line, _ := r.ReadString('\n'); line != "here\n" {
		t.Fatalf("got %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "interrupted\n" {
		t.Errorf("got %q, %v", rest, err)
	}
}

// The death signal of Linux follows the thread that started the child: here it is not the caller's, which may end.
func TestThreadEnds(t *testing.T) {
	t.Parallel()
	started := make(chan *claudecode.Session)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		s, err := claudecode.Start(t.Context(), options(fakeTalk))
		if err != nil {
			t.Error(err)
		}
		started <- s
	}()
	s := <-started
	if s == nil {
		return
	}
	if r, err := s.Ask(t.Context(), "still there"); err != nil || r.Text != "done: still there" {
		t.Errorf("got %v, %v", r, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
