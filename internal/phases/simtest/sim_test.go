package simtest

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// One goroutine at a time: what two do between their steps then has one order, too, and the seed
// alone decides a run.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// plotOf draws what is to happen under a seed.
func plotOf(seed uint64) plot {
	rng := draw(seed, "plot")
	return plot{
		deaths: rng.IntN(6), faults: rng.IntN(4) == 0, stops: rng.IntN(4) == 0, rough: rng.IntN(3) == 0, tight: rng.IntN(4) == 0,
		workers: []int{1, 1, 2, 3, 5, 8}[rng.IntN(6)],
	}
}

// perStory is how many seeds share a story and its run without trouble.
const perStory = 16

// wholes are the builds without trouble, by story.
type wholes struct {
	mu sync.Mutex
	m  map[uint64]result
}

func (s *wholes) of(t *testing.T, number uint64, scratch string) result {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.m[number]; ok {
		return r
	}
	var r result
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(number, newStory(number), scratch)
		state := w.run(t.Context(), plot{}, result{steps: 1})
		tell(t, w, number)
		r = w.result(state)
		_, total := w.provider.bills()
		if w.book.unknown > 0 || w.book.spent != total || len(w.history) != 1 {
			t.Fatalf("story %d without trouble: %s unknown, %s spent, %s billed, %v", number, w.book.unknown, w.book.spent, total, w.history)
		}
		if _, err := fmt.Sscanf(w.history[0], "life 1: %d steps", &r.steps); err != nil {
			t.Fatal(err)
		}
	})
	if s.m == nil {
		s.m = map[uint64]result{}
	}
	s.m[number] = r
	return r
}

// simulate lives one seed to its end.
func simulate(t *testing.T, seed uint64, refs *wholes, scratch string, p plot, change func(*world)) (w *world) {
	t.Helper()
	number := seed / perStory
	want := refs.of(t, number, scratch)
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(seed, newStory(number), scratch)
		if change != nil {
			change(w)
		}
		state := w.run(t.Context(), p, want)
		if state == nil {
			return
		}
		if got := w.result(state); got.tree != want.tree || got.run != want.run || got.done != want.done {
			w.fail("the build came out as %+v, without trouble as %+v", got, want)
		}
	})
	return w
}

func tell(t *testing.T, w *world, seed uint64) {
	t.Helper()
	if len(w.problems) > 0 {
		t.Fatalf("SIM_SEED=%d\n%s\n-- %s", seed, strings.Join(w.problems, "\n"), strings.Join(w.history, "\n-- "))
	}
}

// Laws L1 to L4, L6: whatever crashes, losses of power, failing disks, stops and troubles of the
// provider a seed brings, a build ends with the tree it has without them, and the oracle finds
// nothing. SIM_SEED=n lives that seed, SIM_RUNS=n so many seeds from there on.
func TestSimulation(t *testing.T) {
	t.Parallel()
	var refs wholes
	scratch := t.TempDir()
	first, runs := uint64(1), uint64(240)
	if testing.Short() { // under the race detector, which makes it many times as slow
		runs = 12
	}
	if n, err := strconv.ParseUint(os.Getenv("SIM_SEED"), 10, 64); err == nil {
		first, runs = n, 1
	}
	if n, err := strconv.ParseUint(os.Getenv("SIM_RUNS"), 10, 64); err == nil {
		runs = n
	}
	for seed := first; seed < first+runs; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			w := simulate(t, seed, &refs, scratch, plotOf(seed), nil)
			tell(t, w, seed)
			if runs == 1 {
				t.Logf("%+v\n%s", plotOf(seed), strings.Join(w.history, "\n"))
			}
		})
	}
}

// Candidates that conflict are lived through, too: they go back to their agents, who keep both sides, and
// the tree is the one that a single worker makes, where no two tasks meet.
func TestConflictsAreLived(t *testing.T) {
	if testing.Short() {
		t.Skip("lives many seeds")
	}
	t.Parallel()
	var refs wholes
	scratch := t.TempDir()
	conflicts := 0
	for seed := uint64(1); seed < 1000 && conflicts < 10; seed++ {
		if !newStory(seed / perStory).crowded {
			continue
		}
		p := plotOf(seed)
		p.workers, p.deaths = 8, 3
		w := simulate(t, seed, &refs, scratch, p, nil)
		tell(t, w, seed)
		conflicts += w.book.conflicts
	}
	if conflicts < 10 {
		t.Errorf("only %d conflicts came", conflicts)
	}
}

// The seed alone decides a run: step by step one time is as another. Only where a person stops a build
// may Go itself choose: of a record that can be taken and a context that has ended. On a busy machine Go
// also takes the processor from a goroutine that had it for too long by the clock on the wall; that one
// accident is another at the next try, so of five tries two must be the same.
func TestSeedAloneDecides(t *testing.T) {
	if testing.Short() {
		t.Skip("lives many seeds twice")
	}
	t.Parallel()
	var refs wholes
	scratch := t.TempDir()
	for seed := uint64(1); seed <= 12; seed++ {
		p := plotOf(seed)
		if p.stops {
			continue
		}
		seen := map[string]bool{}
		for range 5 {
			w := simulate(t, seed, &refs, scratch, p, nil)
			way := fmt.Sprintf("%d\n%s", w.trace, strings.Join(w.history, "\n"))
			if seen[way] {
				seen = nil
				break
			}
			seen[way] = true
		}
		if seen != nil {
			t.Errorf("seed %d went five ways:\n%s", seed, strings.Join(slices.Collect(maps.Keys(seen)), "\n--\n"))
		}
	}
}
