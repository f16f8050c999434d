package phases

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// proofTree is a folder with a fresh candidate in it, made when the first gate really runs. Gates
// that the journal answers leave nothing in it, so those that later gates feed on run again first. A
// gate that only looks at files is given those files, until one needs the whole tree.
type proofTree struct {
	trees   Trees
	gates   Gates
	project string
	m       Manifest
	id      checkpoint.Hash
	dir     string
	begun   bool // something stands in dir
	made    bool // all of m, and what gates left
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
	if err := t.make(ctx, g); err != nil {
		return GateReport{}, err
	}
	return t.gate(ctx, g)
}

func (t *proofTree) make(ctx context.Context, g planner.Gate) error {
	if t.made {
		return nil
	}
	if !t.begun {
		if err := t.trees.Remove(t.dir); err != nil {
			return fmt.Errorf("clear candidate: %w", err)
		}
		t.begun = true
	}
	if part, ok := lookedAt(g, t.m); ok && len(t.skipped) == 0 {
		return t.lay(ctx, part)
	}
	if err := t.lay(ctx, t.m); err != nil {
		return err
	}
	t.made = true
	for _, g := range t.skipped {
		if _, err := t.gate(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

func (t *proofTree) lay(ctx context.Context, m Manifest) error {
	if err := t.trees.Materialise(ctx, m, t.dir, true); err != nil {
		return fmt.Errorf("materialise candidate: %w", err)
	}
	return nil
}

// lookedAt is the part of a tree on which a gate shows what it shows on the whole: the files that it
// names, and what is above or below their names. Only a gate that looks at files and changes none has
// such a part, and only in a tree without links, which may lead anywhere.
func lookedAt(g planner.Gate, m Manifest) (Manifest, bool) {
	if g.Kind != planner.GateFile || g.Dir != "" || len(g.Frozen) > 0 {
		return nil, false
	}
	names := make([]string, len(g.Files))
	for i, c := range g.Files {
		names[i] = path.Clean(c.Path)
	}
	var part Manifest
	for _, e := range m {
		if e.Mode == ModeSymlink {
			return nil, false
		}
		if slices.ContainsFunc(names, func(name string) bool { return inLine(e.Path, name) }) {
			part = append(part, e)
		}
	}
	return part, true
}

// seesSame says that a gate shows on one tree what it shows on the other, because all that it looks at is
// the same.
func seesSame(g planner.Gate, one, other Manifest) bool {
	a, ok1 := lookedAt(g, one)
	b, ok2 := lookedAt(g, other)
	return ok1 && ok2 && slices.Equal(a, b)
}

// inLine says that two paths are the same, or one is below the other.
func inLine(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return strings.HasPrefix(b, a) && (len(a) == len(b) || b[len(a)] == '/')
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
	if t.begun {
		_ = t.trees.Remove(t.dir)
	}
}
