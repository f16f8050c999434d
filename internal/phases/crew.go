package phases

import (
	"context"
	"errors"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/bug"
)

// Run goes on until the build is finished; then it returns nil and the state says done or failed.
// A *PauseError means that the build stopped before its end and can be resumed; any other error is
// a failure of the store or of this program.
func (e *Engine) Run(ctx context.Context) error {
	e.branch = make(chan struct{}, 1)
	if err := e.sweepScratch(ctx); err != nil {
		return e.pause(ctx, err)
	}
	defer e.dropSpares()
	c := &crew{engine: e, busy: map[Step]bool{}, ended: make(chan outcome)}
	if err := c.run(ctx); err != nil {
		return e.pause(ctx, err)
	}
	return nil
}

// lockBranch keeps everybody else from moving the branch, and from starting tasks from it.
func (e *Engine) lockBranch() (unlock func()) {
	e.branch <- struct{}{}
	return func() { <-e.branch }
}

// crew carries out the steps of a build, as many at the same time as Next names.
//
// The rules are: what is to be done follows from the state alone; a step that is going on is not
// begun twice; after the first error nothing new is begun, and all that is going on is ended at its
// next safe point, but for a budget that is used up: what goes on may end without more money; the
// error that came first decides.
type crew struct {
	engine *Engine
	busy   map[Step]bool
	ended  chan outcome
	err    error
	finish bool
}

// outcome is how a step ended.
type outcome struct {
	step Step
	err  error
}

func (c *crew) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for {
		if c.err == nil && !c.finish {
			c.note(c.begin(ctx), cancel)
		}
		if len(c.busy) == 0 {
			if c.err != nil || c.finish {
				return c.err
			}
			continue
		}
		var end outcome
		select {
		case end = <-c.ended:
		case <-c.engine.Valve.answered(): // a task that waited may go on
			continue
		case <-c.engine.Throttle.eased():
			continue
		}
		delete(c.busy, end.step)
		c.finish = c.finish || end.err == nil && end.step.Kind == StepFinish
		c.note(end.err, cancel)
	}
}

// note keeps the first error, and ends what is going on for it.
func (c *crew) note(err error, cancel context.CancelCauseFunc) {
	if err == nil || c.err != nil {
		return
	}
	c.err = err
	if !outOfBudget(err) {
		cancel(err)
	}
}

// outOfBudget says whether err is a cap that is reached: it stops nobody who needs no money.
func outOfBudget(err error) bool {
	var refused *budget.Refusal
	return errors.As(err, &refused) && !refused.Overrun
}

// begin begins the steps that can be begun now.
func (c *crew) begin(ctx context.Context) error {
	steps, err := c.engine.take(ctx, len(c.busy) == 0)
	if err != nil {
		return err
	}
	for _, step := range steps {
		if c.busy[step] || step.Kind == StepFinish && len(c.busy) > 0 { // a merge may still be tidying up
			continue
		}
		c.busy[step] = true
		go func() { c.ended <- outcome{step, c.engine.guarded(ctx, step)} }()
	}
	return nil
}

// guarded carries out a step; a panic in it is an error like any other: what is recorded stays true.
func (e *Engine) guarded(ctx context.Context, step Step) (err error) {
	defer bug.Catch(&err)
	return e.step(ctx, step)
}
