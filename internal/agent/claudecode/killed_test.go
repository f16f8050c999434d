package claudecode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/claudecode"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// childSpec names the variable that makes this program a builder which carries one attempt out.
const childSpec = "BUILDER_TEST_ENGINE"

// spec is what such a builder is told.
type spec struct {
	CLI, Folder, Dir, Session, URL string
	Confined                       bool
	Task                           agent.Task
}

// relay is the way of a process whose server is in another one.
type relay struct{ url string }

func (r relay) URL() string    { return r.url }
func (r relay) Stopped() error { return nil }
func (r relay) Calls() int64   { return 0 }

func (r relay) Serve(l net.Listener) {
	to, err := url.Parse(r.url)
	if err != nil {
		panic(err)
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) { p.Out.URL.Scheme, p.Out.URL.Host = to.Scheme, to.Host }}
	go (&http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The body is read before anything is answered: a server closes what is left of it with its first word, and a transport
		// that looks there for its end once more then breaks off the answer.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller went away
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	})}).Serve(l)
}

// child carries the attempt out until it is killed.
func child(text string) int {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	runner := ladder.Unconfined()
	if s.Confined {
		runner, _ = ladder.Measure(context.Background())
	}
	p, err := claudecode.New(claudecode.Config{CLI: s.CLI, Folder: s.Folder, Runner: runner, Profile: sandbox.Profile{Env: map[string]string{"PATH": os.Getenv("PATH")}}})
	if err == nil {
		job := agent.Job{Task: s.Task, Dir: s.Dir, Session: s.Session, Foreman: &agenttest.Foreman{}}
		_, err = p.Engine(job, relay{s.URL}).Run(context.Background(), s.Task)
	}
	fmt.Fprintln(os.Stderr, "the child ended by itself:", err)
	return 1
}

// A builder that is killed leaves no process, and the next one goes on in the same session.
func TestBuilderKilled(t *testing.T) {
	t.Parallel()
	eachCLI(t, func(t *testing.T, path string) {
		for _, confines := range []bool{true, false} {
			t.Run(fmt.Sprint("confined ", confines), func(t *testing.T) {
				t.Parallel()
				builderKilled(t, path, confines)
			})
		}
	})
}

func builderKilled(t *testing.T, path string, confines bool) {
	runner := ladder.Unconfined()
	if confines {
		runner = confined(t)
	}
	var folder string
	p := program(path, runner, func(c *claudecode.Config) { folder = c.Folder })(t)
	task, job := one(t, &agenttest.Foreman{})
	pipe := filepath.Join(job.Dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	busy := agenttest.Use(p.Run("echo started > " + pipe + "; sleep 1000"))
	busy.Text = "Remember the reeds."
	h := agenttest.Script(busy, finish(p))
	way := agenttest.Open(t, h)

	told, err := json.Marshal(spec{CLI: path, Folder: folder, Dir: job.Dir, Session: job.Session, URL: way.URL(), Confined: confines, Task: task})
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	builder := exec.Command(exe)
	builder.Env = append(os.Environ(), childSpec+"="+string(told))
	builder.Stderr = os.Stderr
	if err := builder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if builder.ProcessState == nil { // the test has failed before it killed it
			_ = builder.Process.Kill()
			_ = builder.Wait()
		}
	})
	started := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(pipe)
		started <- err
	}()
	select {
	case err := <-started:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("the command does not start")
	}
	p.Keeps(t, "Remember the reeds.")
	if err := builder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = builder.Wait() // killed
	if left := agenttest.Gone(way.Secret, time.Minute); len(left) > 0 {
		t.Fatalf("processes are left: %v", left)
	}
	job.Begun = true
	if r, err := p.New(job, way).Run(t.Context(), task); err != nil || r.Outcome != agent.Accepted {
		t.Fatalf("got %+v, %v", r, err)
	}
	if said := h.Requests()[1].Said(); !strings.Contains(said, "Remember the reeds.") || !strings.Contains(said, "Write the heron.") {
		t.Errorf("the session did not go on: %s", said)
	}
}
