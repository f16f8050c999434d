package phases

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

func micro(m budget.Micro) *budget.Micro { return &m }
func count(n int64) *int64               { return &n }

// newDesk is a desk of a build that has a plan and has used 600 of 1000 micro-dollars.
func newDesk(t *testing.T) (Desk, checkpoint.Journal) {
	t.Helper()
	j := &checkpoint.Memory{}
	w, err := OpenWriter(t.Context(), j, tickingClock())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(context.WithoutCancel(t.Context())); err != nil && !errors.Is(err, checkpoint.ErrClosed) {
			t.Error(err)
		}
	})
	op := budget.Op{Build: "b-1", Task: "one.a", Attempt: 1, Step: 1, Send: 1}
	hold := budget.Hold{Op: op, Model: "test", Price: testPrice(), Scopes: []budget.Scope{budget.Build, budget.PhaseScope("one")}, Money: 600, Tokens: 500}
	err = w.Record(t.Context(), BuildStarted{Build: "b-1", Caps: budget.Caps{USD: 1000}}, SessionStarted{PID: 1}, CallIntended{Hold: hold})
	if err != nil {
		t.Fatal(err)
	}
	plan := twoTasks()
	return Desk{Writer: w, Plan: func(*State) *planner.Plan { return &plan }}, j
}

func TestOrdersThatAreRefusedLeaveNoRecord(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t)
	before, err := j.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		order Order
		code  string
	}{
		"no id":            {Order{Verb: OrderPause}, CodeOrder},
		"id with spaces":   {Order{ID: "a b", Verb: OrderPause}, CodeOrder},
		"long id":          {Order{ID: strings.Repeat("a", 65), Verb: OrderPause}, CodeOrder},
		"no verb":          {Order{ID: "a"}, CodeOrder},
		"unknown verb":     {Order{ID: "a", Verb: "explode\x1b[2J"}, CodeOrder},
		"empty note":       {Order{ID: "a", Verb: OrderNote, Text: " \x00\n"}, CodeOrder},
		"long note":        {Order{ID: "a", Verb: OrderNote, Text: strings.Repeat("x", MaxOrderText+1)}, CodeOrder},
		"note to nobody":   {Order{ID: "a", Verb: OrderNote, Text: "x", Task: "two.z"}, CodeOrderTask},
		"pause with text":  {Order{ID: "a", Verb: OrderPause, Text: "x"}, CodeOrder},
		"cap of nothing":   {Order{ID: "a", Verb: OrderCap, Caps: &CapChange{}}, CodeOrder},
		"negative cap":     {Order{ID: "a", Verb: OrderCap, Caps: &CapChange{USD: micro(-1)}}, CodeOrder},
		"cap below held":   {Order{ID: "a", Verb: OrderCap, Caps: &CapChange{USD: micro(599)}}, CodeBudget},
		"tokens below":     {Order{ID: "a", Verb: OrderCap, Caps: &CapChange{Tokens: count(499)}}, CodeBudget},
		"phase below":      {Order{ID: "a", Verb: OrderCap, Phase: "one", Caps: &CapChange{USD: micro(599)}}, CodeBudget},
		"no such phase":    {Order{ID: "a", Verb: OrderCap, Phase: "nine", Caps: &CapChange{USD: micro(5000)}}, CodeOrderTask},
		"answer to nobody": {Order{ID: "a", Verb: OrderAnswer, Text: "x"}, CodeOrder},
		"no question":      {Order{ID: "a", Verb: OrderAnswer, Text: "x", Task: "one.a"}, CodeOrderTask},
	} {
		_, _, err := d.Give(t.Context(), c.order)
		var refused *OrderError
		if !errors.As(err, &refused) || refused.Code != c.code {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
	alone := d
	alone.Alone = true
	if _, _, err := alone.Give(t.Context(), Order{ID: "a", Verb: OrderPause}); err == nil {
		t.Error("a build that nobody works on was paused")
	}
	if after, err := j.Last(t.Context()); err != nil || after != before {
		t.Errorf("the journal went from %d to %d, %v", before, after, err)
	}
}

// Law L3: an order may set a cap to what is used, and no lower; of the build and of a phase.
func TestOrderedCapsCount(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t)
	for _, o := range []Order{
		{ID: "1", Verb: OrderCap, Caps: &CapChange{USD: micro(600)}},
		{ID: "2", Verb: OrderCap, Caps: &CapChange{USD: micro(9000), Tokens: count(800)}},
		{ID: "3", Verb: OrderCap, Phase: "one", Caps: &CapChange{USD: micro(700)}},
	} {
		if _, _, err := d.Give(t.Context(), o); err != nil {
			t.Fatalf("%s: %v", o.ID, err)
		}
	}
	var s *State
	if err := d.Writer.View(t.Context(), func(st *State) { s = st }); err != nil {
		t.Fatal(err)
	}
	build, phase := s.Guard.Limit(budget.Build), s.Guard.Limit(budget.PhaseScope("one"))
	if build.USD != 9000 || build.Tokens != 800 || phase.USD != 700 || phase.NoUSD {
		t.Errorf("got %+v and %+v", build, phase)
	}
	refold(t, j, s)
}

