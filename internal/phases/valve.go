package phases

import (
	"context"
	"slices"
	"sync"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Valve keeps new calls and effects back while a build is held: it follows the records, as an
// Observer of the build's writer. Whatever is inside when it closes may end; whoever comes waits
// until it opens or their context ends. nil is always open. It is safe for concurrent use.
type Valve struct {
	mu     sync.Mutex
	closed bool
	inside int
	change chan struct{} // closed, and made anew, at every change; nil until somebody waits
	spoken chan struct{} // a person has answered; nil until somebody listens
}

// Observe implements Observer.
func (v *Valve) Observe(envs []checkpoint.Envelope, s *State) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.spoken != nil && slices.ContainsFunc(envs, func(e checkpoint.Envelope) bool { return Kind(e.Kind) == KindOrdered }) {
		select {
		case v.spoken <- struct{}{}:
		default: // it is known already
		}
	}
	if closed := s.Held != nil; closed != v.closed {
		v.closed = closed
		v.changed()
	}
}

// pass goes in, after waiting while the valve is closed; leave MUST be called once.
func (v *Valve) pass(ctx context.Context) (leave func(), err error) {
	if v == nil {
		return func() {}, nil
	}
	err = v.until(ctx, func() bool {
		if v.closed {
			return false
		}
		v.inside++
		return true
	})
	return v.leave, err
}

func (v *Valve) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.inside--
	v.changed()
}

// open waits while the valve is closed.
func (v *Valve) open(ctx context.Context) error {
	leave, err := v.pass(ctx)
	if err == nil {
		leave()
	}
	return err
}

// Inside is how many calls and effects are going on.
func (v *Valve) Inside() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.inside
}

// Quiet waits until the valve is closed and nothing is going on, or it is open again; it says
// whether it is quiet.
func (v *Valve) Quiet(ctx context.Context) (bool, error) {
	quiet := false
	err := v.until(ctx, func() bool {
		quiet = v.closed && v.inside == 0
		return quiet || !v.closed
	})
	return quiet, err
}

// answered brings a word whenever a person gave an order: there may be more to do than before.
func (v *Valve) answered() <-chan struct{} {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.spoken == nil {
		v.spoken = make(chan struct{}, 1)
	}
	return v.spoken
}

// until waits until ok, which is asked under the lock, holds.
func (v *Valve) until(ctx context.Context, ok func() bool) error {
	for {
		v.mu.Lock()
		if ok() {
			v.mu.Unlock()
			return nil
		}
		if v.change == nil {
			v.change = make(chan struct{})
		}
		change := v.change
		v.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// changed wakes all who wait.
func (v *Valve) changed() {
	if v.change != nil {
		close(v.change)
		v.change = nil
	}
}
