package phases

import (
	"context"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// root is what a build starts from while it has no commit of its own: whatever the branch is at.
type root struct {
	tree checkpoint.Hash
	read bool
}

// take says what to do now, and records the start of the tasks that are new: from then on the state
// says that they are running, and whose paths are claimed. Nothing to do, and no error, means that
// what goes on must end first; idle says that nothing does.
func (e *Engine) take(ctx context.Context, idle bool) ([]Step, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := e.Valve.open(ctx); err != nil {
		return nil, err
	}
	if err := e.loadPlan(ctx); err != nil {
		return nil, err
	}
	defer e.lockBranch()()
	head, files, err := e.Repo.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("read branch: %w", err)
	}
	if err := e.readRoot(ctx, files); err != nil {
		return nil, err
	}
	var steps []Step
	var poor error
	err = e.Writer.Decide(ctx, func(s *State) ([]Fact, error) {
		var facts []Fact
		var err error
		steps, facts, poor, err = e.starts(s, head)
		return facts, err
	})
	faultpoint.Pass("task.after_start")
	if err == nil && idle && len(steps) == 0 {
		err = poor
	}
	return steps, err
}

// readRoot keeps the tree of the branch, once, where the build has no commit of its own yet.
func (e *Engine) readRoot(ctx context.Context, files Manifest) error {
	if e.root.read {
		return nil
	}
	var own bool
	err := e.Writer.View(ctx, func(s *State) { own = s.Head != "" })
	if err == nil && !own {
		e.root.tree, err = e.keep(ctx, files)
	}
	e.root.read = err == nil
	return err
}

// starts are the steps of now, and the records of the tasks among them that are new. A task that
// cannot be funded is left out: poor then says why. A branch that somebody else has moved is found
// here, before a task costs anything.
func (e *Engine) starts(s *State, head string) (steps []Step, facts []Fact, poor, err error) {
	room := e.Throttle.room(e.workers(), width(e.plan, s, e.rows))
	for _, step := range Next(e.plan, s, e.workers()) {
		if step.Kind != StepTask || s.phaseOf(step.Task) != TaskPending {
			steps = append(steps, step)
			continue
		}
		if s.Head != "" && s.Head != head {
			if s.Merge != nil {
				continue // its commit is on the branch already
			}
			return nil, nil, nil, fmt.Errorf("%w: it is at %q, the build's newest commit is %s", ErrDiverged, head, s.Head)
		}
		task, ok := e.plan.Task(step.Task)
		if !ok {
			return nil, nil, nil, fmt.Errorf("start task %s: the plan has no such task", step.Task)
		}
		if ahead(s, e.rows, task.ID)+len(facts) >= room { // those before it are no less urgent
			e.Throttle.hold()
			continue
		}
		if why := e.unfunded(s, task, facts); why != nil {
			if poor == nil {
				poor = why
			}
			continue
		}
		facts = append(facts, e.started(s, task, head))
		steps = append(steps, step)
	}
	return steps, facts, poor, nil
}

// width is how many tasks must run at the same time so that all that can be done are done when the longest row of them
// is, were each as long as the others, and some more, as they are not.
func width(p *planner.Plan, s *State, rows map[planner.TaskID]int) int {
	state := s.phaseOf
	for _, t := range s.Tasks {
		if t.State == TaskIsFail {
			standing := Standings(p, s)
			state = func(id planner.TaskID) TaskPhase { return standing[id] }
			break
		}
	}
	left, longest := 0, 1
	for id, row := range rows {
		switch state(id) {
		case TaskIsDone, TaskIsFail, TaskBlocked, TaskWaiting:
		default:
			left, longest = left+1, max(longest, row)
		}
	}
	n := (left + longest - 1) / longest
	return n + n/8 + 1
}

// ahead is how many tasks are going on that are at least as urgent as one.
func ahead(s *State, rows map[planner.TaskID]int, than planner.TaskID) int {
	n := 0
	for id, t := range s.Tasks {
		if t.State == TaskRunning && t.Accepted == "" && rows[id] >= rows[than] {
			n++
		}
	}
	return n
}

// started fixes the base of a task: the newest commit of this build, and before the first one
// whatever the branch is at.
func (e *Engine) started(s *State, task planner.Task, head string) TaskStarted {
	tree := s.HeadTree
	if s.Head == "" {
		tree = e.root.tree
	}
	return TaskStarted{Task: task.ID, Phase: e.plan.PhaseOf(task.ID), Commit: head, Tree: tree, Hash: taskHash(e.plan, task)}
}
