package phases

import (
	"fmt"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// applyChange folds what a person changed between two runs.
func (s *State) applyChange(f Fact) error {
	switch f := f.(type) {
	case ChangeAccepted:
		s.KeptSpec = ""
		if s.Plan == "" { // nothing hangs on the old one yet
			s.setSpec(f)
			s.planAgain()
			return nil
		}
		s.Amending = &f
		if f.Plan == "" {
			s.planAgain()
		}
	case SpecKept:
		s.KeptSpec = f.SpecSHA
		if s.Amending != nil {
			s.Amending = nil
			s.planMade()
		}
	case PlanAmended:
		return s.amend(f)
	case UserCommitted:
		s.Head, s.HeadTree = f.Commit, f.Tree
		s.Merge, s.Unproven = nil, false // its candidates wait for the next merge, onto the new head
		for _, t := range s.Tasks {
			s.Unproven = s.Unproven || t.State == TaskIsDone && t.ID != planner.PlanTask
		}
	case EditsProven:
		s.Unproven = false
		delete(s.Tasks, EditsTask)
		for _, t := range s.Tasks {
			for _, id := range f.Red {
				if st, ok := t.Gates[id]; ok {
					st.Pass = false
				}
			}
		}
		return s.reopen(f.Again)
	}
	return nil
}

func (s *State) amend(f PlanAmended) error {
	if f.From != s.PlanHash {
		return fmt.Errorf("apply plan amendment: it is for plan %s, not %s", f.From, s.PlanHash)
	}
	s.Plan, s.PlanHash, s.PlanBy = f.Plan, f.To, f.By
	if s.Amending != nil {
		s.Amending = nil
		s.planMade()
	}
	if f.SpecSHA != "" {
		s.setSpec(f.spec())
	}
	for _, t := range s.Tasks {
		t.rename(f.Renamed)
	}
	for _, id := range f.Dropped {
		if t, ok := s.Tasks[id]; ok {
			t.reopen(Reopened{Task: id})
		}
	}
	return s.reopen(f.Again)
}

func (s *State) reopen(again []Reopened) error {
	for _, r := range again {
		if err := s.onTask(r.Task, func(t *TaskState) { t.reopen(r) }); err != nil {
			return err
		}
	}
	return nil
}

// reopen makes a task one that has not started, but for what it has shown and what its next start is told.
func (t *TaskState) reopen(r Reopened) {
	if t.Commit != "" {
		t.Earlier = t.Commit
	}
	t.State, t.Again, t.Proven = TaskPending, r.Why, r.Proven
	t.Rebased, t.Keep = nil, nil
	t.Open, t.Ready, t.Accepted, t.Commit, t.Tree, t.Reason = nil, nil, "", "", "", ""
}

// carried are the gates of a task that starts again, with what they have shown before.
func (t TaskState) carried() map[planner.GateID]*GateStanding {
	out := map[planner.GateID]*GateStanding{}
	for id, reqs := range t.Proven {
		out[id] = &GateStanding{Kept: reqs}
	}
	return out
}

// rename gives requirements the ids that they have in an amended plan.
func (t *TaskState) rename(ids map[planner.RequirementID]planner.RequirementID) {
	if len(ids) == 0 {
		return
	}
	renamed := func(list []planner.RequirementID) []planner.RequirementID {
		out := make([]planner.RequirementID, len(list))
		for i, id := range list {
			out[i] = id
			if to, ok := ids[id]; ok {
				out[i] = to
			}
		}
		return out
	}
	for _, st := range t.Gates {
		st.Kept = renamed(st.Kept)
	}
	for id, list := range t.Proven {
		t.Proven[id] = renamed(list)
	}
}

// spread tells the other done tasks of gates that were red on a person's edits and are green on the
// commit of t.
func (s *State) spread(t *TaskState) {
	for id, st := range t.Gates {
		if !st.Pass {
			continue
		}
		for _, o := range s.Tasks {
			if g, ok := o.Gates[id]; ok && o.State == TaskIsDone && !g.Pass {
				g.Pass, g.Short, g.Log, g.Tests = true, st.Short, st.Log, st.Tests
			}
		}
	}
}

// planAgain lets the plan be made or amended by an attempt of its own.
func (s *State) planAgain() {
	if t, ok := s.Tasks[planner.PlanTask]; ok {
		t.State, t.Open, t.Ready = TaskPending, nil, nil
	}
}

func (s *State) planMade() {
	if t, ok := s.Tasks[planner.PlanTask]; ok {
		t.State, t.Open, t.Ready = TaskIsDone, nil, nil
	}
}

// setSpec makes another spec the one that is built.
func (s *State) setSpec(f ChangeAccepted) {
	s.Build.Spec, s.Build.SpecPath, s.Build.SpecFile, s.Build.SpecSHA = f.Spec, f.SpecPath, f.SpecFile, f.SpecSHA
}

func (f PlanAmended) spec() ChangeAccepted {
	return ChangeAccepted{Spec: f.Spec, SpecPath: f.SpecPath, SpecFile: f.SpecFile, SpecSHA: f.SpecSHA}
}