// An order that comes again is acknowledged as it was, and carried out once; its id is good for
// nothing else.
func TestOrderAgain(t *testing.T) {
	t.Parallel()
	d, j := newDesk(t)
	o := Order{ID: "n-1", Verb: OrderNote, Text: "use tabs\r\nplease\x1b[2J"}
	first, fresh, err := d.Give(t.Context(), o)
	if err != nil || !fresh || first.Seq == 0 || first.Point != PointTurn {
		t.Fatalf("got %+v, %v, %v", first, fresh, err)
	}
	last, err := j.Last(t.Context())
	if err != nil || first.Seq != last {
		t.Errorf("acknowledged record %d, the journal ends at %d, %v", first.Seq, last, err)
	}
	for range 3 {
		again, fresh, err := d.Give(t.Context(), o)
		if err != nil || fresh || again != first {
			t.Errorf("got %+v, %v, %v", again, fresh, err)
		}
	}
	var refused *OrderError
	o.Text = "use spaces"
	if _, _, err := d.Give(t.Context(), o); !errors.As(err, &refused) || refused.Code != CodeOrderID {
		t.Errorf("got %v", err)
	}
	s := NewState()
	if err := j.Read(t.Context(), 0, s.ApplyEnvelope); err != nil {
		t.Fatal(err)
	}
	if len(s.Said) != 1 || s.Said[0].Text != "use tabs\nplease[2J" {
		t.Errorf("said %+v", s.Said)
	}
}

// A pause lasts until it is taken back or the process ends: whoever takes the build up goes on.
func TestPauseEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]Fact{
		"continue": Ordered{Order: Order{ID: "c", Verb: OrderContinue}}, "another process": SessionStarted{PID: 2}, "a stop": Paused{Reason: Reason{Code: CodeInterrupted}},
	} {
		d, j := newDesk(t)
		if _, _, err := d.Give(t.Context(), Order{ID: "p", Verb: OrderPause}); err != nil {
			t.Fatal(err)
		}
		s, _, err := Load(t.Context(), j)
		if err != nil || s.Held == nil || s.Held.Order != "p" {
			t.Fatalf("%s: held %+v, %v", name, s.Held, err)
		}
		if err := d.Writer.Record(t.Context(), end); err != nil {
			t.Fatal(err)
		}
		if s, _, err = Load(t.Context(), j); err != nil || s.Held != nil {
			t.Errorf("%s: held %+v, %v", name, s.Held, err)
		}
	}
}

// Hundreds of orders are no attack on the journal: there is an end to them.
func TestOrdersAreBounded(t *testing.T) {
	t.Parallel()
	s := NewState()
	s.Orders = map[string]Given{}
	for i := range maxOrders {
		s.Orders[strings.Repeat("a", i%60+1)+string(rune('a'+i%26))+strings.Repeat("b", i/60)] = Given{}
	}
	for len(s.Orders) < maxOrders {
		s.Orders["more"+strings.Repeat("c", len(s.Orders))] = Given{}
	}
	s.Run = Running
	_, err := Desk{}.decide(s, Order{ID: "x", Verb: OrderPause})
	var refused *OrderError
	if !errors.As(err, &refused) || refused.Code != CodeOrderFull {
		t.Errorf("got %v", err)
	}
}
