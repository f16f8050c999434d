package phases

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// KindBuildForked is the kind of [BuildForked].
const KindBuildForked Kind = "build.forked"

// BuildForked gives a new build the past of another up to one of its commits. It follows the plan.
// The money of that past was spent under caps of its own and is no part of this build's.
type BuildForked struct {
	Source    string          `json:"source"` // the other build
	Seq       uint64          `json:"seq"`    // of its journal: the newest record that is shared
	Commit    string          `json:"commit"` // the newest that is shared
	Tree      checkpoint.Hash `json:"tree"`   // manifest of that commit
	Tasks     []CarriedTask   `json:"tasks"`  // in the order in which they were committed
	Inherited []InheritedCost `json:"inherited"`
}

// CarriedTask is a task that was proven and committed by a build before this one, with what shows it.
type CarriedTask struct {
	Build    string                           `json:"build"` // whose commit it is
	Task     planner.TaskID                   `json:"task"`
	Phase    planner.PhaseID                  `json:"phase"`
	Hash     string                           `json:"hash"`
	Base     string                           `json:"base,omitempty"`
	BaseTree checkpoint.Hash                  `json:"base_tree,omitempty"`
	Commit   string                           `json:"commit"`
	Tree     checkpoint.Hash                  `json:"tree"`
	Attempts int                              `json:"attempts"`
	Model    string                           `json:"model,omitempty"`
	Why      string                           `json:"why,omitempty"`
	Notes    []string                         `json:"notes,omitempty"`
	Summary  string                           `json:"summary,omitempty"`
	Gates    map[planner.GateID]*GateStanding `json:"gates,omitempty"`
}

// InheritedCost is what one build of the past has cost up to where it was forked, planning included.
type InheritedCost struct {
	Build    string       `json:"build"`
	Provider string       `json:"provider"`
	Model    string       `json:"model"`
	Spent    budget.Micro `json:"spent_microusd"`
	Unknown  budget.Micro `json:"unknown_microusd"`
	Tokens   int64        `json:"tokens"`
	Calls    int64        `json:"calls"`
}

func (BuildForked) kind() Kind { return KindBuildForked }

// applyFork makes the carried tasks done: nothing of them is done or paid again.
func (s *State) applyFork(f BuildForked) error {
	if len(s.Tasks) > 0 || s.Plan == "" || len(f.Tasks) == 0 {
		return fmt.Errorf("apply fork of %s: it stands at the wrong place", f.Source)
	}
	s.Commits = len(f.Tasks)
	for i, c := range f.Tasks {
		s.Tasks[c.Task] = &TaskState{
			After: i, Nth: i + 1,
			ID: c.Task, Phase: c.Phase, State: TaskIsDone, From: c.Build, Hash: c.Hash, Base: c.Base, BaseTree: c.BaseTree,
			Attempts: c.Attempts, Before: c.Attempts, Model: c.Model, Why: c.Why, Accepted: c.Tree, Commit: c.Commit, Tree: c.Tree,
			Notes: c.Notes, Summary: c.Summary, Gates: c.Gates,
		}
	}
	s.Head, s.HeadTree = f.Commit, f.Tree
	f.Tasks = nil // they are among the tasks
	s.Forked = &f
	return nil
}

// ErrNoFork means that there is no such place in a build's past.
var ErrNoFork = errors.New("no task of that name was committed")

// Fork is the past of a build that another one shares.
type Fork struct {
	Record BuildForked
	State  *State           // of the source at that place
	Again  []planner.TaskID // tasks that were done there and are not in the fork, in order
}

