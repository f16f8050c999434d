package workspace

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// adoptBytes is how much of foreign objects is written as one pack.
const adoptBytes = 32 << 20

// Adopter puts the history of another repository into one that has none. Nothing shows before Finish.
type Adopter struct {
	repo    *Repo
	pending []gitObject
	size    int
}

// Adopt begins to take a history over.
func (r *Repo) Adopt() *Adopter { return &Adopter{repo: r} }

// Add takes an object. checkpoint.ErrCorrupt when it is not what its id says.
func (a *Adopter) Add(o Object) error {
	kind, err := plumbing.ParseObjectType(o.Kind)
	if err != nil || kind != plumbing.CommitObject && kind != plumbing.TreeObject && kind != plumbing.BlobObject {
		return fmt.Errorf("take over %.20q: %w: no kind of object", o.Kind, checkpoint.ErrCorrupt)
	}
	id := plumbing.ComputeHash(kind, o.Raw)
	if id.String() != o.ID {
		return fmt.Errorf("take over %s %.60q: %w: it is not what its name says", o.Kind, o.ID, checkpoint.ErrCorrupt)
	}
	if a.repo.stored[id] {
		return nil
	}
	a.repo.stored[id] = true
	a.pending, a.size = append(a.pending, gitObject{id: id, kind: kind, raw: o.Raw}), a.size+len(o.Raw)
	if a.size < adoptBytes {
		return nil
	}
	return a.flush()
}

func (a *Adopter) flush() error {
	if len(a.pending) == 0 {
		return nil
	}
	if err := a.repo.writePack(a.pending); err != nil {
		return fmt.Errorf("take over objects: %w", err)
	}
	a.pending, a.size = nil, 0
	return nil
}

// Finish moves the branch, which MUST have no commit yet, to head, after every object that head needs
// was found and held against its id. Then it brings head's tree to the folder; paths that are there
// already and differ are returned and left.
func (a *Adopter) Finish(ctx context.Context, head string) (edited []string, err error) {
	if err := a.flush(); err != nil {
		return nil, err
	}
	h := &History{a.repo}
	if err := h.Objects(ctx, []string{head}, func(Object) error { return nil }); err != nil {
		return nil, fmt.Errorf("take over history: %w", err)
	}
	a.repo.mu.Lock()
	err = a.repo.moveRef(ctx, "", head)
	a.repo.mu.Unlock()
	if err != nil {
		return nil, err
	}
	_, tree, err := a.repo.Head(ctx)
	if err != nil {
		return nil, err
	}
	return a.repo.Checkout(ctx, nil, tree)
}
