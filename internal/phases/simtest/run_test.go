package simtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// result is what a build comes to, whatever happened on the way.
type result struct {
	run   phases.RunState
	tree  string
	done  int
	spent budget.Micro
	steps int // of the one life that it took without trouble
}

// plot is what is to happen to a build: how many lives end badly, and how.
type plot struct {
	deaths  int  // most of them
	faults  bool // of the disk
	stops   bool // by a person
	rough   bool // the provider
	tight   bool // the caps
	workers int
}

// mostLives bounds a build that comes to no end.
const mostLives = 60

// run lives the world to the end of its build. It is called by the goroutine that owns the bubble.
func (w *world) run(ctx context.Context, p plot, before result) *phases.State {
	if err := w.found(ctx); err != nil {
		w.fail("found the world: %v", err)
		return nil
	}
	w.provider.rough, w.workers = p.rough, max(p.workers, 1)
	if p.tight {
		w.caps.USD = before.spent/2 + 60_000
	}
	for n := 1; n <= mostLives; n++ {
		f := w.fate(p, n, before.steps)
		l, state, err := w.once(ctx, n, f)
		w.look(l)
		if l.died() {
			err = errKilled // what it came to afterwards reached nobody
		}
		w.history = append(w.history, fmt.Sprintf("life %d%s: %d steps, %v", n, f, l.steps, err))
		switch {
		case len(w.problems) > 0:
			return nil
		case l.died():
			if w.rng.IntN(2) == 0 {
				w.history = append(w.history, "the power is lost")
				w.disk.lose(w.rng)
				clear(w.received)
				w.look(l)
			}
		case err == nil:
			w.ended(state)
			return state
		case !w.mayPause(l, err):
			w.fail("life %d ends with %v", n, err)
			return nil
		}
		if budgetPause(err) {
			w.caps.USD += before.spent/4 + 80_000
		}
	}
	w.fail("the build comes to no end in %d lives", mostLives)
	return nil
}

func budgetPause(err error) bool {
	var pause *phases.PauseError
	return errors.As(err, &pause) && pause.Reason.Code == phases.CodeBudget
}

// found makes the repository and everything below it, safe.
func (w *world) found(ctx context.Context) error {
	m := untroubled(w.disk)
	if err := m.MkdirAll(blobDir, 0o700); err != nil {
		return err
	}
	if err := errors.Join(m.syncName("/"), m.syncName(stateDir)); err != nil {
		return err
	}
	store, err := blob.OpenOn(m, blobDir)
	if err != nil {
		return err
	}
	return makeRepo(ctx, m, store, w.story.base())
}

// once is one life.
func (w *world) once(ctx context.Context, n int, f fate) (*life, *phases.State, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stopped, stop := context.WithCancelCause(ctx)
	turn := newTurnstile(rand.New(rand.NewPCG(w.rng.Uint64(), uint64(n))))
	l := newLife(n, turn, f, true, cancel)
	l.eye = &watch{world: w, life: l}
	done := make(chan struct{})
	var state *phases.State
	var err error
	go func() {
		defer close(done)
		state, err = w.live(ctx, stopped, l)
	}()
	turn.drive(done, func() {
		if l.wantsStop() {
			stop(phases.ErrInterrupted)
		}
	})
	stop(nil)
	cancel(nil)
	w.trace = w.trace*31 + turn.trace
	return l, state, err
}

// fate draws what happens to the n-th life; whole is how many steps a build takes without trouble.
func (w *world) fate(p plot, n, whole int) fate {
	var f fate
	step := func() int {
		switch w.rng.IntN(5) {
		case 0:
			return 1 + w.rng.IntN(40) // in the recovery
		case 1:
			return 1 + w.rng.IntN(max(whole/8, 40))
		}
		return 1 + w.rng.IntN(whole*11/10)
	}
	if n <= p.deaths {
		f.dieAt, f.when, f.part = step(), w.rng.IntN(3), w.rng.Float64()
		if w.rng.IntN(2) == 0 {
			f.dieOn = w.aim[w.rng.IntN(len(w.aim))]
			f.dieAt = 1 + w.rng.IntN(max(f.dieAt/20, 3))
		}
	}
	if p.stops && n <= 4 && w.rng.IntN(3) == 0 {
		f.stopAt = step()
	}
	if p.faults && n <= 4 && w.rng.IntN(2) == 0 {
		f.from = step()
		f.fault, f.until, f.part = syscall.EIO, f.from, w.rng.Float64()
		if w.rng.IntN(2) == 0 {
			f.fault = syscall.ENOSPC
		}
		if w.rng.IntN(2) == 0 {
			f.until = 1 << 30
			f.reading = f.fault == syscall.EIO && w.rng.IntN(2) == 0
		}
	}
	return f
}
