package bench

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startRows build the program and let it run: from the start of `builder build` to its first model
// call, with the offline model (the record of the intent, which is told as the request leaves) and
// with another provider (the arrival at a server on the loopback; each tool is asked for its version
// before), and `builder status` of that build from start to end, against `builder version`.
func startRows(t *testing.T, s sizes) []row {
	if s.starts == 0 {
		return nil
	}
	dir := t.TempDir()
	p := program{exe: filepath.Join(dir, "builder"), env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_CACHE_HOME=" + filepath.Join(dir, "cache"), "XDG_STATE_HOME=" + filepath.Join(dir, "state"),
	}}
	if raw, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", p.exe, "../cmd/builder").CombinedOutput(); err != nil {
		t.Fatalf("build builder: %s: %s", err, raw)
	}
	var version, offline, first, status []time.Duration
	for i := range s.starts + 1 {
		app := filepath.Join(dir, fmt.Sprintf("app%d", i))
		v, o, f := p.run(t, "version"), p.offline(t, app+"-offline"), p.first(t, app)
		st := p.run(t, "status", app)
		if i > 0 { // the first warms the caches
			version, offline, first, status = append(version, v), append(offline, o), append(first, f), append(status, st)
		}
	}
	base := "builder version: " + ms(median(version))
	return []row{
		{"3 builder build to its first request, offline", ms(median(offline)), base, "at most 60 ms"},
		{"3 the same, another provider", ms(median(first)), base, "not promised: tools are asked for their versions"},
		{"3 builder status", ms(median(status)), base, "at most 30 ms"},
	}
}

// program is the builder that was built, and the environment it runs in.
type program struct {
	exe string
	env []string
}

func (p program) command(t *testing.T, args ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), p.exe, args...)
	c.Env = p.env
	return c
}

// run says how long a verb takes from start to end.
func (p program) run(t *testing.T, args ...string) time.Duration {
	c := p.command(t, args...)
	at := time.Now()
	raw, err := c.CombinedOutput()
	d := time.Since(at)
	if err != nil {
		t.Fatalf("builder %v: %s: %s", args, err, raw)
	}
	return d
}

// offline says how long builder build takes to the first call of the offline model, which it then
// kills it over.
func (p program) offline(t *testing.T, app string) time.Duration {
	c := p.command(t, "build", "../specs/cli-tool.md", "-o", app, "--provider", "offline", "--events", "ndjson")
	told, err := c.StderrPipe()
	must(t, err)
	at := time.Now()
	must(t, c.Start())
	var d time.Duration
	lines := bufio.NewScanner(told)
	for d == 0 && lines.Scan() {
		if strings.Contains(lines.Text(), `"kind":"call.intended"`) {
			d = time.Since(at)
		}
	}
	must(t, c.Process.Kill())
	_ = c.Wait() // it was killed
	if d == 0 {
		t.Errorf("no call was intended: %v", lines.Err())
	}
	return d
}

// first says how long builder build takes to its first model call, which it then kills it over.
func (p program) first(t *testing.T, app string) time.Duration {
	arrived := make(chan time.Time, 16)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/messages" {
			arrived <- time.Now()
		}
		<-r.Context().Done()
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	c := p.command(t, "build", "../specs/cli-tool.md", "-o", app, "--provider", "anthropic", "--base-url", "http://"+l.Addr().String())
	at := time.Now()
	must(t, c.Start())
	var d time.Duration
	select {
	case when := <-arrived:
		d = when.Sub(at)
	case <-time.After(time.Minute):
		t.Error("no request came within a minute")
	}
	must(t, c.Process.Kill())
	_ = c.Wait() // it was killed
	must(t, srv.Close())
	<-served
	return d
}
