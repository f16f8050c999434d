package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
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
	if err != nil || kind != plumbing.CommitObject && kind != plumbing.TreeObject && kind != plumbing.BlobObject && kind != plumbing.TagObject {
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

// Finish sets the references, among them the branch, which MUST have no commit yet, after every object
// that they need was found and held against its id. Then it brings the branch's tree to the folder,
// which MUST be empty, and looks at its links. checkpoint.ErrCorrupt for what no build could have made.
func (a *Adopter) Finish(ctx context.Context, refs map[string]string) error {
	if err := a.flush(); err != nil {
		return err
	}
	if err := checkRefs(refs); err != nil {
		return err
	}
	h := &History{a.repo}
	if err := h.Objects(ctx, slices.Sorted(maps.Values(refs)), func(Object) error { return nil }); err != nil {
		return fmt.Errorf("take over history: %w", err)
	}
	head, ok := refs[branch]
	if !ok {
		return fmt.Errorf("take over history: %w: there is no branch %s", checkpoint.ErrCorrupt, branch)
	}
	if err := a.refs(refs); err != nil {
		return err
	}
	a.repo.mu.Lock()
	err := a.repo.moveRef(ctx, "", head)
	a.repo.mu.Unlock()
	if err != nil {
		return err
	}
	_, tree, err := a.repo.Head(ctx)
	if err != nil {
		return err
	}
	edited, err := a.repo.Checkout(ctx, nil, tree)
	if err == nil && len(edited) > 0 {
		err = fmt.Errorf("take over history: %w: %s", ErrForeignFiles, some(edited))
	}
	return errors.Join(err, a.links(ctx, tree))
}

// links refuses links that no scratch tree may have: one that leads out would let agents out.
func (a *Adopter) links(ctx context.Context, tree phases.Manifest) (err error) {
	root, err := os.OpenRoot(a.repo.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	for _, e := range tree {
		if e.Mode != phases.ModeSymlink {
			continue
		}
		target, err := a.repo.blobs.Get(ctx, e.Blob)
		if err != nil {
			return err
		}
		if why := checkLink(root, e.Path, string(target)); why != "" {
			return fmt.Errorf("%w: %q: %s", checkpoint.ErrCorrupt, e.Path, why)
		}
	}
	return nil
}
