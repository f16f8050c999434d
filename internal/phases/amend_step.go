package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// The rules of an amendment are:
//
//   - a change that a person accepted comes before any other work, but for candidates that are on
//     their way to the branch: these are of the plan before;
//   - the plan is amended by the planning model, as an attempt of the task `plan`, or it is given;
//   - a done task stays, with its commit, when it is the same in both plans and so is all it needs;
//     any other is done again on top of the branch, with all that needs it;
//   - a running task goes on when nothing that its records were made from differs;
//   - what a gate has shown counts on, where neither the gate nor the requirement has changed.

// changing are the steps that come before all others while a change is accepted and not yet done, or
// a person's edits are not yet looked at; nil when there is nothing of the kind.
func changing(p *planner.Plan, s *State) []Step {
	switch {
	case s.Unproven:
		return []Step{{Kind: StepProve}}
	case s.Amending == nil:
		return nil
	}
	if steps := merging(p, s); steps != nil {
		return steps
	}
	if s.Amending.Plan == "" && s.Task(planner.PlanTask).State == TaskIsFail {
		return []Step{{Kind: StepFinish}}
	}
	return []Step{{Kind: StepPlan}}
}

// amending copies the change that is to be done; nil for none.
func (e *Engine) amending(ctx context.Context) (*ChangeAccepted, error) {
	var f *ChangeAccepted
	err := e.Writer.View(ctx, func(s *State) {
		if s.Amending != nil {
			c := *s.Amending
			f = &c
		}
	})
	return f, err
}

// draft asks for a plan, or for the plan as it is to be after a change.
func (e *Engine) draft(ctx context.Context, ask planner.Asker, facts string) (*planner.Plan, error) {
	f, err := e.amending(ctx)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return e.Draft(ctx, ask, e.Spec, facts)
	}
	if e.Revise == nil {
		return nil, errors.New("amend plan: this engine cannot ask for it")
	}
	return e.Revise(ctx, ask, e.plan, facts)
}

// amendAsGiven takes a plan that the user gave in place of the old one. It says whether there was one.
func (e *Engine) amendAsGiven(ctx context.Context) (bool, error) {
	f, err := e.amending(ctx)
	if err != nil || f == nil || f.Plan == "" {
		return false, err
	}
	next, err := ReadPlan(ctx, e.Blobs, f.Plan)
	if err != nil {
		return false, err
	}
	return true, e.takePlan(ctx, next, f.By)
}

// takePlan fixes a plan: the first, or the one that takes the place of the old one.
func (e *Engine) takePlan(ctx context.Context, next *planner.Plan, by string) error {
	if e.plan == nil {
		return AcceptPlan(ctx, e.Writer, e.Blobs, next, by)
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	h, err := e.Blobs.Put(ctx, raw)
	if err != nil {
		return fmt.Errorf("keep plan: %w", err)
	}
	return e.Writer.Decide(ctx, func(s *State) ([]Fact, error) {
		f := PlanAmended{From: s.PlanHash, To: string(h), Plan: h, By: by}
		if c := s.Amending; c != nil {
			f.Spec, f.SpecPath, f.SpecFile, f.SpecSHA = c.Spec, c.SpecPath, c.SpecFile, c.SpecSHA
		}
		f.fill(s, e.plan, next)
		return []Fact{f}, nil
	})
}

// fill says what becomes of the tasks. It is pure.
func (f *PlanAmended) fill(s *State, old, next *planner.Plan) {
	a := planner.Amend(old, next)
	f.Added, f.Dropped, f.Renamed = a.Added, a.Dropped, a.Renamed()
	redo := map[planner.TaskID]bool{}
	order, err := planner.Order(next)
	if err != nil { // a plan with a cycle is never accepted
		return
	}
	for _, id := range order {
		t, _ := next.Task(id)
		st, why := s.Task(id), slices.Clone(a.Changes[id])
		for _, n := range t.Needs {
			if redo[n] || s.Task(n).State != TaskIsDone && st.State != TaskPending {
				why = append(why, fmt.Sprintf("%s, which this task needs, is done again.", n))
			}
		}
		if st.State == TaskRunning && len(why) == 0 && !a.SameRun(id) {
			why = append(why, "Setup or gates are worded anew.")
		}
		redo[id] = len(why) > 0 || slices.Contains(a.Added, id)
		if _, known := s.Tasks[id]; known && len(why) > 0 {
			f.Again = append(f.Again, Reopened{Task: id, Why: why, Proven: evidence(a, st, old, next)})
		}
	}
}

// evidence is what the gates of a task have shown and need not show again: a gate that is the same
// counts for the requirements that are the same, if it was red before their work and green after it.
func evidence(a *planner.Amendment, st TaskState, old, next *planner.Plan) map[planner.GateID][]planner.RequirementID {
	out := map[planner.GateID][]planner.RequirementID{}
	same := a.SameRequirements(st.ID)
	for _, id := range a.SameGates(st.ID) {
		was, _ := old.Gate(id)
		is, _ := next.Gate(id)
		for _, o := range old.Requirements {
			n, ok := same[o.ID]
			if ok && provesOne(was, o.ID) && provesOne(is, n) && st.shown(id, o.ID) {
				out[id] = append(out[id], n)
			}
		}
	}
	return out
}

// shown says whether a gate has proven a requirement in this task, in any start of it.
func (t TaskState) shown(id planner.GateID, r planner.RequirementID) bool {
	if t.State != TaskIsDone {
		return slices.Contains(t.Proven[id], r)
	}
	st, ok := t.Gates[id]
	return ok && (st.Red || slices.Contains(st.Kept, r))
}

// changedText tells an agent that the tree holds its task's work, and what is other than it was.
func changedText(st TaskState) string {
	if len(st.Again) == 0 {
		return ""
	}
	var b strings.Builder
	switch {
	case st.Earlier != "":
		fmt.Fprintf(&b, "This task was done before, in commit %.10s: the tree holds that work. It is done again because something changed. Keep what is still right, change what is not, and take out what is no longer wanted.\n", st.Earlier)
	default:
		b.WriteString("This task was begun before and something changed since; nothing of that work is in the tree.\n")
	}
	for _, w := range st.Again {
		b.WriteString("- " + clip(oneLineOf(w), failBytes) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func oneLineOf(s string) string { return strings.Join(strings.Fields(s), " ") }
