package phases

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

var errDisk = errors.New("disk broke")

// opened is a writer of a build with one open attempt of task t.
func opened(t *testing.T, j checkpoint.Journal, caps budget.Caps) *Writer {
	t.Helper()
	w, err := OpenWriter(t.Context(), j, tickingClock())
	if err != nil {
		t.Fatal(err)
	}
	err = w.Record(t.Context(), BuildStarted{Build: "b-1", Caps: caps}, TaskStarted{Task: "t", Phase: "p"}, AttemptStarted{Task: "t", Attempt: 1})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func asking(step int) budget.Ask {
	return budget.Ask{Call: budget.Call{Op: budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: step, Send: 1}, Phase: "p", MinOutput: 1}, Model: "test", Price: testPrice(), InputTokens: 90, MaxTokens: 10}
}

// Laws L1, L3, L6: 32 workers on one writer whose journal fails at some time. Whoever was told that a
// record is durable finds it in the journal; the cap holds; the fold of what was kept is a state.
func TestThirtyTwoWorkersOnAFailingJournal(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{false, true} {
		for _, good := range []int{1, 7, 40, 1 << 30} {
			t.Run(fmt.Sprintf("%v %d", kept, good), func(t *testing.T) {
				t.Parallel()
				left := good
				j := &checkpoint.Memory{Fail: func([]checkpoint.Record) (bool, error) {
					if left--; left < 0 {
						return kept, errDisk
					}
					return true, nil
				}}
				caps := budget.Caps{USD: 20_000}
				w := opened(t, j, caps)
				var mu sync.Mutex
				told := map[string]bool{}
				var wg sync.WaitGroup
				for worker := range 32 {
					wg.Go(func() {
						for i := range 20 {
							hold, err := w.Intend(t.Context(), asking(1+worker*20+i))
							if err != nil {
								continue
							}
							mu.Lock()
							told[hold.Op.String()] = true
							mu.Unlock()
							st := budget.Settlement{Op: hold.Op, Fate: budget.Answered, Usage: budget.Usage{Input: 50, Output: 10}, Cost: 60}
							if err := w.Settle(t.Context(), st); err != nil && !errors.Is(err, errDisk) {
								t.Error(err)
							}
						}
					})
				}
				wg.Wait()
				err := w.Close(t.Context())
				if failed := left < 0; failed != errors.Is(err, errDisk) {
					t.Errorf("close: %v", err)
				}
				s, _, err := Load(t.Context(), j.Reopen())
				if err != nil {
					t.Fatal(err)
				}
				if used := s.Guard.Account(budget.Build).Used(); used > caps.USD {
					t.Errorf("%d used of %d", used, caps.USD)
				}
				for op := range told {
					parsed, err := budget.ParseOp(op)
					if err != nil {
						t.Fatal(err)
					}
					if _, ok := s.Find(parsed); !ok {
						t.Errorf("%s was told to be durable and is not in the journal", op)
					}
				}
			})
		}
	}
}

// A writer that failed answers nothing any more: its state is ahead of the journal.
func TestFailedWriterTellsNothing(t *testing.T) {
	t.Parallel()
	broken := false
	j := &checkpoint.Memory{Fail: func([]checkpoint.Record) (bool, error) {
		if broken {
			return false, errDisk
		}
		return true, nil
	}}
	w := opened(t, j, budget.Caps{USD: 1000})
	if err := w.Later(t.Context(), EffectFinished{Op: budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1}, Request: "r"}); err != nil {
		t.Fatal(err)
	}
	broken = true
	if err := w.Record(t.Context(), SessionStarted{}); !errors.Is(err, errDisk) {
		t.Errorf("record: %v", err)
	}
	if err := w.View(t.Context(), func(*State) { t.Error("a view of a state that is not kept") }); !errors.Is(err, errDisk) {
		t.Errorf("view: %v", err)
	}
	if err := w.Close(t.Context()); !errors.Is(err, errDisk) {
		t.Errorf("close: %v", err)
	}
	if err := w.Record(t.Context(), SessionStarted{}); err == nil {
		t.Error("a closed writer took a record")
	}
}

