//go:build unix && !linux

package ladder

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// pipeGrace is how long the command's streams may stay open after its end.
const pipeGrace = 2 * time.Second

// Unconfined runs commands with a fixed environment, bounded time and output, and a process group
// that is killed whole. For --no-sandbox; the only rung on this system.
func Unconfined() sandbox.Runner { return plain{} }

type plain struct{}

func (plain) Level() sandbox.Level { return sandbox.None }

// Isolates is never so here.
func (plain) Isolates(sandbox.Policy) bool { return false }

// Run runs c to its end or its limit.
func (r plain) Run(ctx context.Context, c sandbox.Command) (sandbox.Output, error) {
	p, err := r.start(c)
	if err != nil {
		return sandbox.Output{}, err
	}
	limit := time.NewTimer(c.Limits.OrDefault().Time)
	defer limit.Stop()
	select {
	case <-p.done:
	case <-limit.C:
		p.exceed("time")
	case <-ctx.Done():
		p.kill()
		<-p.done
		return p.output(), fmt.Errorf("run %s: %w", c.Argv[0], context.Cause(ctx))
	}
	<-p.done
	return p.output(), p.removing
}

// Start runs c until it is stopped.
func (r plain) Start(ctx context.Context, c sandbox.Command) (sandbox.Process, error) {
	p, err := r.start(c)
	if err != nil {
		return nil, err
	}
	p.stopWithContext = context.AfterFunc(ctx, p.kill)
	return p, nil
}

func (plain) start(c sandbox.Command) (*plainProcess, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	private, err := newPrivate()
	if err != nil {
		return nil, err
	}
	limits := c.Limits.OrDefault()
	p := &plainProcess{private: private, stdout: newClip(limits.Output), stderr: newClip(limits.Output), done: make(chan struct{}), begin: time.Now()}
	p.cmd = exec.Command(c.Argv[0], c.Argv[1:]...)
	p.cmd.Dir, p.cmd.Env = c.Dir, sandbox.Environ(c, private.home, private.tmp)
	p.cmd.WaitDelay = pipeGrace
	p.stdout.connect(p.cmd, c, p.stderr)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("run %s: %w", c.Argv[0], err), private.remove())
	}
	go p.wait()
	return p, nil
}

// plainProcess is a command and its process group.
type plainProcess struct {
	cmd             *exec.Cmd
	private         private
	stdout, stderr  *clip
	begin           time.Time
	done            chan struct{}
	stopWithContext func() bool

	mu       sync.Mutex
	exceeded string

	took     time.Duration
	removing error
}

func (p *plainProcess) wait() {
	_ = p.cmd.Wait() // the state says it all
	p.kill()
	p.took = time.Since(p.begin)
	p.removing = p.private.remove()
	close(p.done)
}

// Done is closed when it has exited.
func (p *plainProcess) Done() <-chan struct{} { return p.done }

// Door is not there: the command shares the machine's loopback.
func (p *plainProcess) Door() net.Listener { return nil }

// Signal reaches the command alone.
func (p *plainProcess) Signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// Dial connects to the machine's own loopback, which the command shares.
func (p *plainProcess) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// Stop asks with SIGTERM and kills after grace.
func (p *plainProcess) Stop(ctx context.Context, grace time.Duration) (sandbox.Output, error) {
	if p.stopWithContext != nil {
		p.stopWithContext()
	}
	select {
	case <-p.done:
		return p.output(), p.removing
	default:
	}
	_ = syscall.Kill(p.cmd.Process.Pid, syscall.SIGTERM) // it may have ended just now
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
		p.exceed("time")
	case <-ctx.Done():
		p.kill()
	}
	<-p.done
	return p.output(), p.removing
}

func (p *plainProcess) exceed(limit string) {
	p.mu.Lock()
	p.exceeded = limit
	p.mu.Unlock()
	p.kill()
}

// kill ends the process group; one that is gone already is fine.
func (p *plainProcess) kill() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

func (p *plainProcess) output() sandbox.Output {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := sandbox.Output{
		Exit: p.cmd.ProcessState.ExitCode(), Stdout: p.stdout.Bytes(), Stderr: p.stderr.Bytes(),
		Dropped: p.stdout.Dropped() + p.stderr.Dropped(), Exceeded: p.exceeded, TimedOut: p.exceeded == "time", Took: p.took,
	}
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		out.Signal = status.Signal().String()
	}
	return out
}
