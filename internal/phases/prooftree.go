package phases

import (
	"context"
	"fmt"
	"os"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// proofTree is a folder with a fresh candidate in it, made when the first gate really runs. Gates
// that the journal answers leave nothing in it, so those that later gates feed on run again first.
type proofTree struct {
	trees   Trees
	gates   Gates
	project string
	m       Manifest
	id      checkpoint.Hash
	dir     string
	made    bool
	skipped []planner.Gate
}

// recalled notes a gate that the journal answered.
func (t *proofTree) recalled(g planner.Gate) {
	if !t.made && feeds(g) {
		t.skipped = append(t.skipped, g)
	}
}

// run runs g in the tree.
func (t *proofTree) run(ctx context.Context, g planner.Gate) (GateReport, error) {
	if err := t.make(ctx); err != nil {
		return GateReport{}, err
	}
	return t.gate(ctx, g)
}

func (t *proofTree) make(ctx context.Context) error {
	if t.made {
		return nil
	}
	if err := os.RemoveAll(t.dir); err != nil {
		return fmt.Errorf("clear candidate: %w", err)
	}
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return fmt.Errorf("make candidate: %w", err)
	}
	if err := t.trees.Materialise(ctx, t.m, t.dir, true); err != nil {
		return fmt.Errorf("materialise candidate: %w", err)
	}
	t.made = true
	for _, g := range t.skipped {
		if _, err := t.gate(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// gate runs g; a gate that was cut by the end of ctx proves nothing and is an error.
func (t *proofTree) gate(ctx context.Context, g planner.Gate) (GateReport, error) {
	rep, err := t.gates.Run(ctx, GateRun{Gate: g, Tree: t.dir, Project: t.project})
	if ctx.Err() != nil {
		return GateReport{}, context.Cause(ctx)
	}
	if err != nil {
		return GateReport{}, fmt.Errorf("run gate %s: %w", g.ID, err)
	}
	return rep, nil
}

// remove deletes the folder; what cannot be deleted is found by `builder clean`.
func (t *proofTree) remove() {
	if t.made {
		_ = os.RemoveAll(t.dir)
	}
}
