package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// callsPerTask is how the history is cut into tasks: every task but the last is done.
const callsPerTask = 100

// resumeRows open journals of builds that were killed, of several lengths, and ask what is open. The
// history is in tasks that are done; the last row has all of it in one open attempt.
func resumeRows(t *testing.T, s sizes) []row {
	var rows []row
	first := time.Duration(0)
	for _, calls := range s.histories {
		d := reopen(t, history(t, calls, callsPerTask))
		if first == 0 {
			first = d
		}
		rows = append(rows, row{fmt.Sprintf("5 resume after %d answered calls", calls), ms(d), fmt.Sprintf("%s of %d calls", ratio(d, first), s.histories[0]), "at most 150 ms, flat"})
	}
	calls := s.histories[1]
	d := reopen(t, history(t, calls, calls+1))
	return append(rows, row{fmt.Sprintf("5 the same, all %d in one open attempt", calls), ms(d), "not promised: the open task is what opening costs", ""})
}

// history writes a journal of answered calls through the writer and leaves it as a kill does.
func history(t *testing.T, calls, perTask int) string {
	h := newHouse(t, 0)
	task := "t0"
	must(t, h.writer.Record(t.Context(), begin(task)...))
	for done := 0; done < calls; {
		n := min(50, calls-done) // of them in one transaction, for this must not take all day
		must(t, h.writer.Decide(t.Context(), func(st *phases.State) ([]phases.Fact, error) {
			var facts []phases.Fact
			for i := done + 1; i <= done+n; i++ {
				hold, err := st.Guard.Admit(askOf(task, i))
				if err != nil {
					return nil, err
				}
				facts = append(facts, phases.CallIntended{Hold: hold}, phases.CallAnswered{Settlement: settlementOf(task, i)})
			}
			return facts, nil
		}))
		if done += n; done%perTask == 0 && done < calls {
			must(t, h.writer.Record(t.Context(), end(task)))
			task = "t" + strconv.Itoa(done/perTask)
			must(t, h.writer.Record(t.Context(), begin(task)...))
		}
	}
	killed := filepath.Join(t.TempDir(), "killed.db") // a copy taken now has no snapshot of the closing
	raw, err := os.ReadFile(filepath.Join(h.dir, "journal.db"))
	must(t, err)
	must(t, os.WriteFile(killed, raw, 0o600))
	h.close()
	return killed
}

// reopen says how long it takes from nothing to the state on which the next step is decided.
func reopen(t *testing.T, path string) time.Duration {
	var all []time.Duration
	for range 5 {
		at := time.Now()
		j, err := bolt.Open(t.Context(), path, bolt.Options{})
		must(t, err)
		state, _, err := phases.Load(t.Context(), j)
		must(t, err)
		if state.Run != phases.Running || len(state.Guard.Holds) != 0 {
			t.Fatalf("the build is %s with %d holds", state.Run, len(state.Guard.Holds))
		}
		all = append(all, time.Since(at))
		must(t, j.Close())
	}
	return median(all)
}
