package crash

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// site is a folder with one build in it, and the model that answers that build alone.
type site struct {
	trial *trial
	dir   string // everything of the build is below it, its caches and temporary files too
	model Model
	url   string
	serve *http.Server
	ended chan error

	mu    sync.Mutex
	first chan struct{} // closed by the first call after it was made
}

func (t *trial) newSite(name string) (*site, error) {
	s := &site{trial: t, dir: filepath.Join(t.c.Dir, name), ended: make(chan error, 1)}
	for _, d := range []string{"home", "tmp", "run"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("make folder of build: %w", err)
		}
	}
	for file, text := range map[string]string{t.c.Job.SpecFile: t.c.Job.Spec, "plan.yaml": t.c.Job.Plan} {
		if err := os.WriteFile(s.path(file), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("write job: %w", err)
		}
	}
	var err error
	if s.model, err = t.c.Model(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve model: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	s.serve = &http.Server{Handler: http.HandlerFunc(s.hear), ReadHeaderTimeout: time.Minute}
	go func() { s.ended <- s.serve.Serve(l) }()
	return s, nil
}

// hear tells of the first call, and lets the model answer.
func (s *site) hear(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.first != nil {
		close(s.first)
		s.first = nil
	}
	s.mu.Unlock()
	s.model.ServeHTTP(w, r)
}

// nextCall is closed when a call arrives after this.
func (s *site) nextCall() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = make(chan struct{})
	return s.first
}

// close ends the model.
func (s *site) close() error {
	err := s.serve.Close()
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// begun says whether there is a build to resume.
func (s *site) begun() bool {
	_, err := os.Stat(s.path("app/.builder"))
	return err == nil
}

// args start the build, or go on with it. usd is its cap, where it is to be another one.
func (s *site) args(usd float64, raise bool) []string {
	args := []string{"resume", "app"}
	if !s.begun() {
		args, raise = []string{
			"build", "--plan", "plan.yaml", "-o", "app", "--build-id", buildID, "--provider", "anthropic", "--base-url", s.url,
			"--model", ModelName,
		}, true
	}
	if raise {
		args = append(args, "--max-cost", fmt.Sprintf("%.2f", usd))
	}
	return append(append(args, "--workers", fmt.Sprint(s.trial.c.Workers)), s.trial.c.Args...)
}

// buildID is the id of every build of a trial.
const buildID = "b-crash"

// env is the environment of builder: nothing of the user's but what finds programs. step moves the
// clock of the records.
func (s *site) env(step time.Duration) []string {
	return []string{
		"PATH=" + s.trial.c.Path, "HOME=" + s.path("home"), "TMPDIR=" + s.path("tmp"), "XDG_CACHE_HOME=" + s.trial.cache(s), "XDG_STATE_HOME=" + s.path("state"),
		"XDG_CONFIG_HOME=" + s.path("config"), "XDG_RUNTIME_DIR=" + s.path("run"), "GIT_CONFIG_NOSYSTEM=1", "TERM=dumb",
		"ANTHROPIC_API_KEY=selftest-on-loopback", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch+int64(step/time.Second)),
	}
}

// cache is where scratch trees and caches of toolchains are.
func (t *trial) cache(s *site) string { return s.path("cache") }

// whole builds without any fault.
func (s *site) whole(ctx context.Context) (time.Duration, error) {
	call, start := s.nextCall(), time.Now()
	p, err := s.start(s.args(roomy, true), 0)
	if err != nil {
		return 0, err
	}
	var startup time.Duration
	select {
	case <-call:
		startup = time.Since(start)
	case <-p.ended:
	case <-ctx.Done():
	}
	if err := p.wait(ctx); err != nil {
		return 0, err
	}
	if p.code() != 0 {
		return 0, fmt.Errorf("a build without any fault: exit %d: %s", p.code(), p.said())
	}
	return startup, nil
}

// roomy is a cap that no build of a trial reaches.
const roomy = 10_000
