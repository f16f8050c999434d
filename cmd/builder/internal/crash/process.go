package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is a builder that was started.
type process struct {
	cmd   *exec.Cmd
	out   *output
	ended chan struct{}
}

// output keeps what a process says. It is safe for concurrent use.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (s *site) start(args []string, step time.Duration) (*process, error) {
	p := &process{out: &output{}, ended: make(chan struct{})}
	p.cmd = &exec.Cmd{Path: s.trial.c.Exe, Args: append([]string{"builder"}, args...), Dir: s.dir, Env: s.env(step), Stdout: p.out, Stderr: p.out}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start builder: %w", err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // the state says it
	}()
	return p, nil
}

// signal sends sig; that it has ended before is no error.
func (p *process) signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal builder: %w", err)
	}
	return nil
}

// wait waits for the end. Where ctx ends before, the process is killed.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		err := p.signal(syscall.SIGKILL)
		<-p.ended
		return errors.Join(context.Cause(ctx), err)
	}
}

// after waits for d, or for the end of the process; false when it or ctx ended first.
func (p *process) after(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ended:
	case <-ctx.Done():
	}
	return false
}

// code is the exit code of a process that has ended; -1 after a kill.
func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) said() string {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.out.buf.String()
}

// run is a builder verb that reads.
func (s *site) run(ctx context.Context, args ...string) (string, int, error) {
	p, err := s.start(args, 0)
	if err == nil {
		err = p.wait(ctx)
	}
	if err != nil {
		return "", 0, err
	}
	return p.said(), p.code(), nil
}