// What rides with the next record is not lost by an orderly end.
func TestCloseKeepsWhatRidesLater(t *testing.T) {
	t.Parallel()
	j := &checkpoint.Memory{}
	w := opened(t, j, budget.Caps{USD: 1000})
	op := budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1}
	if err := w.Later(t.Context(), EffectFinished{Op: op, Request: "r"}); err != nil {
		t.Fatal(err)
	}
	if last, err := j.Last(t.Context()); err != nil || last != 3 {
		t.Errorf("it was written at once: %d, %v", last, err)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, _, err := Load(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := s.Find(op); !ok || !o.Done {
		t.Errorf("got %+v", o)
	}
}

// Submitting while the writer closes ends in a record that is kept or an error, never in waiting.
func TestCloseWhileSubmitting(t *testing.T) {
	t.Parallel()
	for range 50 {
		j := &checkpoint.Memory{}
		w := opened(t, j, budget.Caps{USD: 1000})
		var mu sync.Mutex
		var wg sync.WaitGroup
		done := 0
		for range 8 {
			wg.Go(func() {
				for w.Record(t.Context(), SessionStarted{}) == nil {
					mu.Lock()
					done++
					mu.Unlock()
				}
			})
		}
		if err := w.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if last, err := j.Last(t.Context()); err != nil || last != uint64(3+done) {
			t.Fatalf("%d records, %d told, %v", last, done, err)
		}
	}
}

// Law L6: a snapshot of another fold, or a damaged one, is passed over; the records tell everything.
func TestSnapshotsOfOtherFoldsArePassedOver(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"older fold": `{"seq":3,"tasks":{}}`, "newer fold": fmt.Sprintf(`{"form":%d,"seq":3}`, stateForm+1),
		"other number": fmt.Sprintf(`{"form":%d,"seq":2}`, stateForm), "no state": `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &checkpoint.Memory{}
			w := opened(t, j, budget.Caps{USD: 1000})
			if err := w.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := j.Save(t.Context(), checkpoint.Snapshot{Seq: 3, State: json.RawMessage(raw)}); err != nil {
				t.Fatal(err)
			}
			s, _, err := Load(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			refold(t, j, s)
		})
	}
}

// Warnings come at 50, 75 and 90 per cent, once each under one cap, and follow from the records.
func TestWarningsComeOnceEach(t *testing.T) {
	t.Parallel()
	j := &checkpoint.Memory{}
	w := opened(t, j, budget.Caps{USD: 1000})
	spend := func(step int) {
		hold, err := w.Intend(t.Context(), asking(step))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Settle(t.Context(), budget.Settlement{Op: hold.Op, Fate: budget.Answered, Usage: budget.Usage{Input: 50, Output: 10}, Cost: 90}); err != nil {
			t.Fatal(err)
		}
	}
	for step := range 10 {
		spend(step + 1)
	}
	if err := w.Record(t.Context(), CapsRaised{Caps: budget.Caps{USD: 2000}}); err != nil {
		t.Fatal(err)
	}
	for step := range 2 {
		spend(step + 11)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := j.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		f, err := Decode(e.Kind, e.Payload)
		if b, ok := f.(BudgetWarned); ok {
			got = append(got, fmt.Sprintf("%s:%d/%d", b.Mark, b.Used, b.Cap))
		}
		return err
	})
	if want := "[50:540/1000 75:810/1000 90:900/1000 50:1080/2000]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s: %v", got, want, err)
	}
}

// The forecast warns while there is still time, once.
func TestForecastWarnsOnce(t *testing.T) {
	t.Parallel()
	p := twoTasks()
	p.Phases[0].Tasks[0].Estimate = planner.Quantity{InputTokens: 100}
	p.Phases[0].Tasks[1].Estimate = planner.Quantity{InputTokens: 300}
	s := NewState()
	s.Guard = budget.NewGuard(budget.Caps{USD: 1000})
	s.Guard.Accounts[budget.Build] = budget.Account{Spent: 260}
	if got := warnings(&p, s); len(got) != 0 {
		t.Errorf("before any task ended: %v", got)
	}
	s.Tasks["one.a"] = &TaskState{ID: "one.a", State: TaskIsDone}
	if got := fmt.Sprint(warnings(&p, s)); got != "[{forecast 1040 1000 false}]" {
		t.Errorf("got %s", got)
	}
	s.Warned = []string{forecastMark}
	if got := warnings(&p, s); len(got) != 0 {
		t.Errorf("again: %v", got)
	}
}
