package claudecode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// launch starts one process of the CLI in its sandbox.
type launch struct {
	program *Program
	way     agent.Way
	policy  sandbox.Policy
	argv    []string    // the program itself, with what its start needs
	busy    atomic.Bool // a turn runs
	gone    chan struct{}
	broken  error // of the sandbox; set before gone is closed
}

// start is the driver's way to start a process. The process outlives ctx: the driver ends it step by step.
func (l *launch) start(ctx context.Context, c cli.Command) (cli.Process, error) {
	var ends pipes
	if err := ends.open(); err != nil {
		return nil, err
	}
	life, kill := context.WithCancel(context.WithoutCancel(ctx))
	process, err := l.program.conf.Runner.Start(life, l.program.conf.Profile.Apply(sandbox.Command{
		Argv: append(append([]string(nil), l.argv...), c.Args...), Dir: c.Dir, Env: pairs(c.Env),
		Stdin: ends.theirs[0], Stdout: ends.theirs[1], Stderr: ends.theirs[2],
		Policy: l.policy, Limits: l.program.conf.Limits,
	}))
	ends.closeTheirs()
	if err != nil {
		kill()
		ends.closeOurs()
		return nil, &cli.StartError{Path: l.argv[0], Dir: c.Dir, Err: err}
	}
	if door := process.Door(); door != nil {
		l.way.Serve(door)
	}
	left := func() (sandbox.Output, error) { return process.Stop(life, 0) }
	return &confined{launch: l, process: process, kill: kill, left: left, ends: ends}, nil
}

// pipes are the three streams: each is ours at one end and the CLI's at the other.
type pipes struct{ ours, theirs [3]*os.File }

func (p *pipes) open() error {
	for i := range p.ours {
		r, w, err := os.Pipe()
		if err != nil {
			p.closeTheirs()
			p.closeOurs()
			return fmt.Errorf("make pipe: %w", err)
		}
		if i == 0 {
			p.theirs[i], p.ours[i] = r, w
		} else {
			p.ours[i], p.theirs[i] = r, w
		}
	}
	return nil
}

func (p *pipes) closeTheirs() { closeAll(p.theirs[:]) }
func (p *pipes) closeOurs()   { closeAll(p.ours[:]) }

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// confined is a CLI in a sandbox, as the driver wants it.
type confined struct {
	launch  *launch
	process sandbox.Process
	kill    context.CancelFunc
	left    func() (sandbox.Output, error) // once it has ended
	ends    pipes
}

func (c *confined) Stdin() io.WriteCloser { return input{c.ends.ours[0], c} }
func (c *confined) Stdout() io.ReadCloser { return c.ends.ours[1] }
func (c *confined) Stderr() io.ReadCloser { return c.ends.ours[2] }

// input is the CLI's stdin. When it ends in a turn the CLI takes the call of a tool that it waits for as lost, and asks the
// model what to do about it: a call that is paid for nothing. So a turn is interrupted before its stdin ends.
type input struct {
	*os.File
	of *confined
}

// Close ends the stream, once the CLI has ended or had time to.
func (in input) Close() error {
	if in.of.launch.busy.Load() && in.of.process.Signal(syscall.SIGINT) == nil {
		patience := time.NewTimer(in.of.launch.program.conf.grace())
		defer patience.Stop()
		select {
		case <-in.of.process.Done():
		case <-patience.C:
		}
	}
	return in.File.Close()
}

// Signal reaches the CLI alone; a kill takes all that it started along.
func (c *confined) Signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("send signal %s: %w", s, errors.ErrUnsupported)
	}
	if number == syscall.SIGKILL {
		c.kill()
		return nil
	}
	return c.process.Signal(number)
}

// Wait returns when nothing of the process is left.
func (c *confined) Wait() cli.Exit {
	<-c.process.Done()
	defer close(c.launch.gone)
	defer c.kill()
	out, err := c.left()
	c.launch.broken = err
	return cli.Exit{Code: out.Exit, Signal: out.Signal}
}

// pairs reads "name=value" lines.
func pairs(lines []string) map[string]string {
	env := make(map[string]string, len(lines))
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	return env
}
