package phases

import (
	"context"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// The rules of a merge are:
//
//   - one at a time; accepted candidates go in together, in plan order, each merged by three-way
//     comparison of trees into the one before it;
//   - a candidate that conflicts with the branch goes back to its agent, on the new base, with both
//     sides shown; one that conflicts with a companion only waits for the next merge;
//   - every merged tree is proven by its task's gates before its commit, and the last one also by the
//     gates of all whose work it was merged with; a red gate is traced to the first tree that it is red
//     on, that tree's task goes back, and what came before it is committed;
//   - each task is one commit of exactly the tree that was proven, and the branch moves once, over all;
//   - what is done here is journaled under MergeTask: after a crash it goes on where it was.

// mostMerged is how many candidates go into one merge, at most: the last must not wait for too many proofs.
const mostMerged = 16

// merge puts the candidates that wait on the branch, or goes on doing so.
func (e *Engine) merge(ctx context.Context) error {
	open, err := e.openMerge(ctx)
	if err != nil || open == nil {
		return err
	}
	faultpoint.Pass("merge.after_start")
	b := &batch{engine: e, ctx: ctx, MergeStarted: *open}
	if err := b.load(); err != nil {
		return err
	}
	if err := b.prove(); err != nil {
		return err
	}
	if err := b.land(); err != nil {
		return err
	}
	for _, it := range b.items[:b.good] {
		if err := e.letGo(e.scratch(it.task.ID, it.st.Attempts)); err != nil {
			return err
		}
	}
	return nil
}

// openMerge is the merge that is going on, or a new one; nil when nothing is left to be merged,
// because all that waited had to go back.
func (e *Engine) openMerge(ctx context.Context) (*MergeStarted, error) {
	var going *MergeStarted
	var waiting []waiter
	head := MergeStarted{}
	err := e.Writer.View(ctx, func(s *State) {
		if s.Merge != nil {
			m := s.Merge.MergeStarted
			going = &m
			return
		}
		head = MergeStarted{Merge: s.Merges + 1, Commit: s.Head, Tree: s.HeadTree}
		for _, t := range accepted(urgent(e.plan.Tasks(), e.workers()), s) {
			waiting = append(waiting, waiter{t, s.Task(t.ID).clone(), since(e.plan, s, s.Task(t.ID).After)})
		}
	})
	if err != nil || going != nil || len(waiting) == 0 {
		return going, err
	}
	if head.Commit == "" {
		head.Commit, head.Tree = waiting[0].st.Base, waiting[0].st.BaseTree
	}
	back, err := e.line(ctx, &head, waiting)
	if err != nil {
		return nil, err
	}
	facts := make([]Fact, 0, len(back)+1)
	for _, r := range back {
		facts = append(facts, r)
	}
	if len(head.Items) == 0 {
		return nil, e.Writer.Record(ctx, facts...)
	}
	return &head, e.Writer.Record(ctx, append(facts, head)...)
}

// theBranch is what the branch is called in a merge; sideOf is what a task is.
const theBranch = "the branch"

func sideOf(id planner.TaskID) string { return "task " + string(id) }

// waiter is a task whose candidate waits, with the gates of what was committed since it began.
type waiter struct {
	task  planner.Task
	st    TaskState
	since []planner.GateID
}

// since lists the gates of the tasks that were done after the first n, in plan order.
func since(p *planner.Plan, s *State, n int) []planner.GateID {
	var out []planner.GateID
	for _, t := range doneAfter(p, s, n) {
		out = append(out, t.Gates...)
	}
	return out
}

// doneAfter lists the tasks that were done after the first n, in plan order.
func doneAfter(p *planner.Plan, s *State, n int) []planner.Task {
	var out []planner.Task
	for _, t := range p.Tasks() {
		if st, ok := s.Tasks[t.ID]; ok && st.State == TaskIsDone && st.Nth > n {
			out = append(out, t)
		}
	}
	return out
}

// line merges one candidate after the other into the head's tree, and returns those that must go back.
func (e *Engine) line(ctx context.Context, head *MergeStarted, waiting []waiter) ([]TaskRebased, error) {
	var back []TaskRebased
	tree := head.Tree
	for _, w := range waiting {
		if len(head.Items) == mostMerged {
			break
		}
		m, err := e.mergeOne(ctx, w, tree)
		if err == nil && len(m.Conflicts) > 0 && tree != head.Tree { // with a companion, or with the branch?
			if m, err = e.mergeOne(ctx, w, head.Tree); err == nil && len(m.Conflicts) == 0 {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		merged, err := e.keep(ctx, m.Tree)
		if err != nil {
			return nil, err
		}
		if len(m.Conflicts) > 0 {
			why, err := conflictFeedback(ctx, e.Blobs, theBranch, m.Conflicts)
			if err != nil {
				return nil, err
			}
			back = append(back, TaskRebased{
				Task: w.task.ID, Commit: head.Commit, Tree: head.Tree, Start: merged,
				Conflicts: m.Conflicts, Gates: w.since, Reason: why,
			})
			continue
		}
		head.Items = append(head.Items, MergeItem{Task: w.task.ID, Candidate: w.st.Accepted, Tree: merged})
		tree = merged
	}
	return back, nil
}

// mergeOne merges a candidate into a tree.
func (e *Engine) mergeOne(ctx context.Context, w waiter, into checkpoint.Hash) (merged, error) {
	var trees [3]Manifest
	for i, h := range []checkpoint.Hash{w.st.BaseTree, into, w.st.Accepted} {
		m, err := e.fetch(ctx, h)
		if err != nil {
			return merged{}, err
		}
		trees[i] = m
	}
	if w.st.BaseTree == into {
		return merged{Tree: trees[2]}, nil
	}
	m, err := mergeTrees(ctx, e.Blobs, mergeInput{
		Base: trees[0], Ours: trees[1], Theirs: trees[2],
		OursName: theBranch, TheirsName: sideOf(w.task.ID), Shared: e.plan.Shared,
	})
	if err != nil {
		return merged{}, fmt.Errorf("merge %s: %w", w.task.ID, err)
	}
	return m, nil
}
