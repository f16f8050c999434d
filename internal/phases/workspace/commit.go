package workspace

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// Prepare implements [phases.Repo]: the id that Commit will give. It writes nothing.
func (r *Repo) Prepare(ctx context.Context, d phases.CommitDraft) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	objects, err := r.objects(ctx, d)
	if err != nil {
		return "", fmt.Errorf("prepare commit: %w", err)
	}
	return objects[len(objects)-1].id.String(), nil
}

// Commit implements [phases.Repo].
func (r *Repo) Commit(ctx context.Context, chain ...phases.CommitDraft) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, err := r.commit(ctx, chain)
	if err != nil {
		return "", fmt.Errorf("commit: %w", err)
	}
	return id, nil
}

func (r *Repo) commit(ctx context.Context, chain []phases.CommitDraft) (string, error) {
	if len(chain) == 0 {
		return "", errors.New("nothing to commit")
	}
	var objects []gitObject
	id := chain[0].Parent
	for _, d := range chain {
		if d.Parent != id {
			return "", fmt.Errorf("the commit after %q starts at %q", id, d.Parent)
		}
		more, err := r.objects(ctx, d)
		if err != nil {
			return "", err
		}
		objects = append(objects, more...)
		id = more[len(more)-1].id.String()
	}
	at, err := r.readRef()
	if err != nil {
		return "", err
	}
	parent, last := chain[0].Parent, chain[len(chain)-1]
	if at == id { // moved by a process that may have been killed before it synced that
		if err := r.syncBranch(); err != nil {
			return "", err
		}
	} else {
		if at != parent {
			return "", fmt.Errorf("%w: it is at %q, the commit starts at %q", phases.ErrDiverged, at, parent)
		}
		if err := r.addNew(ctx, chain, objects); err != nil {
			return "", err
		}
		if err := r.moveRef(ctx, parent, id); err != nil {
			return "", err
		}
	}
	r.head = headTree{commit: id, tree: last.Tree}
	return id, nil
}

// addNew writes what the repository has not.
func (r *Repo) addNew(ctx context.Context, chain []phases.CommitDraft, objects []gitObject) error {
	if err := r.learn(chain[0].Parent); err != nil {
		return fmt.Errorf("read parent %s: %w", chain[0].Parent, err)
	}
	var add []gitObject
	taken := map[plumbing.Hash]bool{}
	want := func(id plumbing.Hash) bool {
		fresh := !r.stored[id] && !taken[id]
		taken[id] = true
		return fresh
	}
	for _, e := range contents(chain) {
		id, err := r.blobID(ctx, e)
		if err != nil {
			return err
		}
		if !want(id) {
			continue
		}
		c, err := r.blobs.Get(ctx, e.Blob)
		if err != nil {
			return fmt.Errorf("content of %q: %w", e.Path, err)
		}
		add = append(add, gitObject{id: id, kind: plumbing.BlobObject, raw: c})
	}
	for _, o := range objects {
		if want(o.id) {
			add = append(add, o)
		}
	}
	if len(add) == 0 {
		return nil
	}
	if err := r.writePack(add); err != nil {
		return err
	}
	faultpoint.Pass("commit.objects")
	return r.step("objects written")
}

// contents lists the entries of all trees of a chain, each tree's by what differs from the one before.
func contents(chain []phases.CommitDraft) []phases.Entry {
	out := slices.Clone(chain[0].Tree)
	for i := 1; i < len(chain); i++ {
		for _, c := range phases.Diff(chain[i-1].Tree, chain[i].Tree) {
			if c.To.Path != "" {
				out = append(out, c.To)
			}
		}
	}
	return out
}

// learn notes all objects of a commit as stored. What is not noted is only written once more.
func (r *Repo) learn(commit string) error {
	if commit == "" || r.stored[plumbing.NewHash(commit)] {
		return nil
	}
	c, err := object.GetCommit(r.store, plumbing.NewHash(commit))
	if err != nil {
		return err
	}
	if err := r.learnTree(c.TreeHash); err != nil {
		return err
	}
	r.stored[c.Hash] = true
	return nil
}

func (r *Repo) learnTree(id plumbing.Hash) error {
	if r.stored[id] {
		return nil
	}
	t, err := object.GetTree(r.store, id)
	if err != nil {
		return err
	}
	for _, e := range t.Entries {
		if !e.Mode.IsFile() {
			if err := r.learnTree(e.Hash); err != nil {
				return err
			}
		}
		r.stored[e.Hash] = true
	}
	r.stored[id] = true
	return nil
}

// moveRef moves the branch from one commit to the next under git's lock for it.
func (r *Repo) moveRef(ctx context.Context, from, to string) error {
	err := r.replace(ctx, branch, []byte(to+"\n"), func() error {
		at, err := r.readRef()
		if err != nil {
			return err
		}
		if at != from {
			return fmt.Errorf("%w: it is at %q, the commit starts at %q", phases.ErrDiverged, at, from)
		}
		return errors.Join(r.step("ref locked"), faultpoint.At("commit.before_ref"))
	})
	if err != nil {
		return fmt.Errorf("move branch: %w", err)
	}
	faultpoint.Pass("commit.after_ref")
	return r.step("ref moved")
}
