package phases

import (
	"context"
	"errors"
	"maps"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Desk takes orders for a build.
//
// The rules are:
//
//   - an order is a record before it is acknowledged, and what it does follows from records alone;
//   - an order that comes again under its id is acknowledged as it was, and carried out once; another
//     order under a known id is refused;
//   - an order that cannot be carried out is refused, and leaves no record.
//
// It is safe for concurrent use if Plan is.
type Desk struct {
	Writer *Writer
	Plan   func(*State) *planner.Plan // the plan of a state; nil while there is none
	Alone  bool                       // no process works on the build
}

// Give takes an order. fresh says that it was not given before. The error is an *OrderError when the
// order is refused.
func (d Desk) Give(ctx context.Context, o Order) (ack Ack, fresh bool, err error) {
	o = o.plain()
	if err := o.check(); err != nil {
		return ack, false, err
	}
	err = d.Writer.Decide(ctx, func(s *State) ([]Fact, error) {
		if g, ok := s.Orders[o.ID]; ok {
			if g.Sum != o.sum() {
				return nil, orderError(CodeOrderID, "choose another id, or none", "the id %s was used for another order, record %d", o.ID, g.Seq)
			}
			return nil, nil
		}
		facts, err := d.decide(s, o)
		fresh = err == nil
		return facts, err
	})
	if err != nil {
		return ack, false, err
	}
	err = d.Writer.View(ctx, func(s *State) {
		g := s.Orders[o.ID]
		ack = Ack{ID: o.ID, Verb: g.Verb, Seq: g.Seq, Point: g.Verb.point(), Time: g.Time}
	})
	return ack, fresh, err
}

// decide says what is recorded for an order that is new.
func (d Desk) decide(s *State, o Order) ([]Fact, error) {
	given := Ordered{Order: o}
	switch {
	case len(s.Orders) >= maxOrders:
		return nil, orderError(CodeOrderFull, "", "this build has had %d orders; it takes no more", maxOrders)
	case s.Run == DoneState:
		return nil, orderError(CodeOrderState, "see: builder report", "the build is done")
	case !o.Verb.Alone() && (d.Alone || s.Run != Running):
		return nil, orderError(CodeOrderState, "start it with: builder resume", "no process works on this build")
	case o.Verb == OrderCap:
		return d.cap(s, given)
	case o.Verb == OrderAnswer:
		return answer(s, given)
	case o.Verb == OrderNote && o.Task != "" && !d.has(s, o.Task):
		return nil, orderError(CodeOrderTask, "tasks stand in: builder status", "there is no task %q that may still be worked on", o.Task)
	}
	return []Fact{given}, nil
}

// has says whether a task may still be worked on; before there is a plan any may.
func (d Desk) has(s *State, id planner.TaskID) bool {
	p := d.Plan(s)
	if p == nil {
		return true
	}
	_, ok := p.Task(id)
	return ok && s.Task(id).State != TaskIsDone
}

// cap sets caps, never below what is spent, unknown and held.
func (d Desk) cap(s *State, given Ordered) ([]Fact, error) {
	caps, change := s.Guard.Caps, given.Caps
	if given.Phase == "" {
		if change.USD != nil {
			caps.USD, caps.NoUSD = *change.USD, false
		}
		if change.Tokens != nil {
			caps.Tokens = *change.Tokens
		}
	} else {
		if !d.hasPhase(s, given.Phase) {
			return nil, orderError(CodeOrderTask, "phases stand in: builder status --json", "there is no phase %q", given.Phase)
		}
		scope := budget.PhaseScope(string(given.Phase))
		l, ok := caps.Scopes[scope]
		if !ok {
			l.NoUSD = true
		}
		if change.USD != nil {
			l.USD, l.NoUSD = *change.USD, false
		}
		if change.Tokens != nil {
			l.Tokens = *change.Tokens
		}
		caps.Scopes = maps.Clone(caps.Scopes)
		if caps.Scopes == nil {
			caps.Scopes = map[budget.Scope]budget.Limit{}
		}
		caps.Scopes[scope] = l
	}
	err := s.Guard.Fits(caps)
	switch {
	case errors.Is(err, budget.ErrBelowUsed):
		return nil, orderError(CodeBudget, "give a cap above that", "%s", err)
	case err != nil:
		return nil, orderError(CodeOrder, "as in: --max-cost 20", "%s", err)
	}
	return []Fact{given, CapsRaised{Caps: caps, By: "user"}}, nil
}

func (d Desk) hasPhase(s *State, id planner.PhaseID) bool {
	p := d.Plan(s)
	if p == nil {
		return false
	}
	for _, ph := range p.Phases {
		if ph.ID == id {
			return true
		}
	}
	return false
}

// answer lets a task go on. What was committed meanwhile is the business of its merge.
func answer(s *State, given Ordered) ([]Fact, error) {
	t := s.Task(given.Task)
	if t.State != TaskWaiting || t.Question == nil {
		return nil, orderError(CodeOrderTask, "tasks with questions stand in: builder status", "task %q has no open question", given.Task)
	}
	given.Step = t.Question.Op.Step
	return []Fact{given}, nil
}
