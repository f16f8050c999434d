package phases

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

// Throttle keeps the tasks that run at the same time to what the machine can serve. More of them would not be done
// sooner: each would only wait longer for a processor, the row of tasks that decides the end of the build among them.
//
// The rules are: while what could run waits for a processor, fewer tasks are begun, but no fewer than it takes for all to
// be done about when the longest row of tasks is; more again once it does not; a task is held back only by tasks that are
// at least as urgent as it; what goes on is never stopped. The zero value works, and nil throttles nothing. It is safe
// for concurrent use.
type Throttle struct {
	// Lag says how long most of what could run has waited for a processor since it was asked before; nil asks the runtime.
	Lag func() time.Duration

	mu    sync.Mutex
	limit int
	asked time.Time
	held  bool
	seen  []uint64 // by the runtime's histogram, when it was read before
}

const (
	throttleBeat = 250 * time.Millisecond // between two looks at the lag
	crowdedLag   = time.Millisecond / 2   // and above: fewer tasks
	easyLag      = time.Millisecond / 8   // and below: more
)

// fewest is how many tasks are never too many: the processors, each with one that works, one that waits for the disk
// and two that wait for their model.
func fewest() int { return 4 * runtime.GOMAXPROCS(0) }

// room is how many tasks may run at the same time: at most most, and no fewer than width unless most is.
func (t *Throttle) room(most, width int) int {
	if t == nil {
		return most
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = false
	if t.limit == 0 {
		t.limit = width
	}
	if now := time.Now(); now.Sub(t.asked) >= throttleBeat {
		t.asked = now
		switch lag := t.lag(); {
		case lag > crowdedLag:
			t.limit -= max(1, t.limit/8)
		case lag < easyLag:
			t.limit++
		}
	}
	t.limit = min(max(t.limit, fewest(), width), most)
	return t.limit
}

// hold notes that a task was held back.
func (t *Throttle) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = true
}

// eased brings a word when it is time to look again whether what is held back may begin.
func (t *Throttle) eased() <-chan time.Time {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.held {
		return nil
	}
	return time.After(throttleBeat)
}

func (t *Throttle) lag() time.Duration {
	if t.Lag != nil {
		return t.Lag()
	}
	sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := sample[0].Value.Float64Histogram()
	counts := make([]uint64, len(h.Counts))
	for i, n := range h.Counts {
		counts[i] = n
		if i < len(t.seen) {
			counts[i] -= t.seen[i]
		}
	}
	t.seen = append(t.seen[:0], h.Counts...)
	return quantile(counts, h.Buckets, 0.9)
}

// quantile is the upper bound of the bucket in which the share q of all is reached; 0 of none.
func quantile(counts []uint64, bounds []float64, q float64) time.Duration {
	var all, sum uint64
	for _, n := range counts {
		all += n
	}
	for i, n := range counts {
		if sum += n; all > 0 && float64(sum) >= q*float64(all) {
			if seconds := bounds[i+1]; !math.IsInf(seconds, 0) {
				return time.Duration(seconds * float64(time.Second))
			}
			return time.Duration(bounds[i] * float64(time.Second))
		}
	}
	return 0
}
