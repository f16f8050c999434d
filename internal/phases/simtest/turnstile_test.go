package simtest

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
)

// turnstile lets the goroutines of a process through one at a time, in an order that its random
// numbers decide. Whoever is about to touch the world waits at it; when all goroutines wait, there or
// for something else, one of those at the turnstile goes on.
//
// The rules are: time passes only when nobody is at the turnstile; once it is open nobody waits.
// Nobody may wait at it with a lock that another goroutine wants, since a goroutine that waits for
// a lock is not at rest.
type turnstile struct {
	rng   *rand.Rand
	heavy map[string]int // by kind of step: the larger goes first, most of the time

	mu      sync.Mutex
	open    bool
	waiting []*waiter
	arrived chan struct{}
	trace   uint64 // of all that went through
}

type waiter struct {
	key  string
	free chan struct{}
}

func newTurnstile(rng *rand.Rand) *turnstile {
	return &turnstile{rng: rng, heavy: map[string]int{}, arrived: make(chan struct{}, 1), trace: 14695981039346656037}
}

// pass waits for its turn. key says who wants to do what.
func (t *turnstile) pass(key string) {
	t.mu.Lock()
	if t.open {
		t.mu.Unlock()
		return
	}
	w := &waiter{key, make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	select {
	case t.arrived <- struct{}{}:
	default:
	}
	<-w.free
}

// throwOpen lets everybody through from now on.
func (t *turnstile) throwOpen() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = true
	for _, w := range t.waiting {
		close(w.free)
	}
	t.waiting = nil
}

// drive lets one after the other through until done is closed. It is called by the goroutine that
// owns the bubble. calm is called whenever everybody is at rest.
func (t *turnstile) drive(done <-chan struct{}, calm func()) {
	for {
		synctest.Wait()
		select {
		case <-done:
			return
		default:
		}
		calm()
		if w := t.next(); w != nil {
			close(w.free)
			continue
		}
		select {
		case <-t.arrived:
		case <-done:
			return
		}
	}
}

// next takes the one whose turn it is.
func (t *turnstile) next() *waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		return nil
	}
	slices.SortStableFunc(t.waiting, func(a, b *waiter) int { return strings.Compare(a.key, b.key) })
	at := t.rng.IntN(len(t.waiting))
	if t.rng.IntN(4) > 0 {
		for i, w := range t.waiting {
			if t.weight(w.key) > t.weight(t.waiting[at].key) {
				at = i
			}
		}
	}
	w := t.waiting[at]
	t.waiting = slices.Delete(t.waiting, at, at+1)
	h := fnv.New64a()
	_, _ = h.Write([]byte(w.key))
	t.trace = t.trace*1099511628211 ^ h.Sum64()
	return w
}

// weight is drawn once for each kind of step: in some lives the journal is slow, in others the disk
// of the blobs, or one task.
func (t *turnstile) weight(key string) int {
	kind, _, _ := strings.Cut(key, " ")
	if n, ok := t.heavy[kind]; ok {
		return n
	}
	n := t.rng.IntN(3)
	t.heavy[kind] = n
	return n
}
