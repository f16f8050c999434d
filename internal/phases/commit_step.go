package phases

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// commit puts the proven candidate on the user's branch and into the user's folder. The commit's
// id follows from the record that accepted the candidate, so doing it again gives the same id.
func (e *Engine) commit(ctx context.Context, task planner.Task, st TaskState, at *attempt) error {
	tree, err := fetch(ctx, e.Blobs, st.Accepted)
	if err != nil {
		return err
	}
	from, err := fetch(ctx, e.Blobs, st.BaseTree)
	if err != nil {
		return err
	}
	op := at.next()
	var author, planHash string
	if err := e.Writer.View(ctx, func(s *State) { author, planHash = s.Build.Author, s.PlanHash }); err != nil {
		return err
	}
	draft := CommitDraft{
		Tree: tree, Parent: st.Base, Author: author, At: st.AcceptedAt,
		Message: message(e.plan, task, op, st.Attempts, planHash),
	}
	id, err := e.commitOnce(ctx, op, draft, st.Accepted)
	if err != nil {
		return err
	}
	edits, err := e.checkoutOnce(ctx, at.next(), id, from, tree)
	if err != nil {
		return err
	}
	return e.Writer.Record(ctx, TaskDone{Task: task.ID, Commit: id, Tree: st.Accepted, Edits: edits})
}

func (e *Engine) commitOnce(ctx context.Context, op budget.Op, d CommitDraft, tree checkpoint.Hash) (string, error) {
	id, err := e.Repo.Prepare(ctx, d)
	if err != nil {
		return "", fmt.Errorf("prepare commit of %s: %w", op.Task, err)
	}
	detail, err := json.Marshal(map[string]string{"commit": id, "parent": d.Parent})
	if err != nil {
		return "", fmt.Errorf("prepare commit of %s: %w", op.Task, err)
	}
	eff := Effect{Op: op, Kind: EffectCommit, Name: op.Task, Tree: tree, Request: sumOf("commit", id), Detail: detail}
	did, err := e.door().Do(ctx, eff, func(ctx context.Context) (Did, error) {
		got, err := e.Repo.Commit(ctx, d)
		if err != nil {
			return Did{}, fmt.Errorf("commit %s: %w", op.Task, err)
		}
		raw, err := json.Marshal(got)
		return Did{Result: raw}, err
	})
	if err != nil {
		return "", err
	}
	return id, expect(did.Result, id)
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

func (e *Engine) checkoutOnce(ctx context.Context, op budget.Op, id string, from, to Manifest) ([]string, error) {
	eff := Effect{Op: op, Kind: EffectCheckout, Name: op.Task, Request: sumOf("checkout", id)}
	did, err := e.door().Do(ctx, eff, func(ctx context.Context) (Did, error) {
		edits, err := e.Repo.Checkout(ctx, from, to)
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
