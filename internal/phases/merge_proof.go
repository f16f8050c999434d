package phases

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// batch is a merge while its trees are proven: good counts the first items that can be committed,
// and why tells what the one after them is to mend.
type batch struct {
	MergeStarted
	engine *Engine
	ctx    context.Context
	head   Manifest
	items  []batchItem
	at     *attempt // of all proofs but those of single items
	good   int
	why    []red            // of items[good]; empty: it only waits
	before []planner.GateID // red before the merge already
	done   []planner.Task   // since the oldest base
}

// batchItem is a task of the merge with its merged tree.
type batchItem struct {
	MergeItem
	task planner.Task
	st   TaskState
	tree Manifest
}

// itemSteps is how far apart the ops of the items' own proofs begin: they run at the same time.
const itemSteps = 10_000

// load reads the trees, and which tasks have been done since the oldest base.
func (b *batch) load() (err error) {
	e := b.engine
	if b.head, err = e.fetch(b.ctx, b.Tree); err != nil {
		return err
	}
	oldest := -1
	err = e.Writer.View(b.ctx, func(s *State) {
		b.at = &attempt{build: s.Build.Build, task: MergeTask, number: b.Merge}
		for _, it := range b.Items {
			task, _ := e.plan.Task(it.Task)
			st := s.Task(it.Task).clone()
			b.items = append(b.items, batchItem{MergeItem: it, task: task, st: st})
			if oldest < 0 || st.After < oldest {
				oldest = st.After
			}
		}
		b.done = doneAfter(e.plan, s, oldest)
	})
	for i := range b.items {
		if err == nil {
			b.items[i].tree, err = e.fetch(b.ctx, b.items[i].Tree)
		}
	}
	b.good = len(b.items)
	return err
}

// prove finds how many of the items can be committed.
func (b *batch) prove() error {
	if err := b.proveItems(); err != nil {
		return err
	}
	for b.good > 0 {
		failed, err := b.proveOthers(b.good)
		if err != nil || len(failed) == 0 {
			return err
		}
		if err := b.trace(failed[0]); err != nil {
			return err
		}
	}
	return nil
}

// proveItems runs the gates of each task on its merged tree, several at a time. A tree that its
// attempt has proven already is not proven again.
func (b *batch) proveItems() error {
	reds, errs := make([][]red, len(b.items)), make([]error, len(b.items))
	slots := make(chan struct{}, b.engine.workers())
	var all sync.WaitGroup
	for i, it := range b.items {
		if it.Tree == it.Candidate {
			continue
		}
		all.Go(func() {
			defer bug.Catch(&errs[i])
			slots <- struct{}{}
			defer func() { <-slots }()
			at := *b.at
			at.step = (i + 1) * itemSteps
			p := b.prover(it.task, &at, fmt.Sprintf("%d", i+1))
			p.credit = it.task.ID
			reds[i], errs[i] = p.prove(b.ctx, it.tree, it.Tree, append(slices.Clone(it.task.Gates), it.st.Keep...))
		})
	}
	all.Wait()
	for i := range b.items {
		if len(reds[i]) > 0 && b.good > i {
			b.good, b.why = i, reds[i]
		}
	}
	return errors.Join(errs...)
}

func (b *batch) prover(task planner.Task, at *attempt, name string) *prover {
	e := b.engine
	dir := filepath.Join(e.Scratch, fmt.Sprintf("%s.%d.%s.proof", MergeTask, b.Merge, name))
	return &prover{door: e.door(), trees: e.Trees, gates: e.Gates, plan: e.plan, task: task, at: at, fresh: dir}
}

// treeAt is the tree with the first n items merged.
func (b *batch) treeAt(n int) (Manifest, checkpoint.Hash) {
	if n == 0 {
		return b.head, b.Tree
	}
	return b.items[n-1].tree, b.items[n-1].Tree
}

// proveOthers runs on the n-th tree the gates of all that went into it besides its own task, but for
// those that see no difference to the tree that they last were about.
func (b *batch) proveOthers(n int) ([]red, error) {
	tree, id := b.treeAt(n)
	own := b.items[n-1]
	var gates []planner.GateID
	news := false
	for i, t := range b.others(n) {
		before := b.head
		if i >= len(b.done) {
			before = b.items[i-len(b.done)].tree
		}
		for _, id := range t.Gates {
			g, ok := b.engine.plan.Gate(id)
			known := slices.Contains(own.task.Gates, id) || slices.Contains(own.st.Keep, id)
			if !ok || slices.Contains(b.before, id) || known && !feeds(g) || seesSame(g, before, tree) {
				continue
			}
			gates = append(gates, id)
			news = news || !known
		}
	}
	if !news {
		return nil, nil
	}
	return b.prover(own.task, b.at, "all").prove(b.ctx, tree, id, gates)
}

// others lists what has been done since the oldest base, and the items before the n-th.
func (b *batch) others(n int) []planner.Task {
	others := slices.Clone(b.done)
	for _, it := range b.items[:n-1] {
		others = append(others, it.task)
	}
	return others
}

// trace finds the first tree that a gate is red on: the task that was merged there goes back. One
// that is red on the branch as well was so before, and is nobody's doing here.
func (b *batch) trace(r red) error {
	gates := b.feeding(r.gate)
	green, bad := b.greenAt(r.gate), b.good
	if green == 0 {
		if is, err := b.redAt(0, r.gate, gates); err != nil || len(is) > 0 {
			b.before = append(b.before, r.gate)
			return err
		}
	}
	why := []red{r}
	for bad-green > 1 {
		mid := (green + bad) / 2
		is, err := b.redAt(mid, r.gate, gates)
		if err != nil {
			return err
		}
		if len(is) > 0 {
			bad, why = mid, is
		} else {
			green = mid
		}
	}
	b.good, b.why = green, why
	return nil
}

// greenAt is the tree from which on a gate is to be green: the branch, where a done task has it, else
// that of the first item that has it, which has been proven.
func (b *batch) greenAt(gate planner.GateID) int {
	has := func(t planner.Task) bool { return slices.Contains(t.Gates, gate) }
	if slices.ContainsFunc(b.done, has) {
		return 0
	}
	return slices.IndexFunc(b.items, func(it batchItem) bool { return has(it.task) }) + 1
}

// redAt says what is red on the n-th tree of what a gate needs, and of it.
func (b *batch) redAt(n int, gate planner.GateID, gates []planner.GateID) ([]red, error) {
	tree, id := b.treeAt(n)
	return b.prover(planner.Task{ID: MergeTask}, b.at, "trace").prove(b.ctx, tree, id, append(slices.Clone(gates), gate))
}

// feeding lists the gates that a gate feeds on, by a task that has it.
func (b *batch) feeding(gate planner.GateID) []planner.GateID {
	for _, t := range b.engine.plan.Tasks() {
		i := slices.Index(t.Gates, gate)
		if i < 0 {
			continue
		}
		return slices.DeleteFunc(slices.Clone(t.Gates[:i]), func(id planner.GateID) bool {
			g, ok := b.engine.plan.Gate(id)
			return !ok || !feeds(g)
		})
	}
	return nil
}
