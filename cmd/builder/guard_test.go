package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// guardWorld is builder and asker as programs, with a scripted provider.
type guardWorld struct {
	*proc
	srv *agenttest.Server
}

func newGuardWorld(t *testing.T, next func(int, agenttest.Request) agenttest.Turn) *guardWorld {
	t.Helper()
	p := newProc(t, t.TempDir())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(p.dir, "asker")); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "PATH="+p.dir+":"+os.Getenv("PATH"), "OPENAI_API_KEY=test-key-0123456789")
	return &guardWorld{p, agenttest.ServeFunc(t, next)}
}

// guard is the command line of a guard before the asker's.
func (w *guardWorld) guard(provider, usd string, more ...string) []string {
	return append([]string{"guard", "--max-cost", usd, "--provider", provider, "--base-url", w.srv.URL, "--summary", "sum.json", "--", "asker"}, more...)
}

func (w *guardWorld) summary(path string) (s guardSummary) {
	w.t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// Law L3: eight askers behind one guard, each of whose answers costs all that it may. What the other
// side billed is what was spent, and never above the cap; the exit code is 75.
func TestGuardCapsEight(t *testing.T) {
	t.Parallel()
	for name, c := range wires() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newGuardWorld(t, func(_ int, req agenttest.Request) agenttest.Turn {
				turn := agenttest.Use(agenttest.Run("true"))
				turn.Usage = agent.Usage{Input: int64(len(req.Body)) / 3, Output: req.Wire.MaxTokens}
				return turn
			})
			out, code := w.run(w.guard(c.provider, "0.7", "-api", name, "-workers", "8", "-n", "40", "-model", c.model)...)
			sum := w.summary(filepath.Join(w.dir, "sum.json"))
			table, err := budget.LoadTable(c.seller)
			if err != nil {
				t.Fatal(err)
			}
			price, err := table.Lookup(c.model, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			var billed budget.Micro
			for _, r := range w.srv.Requests() {
				billed += price.Cost(budget.Usage{Input: int64(len(r.Body)) / 3, Output: r.Wire.MaxTokens})
			}
			if code != exitPaused || !strings.Contains(out, "builder: E_BUDGET: cap of build reached") {
				t.Errorf("exit %d: %s", code, out)
			}
			if b := sum.Budget; billed > 700_000 || int64(billed) != b.Spent || b.Unknown != 0 || b.Held != 0 || billed < 600_000 || sum.Refused == 0 || *sum.Exit != exitPaused {
				t.Errorf("billed %s, summary %+v", billed, sum)
			}
			if sum.Calls != int64(len(w.srv.Requests())) || sum.Answered != sum.Calls || sum.Stopped == nil || sum.Stopped.Code != "E_BUDGET" {
				t.Errorf("%d requests, summary %+v", len(w.srv.Requests()), sum)
			}
		})
	}
}

