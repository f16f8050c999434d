package crash

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// Config says what a trial does.
type Config struct {
	Exe     string   // builder's executable; argv[0] is "builder"
	Args    []string // more flags of build and resume
	Path    string   // PATH
	Dir     string   // folder of the trial: nothing else is in it; the caller removes it
	Job     Job
	Model   func() (Model, error) // one for each build
	Workers int
	Seed    uint64
	Kills   int           // kill -9, a fifth of them in recovery
	Others  int           // of each other kind
	Stopped time.Duration // how long SIGSTOP lasts
	Cap     float64       // that a build begins with, in dollars; doubled where it is reached
	Tell    func(string)  // told of each round; nil: nobody is
}

// mostEnds is how often the process of one build is ended; then it may come to its end, and the next
// build begins.
const mostEnds = 40

// mostIdle is how many builds in a row may come to their end before their first round.
const mostIdle = 10

// trial is a Config that is being carried out.
type trial struct {
	c       Config
	want    phases.Manifest // the tree of a build without any fault
	startup time.Duration   // from a start to its first call
	task    time.Duration   // of one worker, from one checkpoint to the next
	matrix  Matrix
}

// Run carries a trial out. What the oracle finds stands in the matrix; an error means that the trial
// could not be carried out, or that ctx ended. It leaves no process behind.
func Run(ctx context.Context, c Config) (Matrix, error) {
	t := &trial{c: c, matrix: newMatrix(c)}
	start := time.Now()
	err := t.run(ctx)
	t.matrix.Took = time.Since(start)
	return t.matrix, err
}

func (t *trial) run(ctx context.Context) error {
	if err := t.undisturbed(ctx); err != nil {
		return err
	}
	draws := schedule(t.c.Seed, t.c.Kills, t.c.Others, t.c.Stopped)
	idle := 0
	for n := 1; len(draws) > 0; n++ {
		took, err := t.build(ctx, fmt.Sprintf("b%d", n), draws)
		if err != nil {
			return err
		}
		if idle++; took > 0 {
			idle = 0
		}
		if idle == mostIdle {
			return fmt.Errorf("%d builds in a row ended before their first round: the job is too small", idle)
		}
		draws = draws[took:]
		t.matrix.Builds = n
	}
	return nil
}

func (t *trial) tell(format string, args ...any) {
	if t.c.Tell != nil {
		t.c.Tell(fmt.Sprintf(format, args...))
	}
}

// undisturbed builds without any fault: its tree is what all others must come to, its pace is what
// the times of kills are drawn by.
func (t *trial) undisturbed(ctx context.Context) (err error) {
	s, err := t.newSite("b0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	start := time.Now()
	if t.startup, err = s.whole(ctx); err != nil {
		return err
	}
	t.task = (time.Since(start) - t.startup) * time.Duration(min(t.c.Workers, t.c.Job.Tasks)) / time.Duration(max(t.c.Job.Tasks, 1))
	if t.want, err = s.tree(ctx); err != nil {
		return err
	}
	b := &books{site: s}
	if wrong := s.finalOracle(ctx, b, t.want); len(wrong) > 0 {
		return fmt.Errorf("a build without any fault is wrong: %q", wrong)
	}
	t.tell("without a fault: %s to the first call, %s a task, %d calls", t.startup.Round(time.Millisecond), t.task.Round(time.Millisecond), len(s.model.Charges()))
	return sandbox.RemoveTree(s.dir)
}

// build carries one build to its end through as many rounds as it lasts, at most mostEnds, and holds
// it against the oracle. It returns how many of the draws it took.
func (t *trial) build(ctx context.Context, name string, draws []draw) (took int, err error) {
	s, err := t.newSite(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	b := &books{site: s}
	usd, raise := t.c.Cap, false
	for took < len(draws) && took < mostEnds {
		d := draws[took]
		r, err := s.round(ctx, d, s.args(usd, raise))
		if err != nil {
			return took, err
		}
		raise = false
		if r.done { // the draw is for the next build, and the machine is faster than it was
			t.task = t.task * 2 / 3
			break
		}
		if r.poor {
			usd, raise = 2*usd, true
			t.matrix.Raised++
			continue
		}
		took++
		b.after(ctx, d, &r)
		t.matrix.add(d, r)
		t.tell("%s, round %d: %s after %s, %d calls in flight%s", name, took, d.kind, r.at.Round(time.Millisecond), r.flying, wrongs(r.wrong))
	}
	return took, t.finish(ctx, s, b, name, usd, raise)
}

// finish lets a build come to its end undisturbed, and holds it against the whole oracle.
func (t *trial) finish(ctx context.Context, s *site, b *books, name string, usd float64, raise bool) error {
	for {
		p, err := s.start(s.args(usd, raise), 0)
		if err == nil {
			err = p.wait(ctx)
		}
		if err != nil {
			return err
		}
		if outOfBudget(p) {
			usd, raise = 2*usd, true
			t.matrix.Raised++
			continue
		}
		var wrong []string
		if p.code() != 0 {
			wrong = append(wrong, fmt.Sprintf("the last start ended with %d: %s", p.code(), lastLines(p.said())))
		}
		wrong = append(wrong, s.finalOracle(ctx, b, t.want)...)
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		t.matrix.end(name, b, wrong)
		t.tell("%s: done; %d calls, %d made again, %d booked as unknown%s", name, b.charges, b.again, b.unknown, wrongs(wrong))
		if len(wrong) > 0 {
			return nil // it is left for a look
		}
		return sandbox.RemoveTree(s.dir)
	}
}
