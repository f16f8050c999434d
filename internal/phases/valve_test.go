package phases

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

func held(closed bool) *State {
	s := NewState()
	if closed {
		s.Held = &Held{Order: "p"}
	}
	return s
}

func TestNilValveIsOpen(t *testing.T) {
	t.Parallel()
	var v *Valve
	leave, err := v.pass(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave()
	if err := v.open(t.Context()); err != nil {
		t.Error(err)
	}
}

// What is inside ends; what comes waits; quiet is when nothing is inside.
func TestValveKeepsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &Valve{}
		leave, err := v.pass(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v.Observe(nil, held(true))
		var mu sync.Mutex
		through, quiet := 0, false
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				out, err := v.pass(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				through++
				mu.Unlock()
				out()
			})
		}
		all.Go(func() {
			ok, err := v.Quiet(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			quiet = ok
			mu.Unlock()
		})
		synctest.Wait()
		if through != 0 || quiet || v.Inside() != 1 {
			t.Errorf("%d went through, quiet %v, %d inside", through, quiet, v.Inside())
		}
		leave()
		synctest.Wait()
		if through != 0 || !quiet || v.Inside() != 0 {
			t.Errorf("%d went through, quiet %v, %d inside", through, quiet, v.Inside())
		}
		v.Observe(nil, held(false))
		all.Wait()
		if through != 32 || v.Inside() != 0 {
			t.Errorf("%d went through, %d inside", through, v.Inside())
		}
		if ok, err := v.Quiet(t.Context()); ok || err != nil {
			t.Errorf("an open valve is quiet: %v, %v", ok, err)
		}
	})
}

// Whoever waits goes when their context ends, with its cause.
func TestValveLetsGo(t *testing.T) {
	t.Parallel()
	v := &Valve{}
	v.Observe(nil, held(true))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(ErrInterrupted)
	if err := v.open(ctx); !errors.Is(err, ErrInterrupted) || v.Inside() != 0 {
		t.Errorf("got %v, %d inside", err, v.Inside())
	}
}
