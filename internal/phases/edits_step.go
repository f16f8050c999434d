package phases

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// EditsTask is the reserved task id of gates that are run on a head that a person made.
const EditsTask planner.TaskID = "edits"

// proveEdits runs the gates of done tasks once on a person's edits. A gate that is red reopens the
// last task that has it; the others that have it are unproven until it is green again.
func (e *Engine) proveEdits(ctx context.Context) error {
	st, err := e.startEdits(ctx)
	if err != nil {
		return err
	}
	base, err := e.fetch(ctx, st.BaseTree)
	if err != nil {
		return err
	}
	at, err := e.attempt(ctx, EditsTask, "", 0)
	if err != nil {
		return err
	}
	owner := map[planner.GateID]planner.TaskID{} // the last done task with the gate
	task := planner.Task{ID: EditsTask}
	err = e.Writer.View(ctx, func(s *State) {
		for _, t := range e.plan.Tasks() {
			if s.Task(t.ID).State != TaskIsDone {
				continue
			}
			for _, id := range t.Gates {
				if _, ok := owner[id]; !ok {
					task.Gates = append(task.Gates, id)
				}
				owner[id] = t.ID
			}
		}
	})
	if err != nil {
		return err
	}
	failed, err := e.prover(task, st, at, base).all(ctx, st)
	if err != nil {
		return err
	}
	return e.Writer.Decide(ctx, func(s *State) ([]Fact, error) {
		f := EditsProven{Tree: st.BaseTree}
		for _, id := range task.Gates {
			rep, red := failed[id]
			if !red {
				continue
			}
			f.Red = append(f.Red, id)
			why := fmt.Sprintf("The user changed files; since then gate %s is red: %s", id, clip(rep.Feedback, failBytes))
			i := slices.IndexFunc(f.Again, func(r Reopened) bool { return r.Task == owner[id] })
			if i < 0 {
				f.Again = append(f.Again, Reopened{Task: owner[id], Proven: standingOf(e.plan, s, owner[id])})
				i = len(f.Again) - 1
			}
			f.Again[i].Why = append(f.Again[i].Why, why)
		}
		return []Fact{f}, nil
	})
}

// startEdits opens the effects of this look at the newest head.
func (e *Engine) startEdits(ctx context.Context) (TaskState, error) {
	err := e.Writer.Decide(ctx, func(s *State) ([]Fact, error) {
		if st := s.Task(EditsTask); st.State == TaskRunning && st.BaseTree == s.HeadTree && st.Base == s.Head {
			return nil, nil
		}
		return []Fact{TaskStarted{Task: EditsTask, Commit: s.Head, Tree: s.HeadTree}}, nil
	})
	if err != nil {
		return TaskState{}, err
	}
	return e.task(ctx, EditsTask)
}

// standingOf is what a done task has shown, for its next start under the same plan.
func standingOf(p *planner.Plan, s *State, id planner.TaskID) map[planner.GateID][]planner.RequirementID {
	return evidence(planner.Amend(p, p), s.Task(id), p, p)
}

// all runs setup and every gate of the task on the base tree, and gives the reports of those that are red.
func (p *prover) all(ctx context.Context, st TaskState) (map[planner.GateID]GateReport, error) {
	room := &proofTree{trees: p.trees, gates: p.gates, project: p.plan.Project.Name, m: p.base, id: st.BaseTree, dir: p.fresh}
	defer room.remove()
	for _, s := range p.plan.Setup {
		if !needed(s, p.base) {
			continue
		}
		if _, err := p.check(ctx, room, setupGate(s), EffectSetup, false); err != nil {
			return nil, err
		}
	}
	red := map[planner.GateID]GateReport{}
	for _, id := range p.task.Gates {
		g, ok := p.plan.Gate(id)
		if !ok {
			return nil, fmt.Errorf("prove edits: the plan has no gate %s", id)
		}
		rep, err := p.check(ctx, room, g, EffectGate, false)
		if err != nil {
			return nil, err
		}
		if !rep.Pass {
			red[id] = rep
		}
	}
	return red, nil
}

// Settle ends a merge that the last process left half done, and does nothing else.
func (e *Engine) Settle(ctx context.Context) error {
	e.branch = make(chan struct{}, 1)
	for {
		if err := e.loadPlan(ctx); err != nil {
			return e.pause(ctx, err)
		}
		var half bool
		if err := e.Writer.View(ctx, func(s *State) { half = s.Merge != nil }); err != nil || !half {
			return err
		}
		if err := e.merge(ctx); errors.Is(err, ErrDiverged) {
			return err
		} else if err != nil {
			return e.pause(ctx, err)
		}
	}
}
