package ladder

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// runner runs commands on one rung. It is safe for concurrent use.
type runner struct {
	rung  rung
	level sandbox.Level
}

// Level is what was measured.
func (r runner) Level() sandbox.Level { return r.level }

// Isolates says whether a command has a loopback of its own.
func (r runner) Isolates(p sandbox.Policy) bool { return r.rung.isolated(p) }

// Run runs c to its end. When ctx ends first, everything c started is killed and the error is that
// of ctx; a limit of c's own is an Output.
func (r runner) Run(ctx context.Context, c sandbox.Command) (sandbox.Output, error) {
	p, err := r.start(ctx, c)
	if err != nil {
		return sandbox.Output{}, err
	}
	faultpoint.Pass("run.child_started")
	limit := time.NewTimer(c.Limits.OrDefault().Time)
	defer limit.Stop()
	select {
	case <-p.Done():
		faultpoint.Pass("run.child_exited")
	case <-limit.C:
		p.exceed("time")
		<-p.Done()
	case <-ctx.Done():
		p.kill()
		<-p.Done()
		out, err := p.output()
		if err != nil {
			return out, err
		}
		return out, fmt.Errorf("run %s: %w", c.Argv[0], context.Cause(ctx))
	}
	return p.output()
}

// Start runs c until it is stopped. c's time limit does not count; its other limits do.
func (r runner) Start(ctx context.Context, c sandbox.Command) (sandbox.Process, error) {
	p, err := r.start(ctx, c)
	if err != nil {
		return nil, err
	}
	p.stopWithContext = context.AfterFunc(ctx, p.kill)
	return p, nil
}

// start confines and starts c, and returns once it runs.
func (r runner) start(ctx context.Context, c sandbox.Command) (*process, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if info, err := os.Stat(c.Dir); err != nil {
		return nil, fmt.Errorf("run %s: %w", c.Argv[0], err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("run %s: %s is not a folder", c.Argv[0], c.Dir)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("run %s: %w", c.Argv[0], context.Cause(ctx))
	}
	private, err := newPrivate()
	if err != nil {
		return nil, err
	}
	p, err := r.spawn(ctx, c, private)
	if err != nil {
		if rerr := private.remove(); rerr != nil {
			return nil, fmt.Errorf("%w (and %w)", err, rerr)
		}
		return nil, fmt.Errorf("run %s: %w", c.Argv[0], err)
	}
	return p, nil
}

// orders are what the helper gets for c.
func (r runner) orders(c sandbox.Command, private private) (orders, error) {
	limits := c.Limits.OrDefault()
	home, tmp := r.rung.folders(private)
	o := orders{
		Argv: c.Argv, Dir: c.Dir, Env: sandbox.Environ(c, home, tmp),
		Limits: bounds{Memory: limits.Memory, FileSize: limits.FileSize, Processes: limits.Processes},
	}
	if r.Isolates(c.Policy) {
		o.Door = c.Policy.Door
	}
	return o, r.rung.prepare(&o, c, private)
}
