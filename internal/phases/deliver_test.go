package phases

import (
	"slices"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// An answer that a program got, and whose question it asks again, is a repeat; one that it did not get
// is none, and neither is a question that was surely not billed. The fold of the records says the same.
func TestDelivered(t *testing.T) {
	t.Parallel()
	j := &checkpoint.Memory{}
	w := opened(t, j, budget.Caps{USD: budget.Dollar})
	send := func(step, n int, fate budget.Fate) budget.Op {
		t.Helper()
		ask := asking(step)
		ask.Call.Op.Send, ask.Call.RequestHash = n, "question"
		hold, err := w.Intend(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		if fate != "" {
			if err := w.Settle(t.Context(), budget.Settlement{Op: hold.Op, Fate: fate, Answer: "blob", ContentType: "text/event-stream", Usage: budget.Usage{Input: 1}, Cost: 1}); err != nil {
				t.Fatal(err)
			}
		}
		return hold.Op
	}
	repeats := func(want int64) {
		t.Helper()
		if err := w.View(t.Context(), func(s *State) {
			if s.Repeats != want {
				t.Errorf("%d repeats, want %d", s.Repeats, want)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	got := send(1000, 1, budget.Answered)
	send(1000, 2, budget.Free) // asked again while nobody knows that it arrived
	repeats(0)
	send(1001, 1, budget.Answered)
	if err := w.Deliver(t.Context(), budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1001, Send: 1}); err != nil {
		t.Fatal(err)
	}
	send(1001, 2, budget.Answered)
	repeats(1)
	send(7, 1, budget.Answered) // below the gateway's steps
	send(1002, 1, "")
	kept, err := w.Kept(t.Context(), budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1000})
	if err != nil || len(kept) != 5 {
		t.Fatalf("kept %+v, %v", kept, err)
	}
	if k := kept[0]; k.Op != got || k.Answer != "blob" || k.ContentType != "text/event-stream" || k.Fate != budget.Answered || k.RequestHash != "question" || k.Delivered {
		t.Errorf("kept %+v", k)
	}
	if !kept[2].Delivered || kept[4].Fate != "" || !slices.IsSortedFunc(kept, func(a, b budget.Kept) int { return a.Op.Step*10 + a.Op.Send - b.Op.Step*10 - b.Op.Send }) {
		t.Errorf("kept %+v", kept)
	}
	if other, err := w.Kept(t.Context(), budget.Op{Build: "b-1", Task: "t", Attempt: 2}); err != nil || len(other) != 0 {
		t.Errorf("of another attempt: %+v, %v", other, err)
	}
	var live *State
	if err := w.View(t.Context(), func(s *State) { live = s }); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	refold(t, j.Reopen(), live)
}