// Laws L1, L3: kill -9 of the guard in mid-stream takes the command and the port with it; the call is
// booked as unknown by whoever comes next.
func TestGuardKilled(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{}, 9)
	defer close(gate)
	w := newGuardWorld(t, func(n int, _ agenttest.Request) agenttest.Turn {
		turn := agenttest.Say("hello there")
		if n == 0 {
			turn.Fault = &agenttest.Fault{Pause: gate}
			started <- struct{}{}
		}
		return turn
	})
	c := exec.Command(w.exe, w.guard("anthropic", "1", "-n", "1", "-env", "ANTHROPIC_BASE_URL")...)
	c.Dir, c.Env = w.dir, w.env
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	url, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	<-started
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The pipe ends when nobody holds it any more: the command is gone, too.
	if rest, err := lines.ReadString(0); err == nil || strings.Contains(rest, "200") {
		t.Errorf("after the kill: %q, %v", rest, err)
	}
	_ = c.Wait() // killed
	host := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(url)
	if conn, err := net.Dial("tcp", host); host == "" || err == nil {
		t.Errorf("the port of a dead guard answers: %s, %v", host, conn.Close())
	}
	w.env = append(w.env, "SOURCE_DATE_EPOCH=1790000100") // another id
	if out, code := w.run(w.guard("anthropic", "1")...); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	books, err := filepath.Glob(filepath.Join(w.dir, "state", "builder", "guards", "*", "summary.json"))
	if err != nil || len(books) != 2 {
		t.Fatalf("books %v, %v", books, err)
	}
	killed := 0
	for _, path := range books {
		sum := w.summary(path)
		if sum.Killed {
			killed++
			if sum.Budget.Unknown == 0 || sum.Budget.Held != 0 || sum.Calls != 1 || sum.Answered != 0 {
				t.Errorf("summary of the killed guard %+v", sum)
			}
		} else if sum.Budget.Unknown != 0 || sum.Answered != 1 {
			t.Errorf("summary of the other %+v", sum)
		}
	}
	if killed != 1 {
		t.Errorf("%d guards of two were killed", killed)
	}
}

// Signals reach the command; what it makes of them is the exit code. The second Ctrl-C kills.
func TestGuardSignals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trap    string
		signals []syscall.Signal
		exit    int
	}{
		"interrupt":  {"say", []syscall.Signal{syscall.SIGINT}, 3},
		"terminate":  {"die", []syscall.Signal{syscall.SIGTERM}, 143},
		"hang up":    {"die", []syscall.Signal{syscall.SIGHUP}, 129},
		"twice":      {"ignore", []syscall.Signal{syscall.SIGINT, syscall.SIGINT}, 137},
		"die by int": {"die", []syscall.Signal{syscall.SIGINT}, 130},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newGuardWorld(t, func(int, agenttest.Request) agenttest.Turn { return agenttest.Say("hello") })
			cmd := exec.Command(w.exe, w.guard("anthropic", "1", "-trap", c.trap)...)
			cmd.Dir, cmd.Env = w.dir, w.env
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			lines.Scan()
			pid, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "ready "))
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range c.signals {
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				if i == 0 && len(c.signals) > 1 && (!lines.Scan() || lines.Text() != "interrupted") {
					t.Errorf("the first signal did not arrive: %q", lines.Text())
				}
			}
			for lines.Scan() {
				continue
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != c.exit {
				t.Errorf("got %v, want %d", err, c.exit)
			}
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("the command is still there: %v", err)
			}
			if sum := w.summary(filepath.Join(w.dir, "sum.json")); *sum.Exit != c.exit {
				t.Errorf("summary %+v", sum)
			}
		})
	}
}

// The real key is in no variable of the command, nowhere in the books, and on no line of output.
func TestGuardKeepsTheKey(t *testing.T) {
	t.Parallel()
	w := newGuardWorld(t, func(int, agenttest.Request) agenttest.Turn { return agenttest.Say("hello") })
	const canary = "canary-key-0123456789"
	w.env = append(w.env, "ANTHROPIC_API_KEY="+canary, "OPENAI_API_KEY="+canary, "ANTHROPIC_AUTH_TOKEN="+canary)
	args := w.guard("anthropic", "1")
	out, code := w.run(append(args[:len(args)-1], "sh", "-c", "env; asker -n 2; asker -model nothing; asker -api chat -model nothing")...)
	if code != 1 || strings.Contains(out, canary) || !strings.Contains(out, "ANTHROPIC_API_KEY="+dummyKey) || strings.Contains(out, "ANTHROPIC_AUTH_TOKEN") {
		t.Errorf("exit %d: %s", code, out)
	}
	for _, r := range w.srv.Requests() {
		if r.Header.Get("X-Api-Key") != canary {
			t.Errorf("sent with %v", r.Header)
		}
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(w.dir, "state"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), canary) {
			t.Errorf("the key is in %s", path)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
}
