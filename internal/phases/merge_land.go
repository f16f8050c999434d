package phases

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// land commits what is good, brings the user's folder to it, sends the item after it back, and closes
// the merge. Nobody starts a task from the branch meanwhile.
func (b *batch) land() error {
	defer b.engine.lockBranch()()
	facts, head, err := b.commit()
	if err != nil {
		return err
	}
	if len(b.why) > 0 {
		facts = append(facts, b.sendBack(head))
	}
	if err := faultpoint.At("done.before_tx"); err != nil {
		return err
	}
	defer faultpoint.Pass("done.after_tx")
	return b.engine.Writer.Record(b.ctx, append(facts, MergeFinished{Merge: b.Merge, Red: b.before})...)
}

// commit puts the good items on the branch and into the user's folder, and returns the records that
// say so and the newest commit. The ids follow from records, so doing it again gives the same ids.
func (b *batch) commit() ([]Fact, string, error) {
	if b.good == 0 {
		return nil, b.Commit, nil
	}
	op := b.at.next()
	chain, ids, err := b.chain(op)
	if err != nil {
		return nil, "", err
	}
	head := ids[len(ids)-1]
	if err := b.commitOnce(op, chain, ids); err != nil {
		return nil, "", err
	}
	tree, _ := b.treeAt(b.good)
	edits, err := b.checkoutOnce(b.at.next(), head, tree)
	if err != nil {
		return nil, "", err
	}
	var facts []Fact
	for i, it := range b.items[:b.good] {
		before, _ := b.treeAt(i)
		facts = append(facts, TaskDone{Task: it.Task, Commit: ids[i], Tree: it.Tree, Edits: among(edits, Changed(before, it.tree))})
	}
	return facts, head, nil
}

// among lists the edits that are to changed paths; nil for none.
func among(edits, changed []string) []string {
	var out []string
	for _, e := range edits {
		if _, ok := slices.BinarySearch(changed, e); ok {
			out = append(out, e)
		}
	}
	return out
}

// chain drafts a commit for each good item, and computes their ids.
func (b *batch) chain(op budget.Op) ([]CommitDraft, []string, error) {
	var author, planHash string
	if err := b.engine.Writer.View(b.ctx, func(s *State) { author, planHash = s.Build.Author, s.PlanHash }); err != nil {
		return nil, nil, err
	}
	var chain []CommitDraft
	var ids []string
	parent := b.Commit
	for _, it := range b.items[:b.good] {
		d := CommitDraft{
			Tree: it.tree, Parent: parent, Author: author, At: it.st.AcceptedAt,
			Message: message(b.engine.plan, it.task, op, it.st.Attempts, planHash),
		}
		id, err := b.engine.Repo.Prepare(b.ctx, d)
		if err != nil {
			return nil, nil, fmt.Errorf("prepare commit of %s: %w", it.Task, err)
		}
		chain, ids, parent = append(chain, d), append(ids, id), id
	}
	return chain, ids, nil
}

func (b *batch) commitOnce(op budget.Op, chain []CommitDraft, ids []string) error {
	detail, err := json.Marshal(map[string]any{"commits": ids, "parent": b.Commit})
	if err != nil {
		return fmt.Errorf("prepare merge %d: %w", b.Merge, err)
	}
	tasks := make([]string, len(chain))
	for i := range chain {
		tasks[i] = string(b.items[i].Task)
	}
	head := ids[len(ids)-1]
	eff := Effect{Op: op, Kind: EffectCommit, Name: strings.Join(tasks, " "), Tree: b.items[b.good-1].Tree, Request: sumOf(append([]string{"commit"}, ids...)...), Detail: detail}
	did, err := b.engine.door().Do(b.ctx, eff, func(ctx context.Context) (Did, error) {
		got, err := b.engine.Repo.Commit(ctx, chain...)
		if err != nil {
			return Did{}, fmt.Errorf("commit %s: %w", eff.Name, err)
		}
		raw, err := json.Marshal(got)
		return Did{Result: raw}, err
	})
	if err != nil {
		return err
	}
	return expect(did.Result, head)
}

// expect checks that a recalled or fresh commit id is the computed one.
func expect(raw json.RawMessage, id string) error {
	var got string
	if err := json.Unmarshal(raw, &got); err != nil {
		return fmt.Errorf("recall commit: %w: %w", checkpoint.ErrCorrupt, err)
	}
	if got != id {
		return fmt.Errorf("commit came out as %s, not as computed %s", got, id)
	}
	return nil
}

func (b *batch) checkoutOnce(op budget.Op, id string, to Manifest) ([]string, error) {
	eff := Effect{Op: op, Kind: EffectCheckout, Name: id, Request: sumOf("checkout", id)}
	did, err := b.engine.door().Do(b.ctx, eff, func(ctx context.Context) (Did, error) {
		edits, err := b.engine.Repo.Checkout(ctx, b.head, to)
		if err != nil {
			return Did{}, fmt.Errorf("check out %s: %w", id, err)
		}
		raw, err := json.Marshal(edits)
		return Did{Result: raw}, err
	})
	if err != nil {
		return nil, err
	}
	var edits []string
	if err := json.Unmarshal(did.Result, &edits); err != nil {
		return nil, fmt.Errorf("recall checkout: %w: %w", checkpoint.ErrCorrupt, err)
	}
	return edits, nil
}

// sendBack is the record that has the first item which is not good mended on the new branch. From now
// on its agent must also keep the gates green that it did not know of.
func (b *batch) sendBack(head string) TaskRebased {
	it := b.items[b.good]
	_, tree := b.treeAt(b.good)
	var gates []planner.GateID
	for _, t := range b.done {
		gates = append(gates, t.Gates...)
	}
	for _, o := range b.items[:b.good] {
		gates = append(gates, o.task.Gates...)
	}
	gates = slices.DeleteFunc(gates, func(id planner.GateID) bool { return slices.Contains(b.before, id) })
	v := verdictOf(b.why)
	return TaskRebased{
		Task: it.Task, Commit: head, Tree: tree, Start: it.Tree, Gates: gates,
		Reason: "Your work was accepted. Merged with what other tasks have committed meanwhile, these gates fail:\n" + v.Feedback,
	}
}