// ForkAt takes the past of a journal up to the commit of a task. plan is the source's plan, edited the
// one of the fork, nil for the same. What was done under another wording of its task or gates is not
// carried over, and neither is what was committed after it: the fork then begins before it, and Again
// names what is to be done anew. ErrNoFork when nothing is left to share.
func ForkAt(ctx context.Context, j checkpoint.Journal, at planner.TaskID, plan, edited *planner.Plan) (Fork, error) {
	audit := NewAudit()
	if err := j.Read(ctx, 0, audit.Add); err != nil {
		return Fork{}, fmt.Errorf("read past: %w", err)
	}
	done := audit.Done()
	cut := -1
	for i, d := range done {
		if d.Task == at {
			cut = i
		}
	}
	if cut < 0 {
		return Fork{}, fmt.Errorf("fork at %s: %w", at, ErrNoFork)
	}
	done = done[:cut+1]
	kept := unchanged(done, plan, edited)
	var f Fork
	for _, d := range done[kept:] {
		f.Again = append(f.Again, d.Task)
	}
	if kept == 0 {
		return f, fmt.Errorf("fork at %s: the plan changes %s, which was committed first: %w", at, done[0].Task, ErrNoFork)
	}
	var err error
	if f.State, err = foldTo(ctx, j, done[kept-1].Seq); err != nil {
		return f, err
	}
	f.Record = forked(f.State, done[:kept])
	return f, nil
}

// unchanged counts the commits before the first whose task reads otherwise in the edited plan.
func unchanged(done []DoneCommit, plan, edited *planner.Plan) int {
	if edited == nil {
		return len(done)
	}
	for i, d := range done {
		was, ok := plan.Task(d.Task)
		is, still := edited.Task(d.Task)
		if !ok || !still || taskHash(plan, was) != taskHash(edited, is) || plan.PhaseOf(d.Task) != edited.PhaseOf(d.Task) {
			return i
		}
	}
	return len(done)
}

// foldTo folds the records up to one.
func foldTo(ctx context.Context, j checkpoint.Journal, seq uint64) (*State, error) {
	s, there := NewState(), errors.New("there")
	err := j.Read(ctx, 0, func(e checkpoint.Envelope) error {
		if e.Seq > seq {
			return there
		}
		return s.ApplyEnvelope(e)
	})
	if err != nil && !errors.Is(err, there) {
		return nil, fmt.Errorf("fold past: %w", err)
	}
	return s, nil
}

// forked is the record of a past that ends in the last of done. A task that was committed more than
// once is carried over as it was last.
func forked(s *State, done []DoneCommit) BuildForked {
	last := done[len(done)-1]
	f := BuildForked{Source: s.Build.Build, Seq: last.Seq, Commit: last.Commit, Tree: last.Tree}
	for i, d := range done {
		if slices.ContainsFunc(done[i+1:], func(later DoneCommit) bool { return later.Task == d.Task }) {
			continue
		}
		t := s.Task(d.Task)
		f.Tasks = append(f.Tasks, CarriedTask{
			Build: d.Build, Task: d.Task, Phase: t.Phase, Hash: t.Hash, Base: t.Base, BaseTree: t.BaseTree, Commit: d.Commit, Tree: d.Tree,
			Attempts: t.Attempts, Model: t.Model, Why: t.Why, Notes: t.Notes, Summary: t.Summary, Gates: t.Gates,
		})
	}
	if s.Forked != nil {
		f.Inherited = append(f.Inherited, s.Forked.Inherited...)
	}
	used := s.Guard.Account(budget.Build)
	f.Inherited = append(f.Inherited, InheritedCost{
		Build: s.Build.Build, Provider: s.Build.Provider, Model: s.Build.Model,
		Spent: used.Spent, Unknown: used.Unknown + used.Held, Tokens: used.UsedTokens(), Calls: used.Calls,
	})
	return f
}

// ForkedFrom tells where a build was forked, and what its past has cost: no part of its own budget.
type ForkedFrom struct {
	Build     string          `json:"build"`
	Seq       uint64          `json:"seq"`
	Commit    string          `json:"commit"`
	Tasks     int             `json:"tasks"`
	Inherited []InheritedCost `json:"inherited"`
}

// forkedFrom projects the fork of a state; nil for a build that is none.
func forkedFrom(s *State) *ForkedFrom {
	if s.Forked == nil {
		return nil
	}
	f := &ForkedFrom{Build: s.Forked.Source, Seq: s.Forked.Seq, Commit: s.Forked.Commit, Inherited: s.Forked.Inherited}
	for _, t := range s.Tasks {
		if t.From != "" {
			f.Tasks++
		}
	}
	return f
}
