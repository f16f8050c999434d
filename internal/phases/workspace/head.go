package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// Head implements [phases.Repo]. The content of the tree's files is among the blobs afterwards.
func (r *Repo) Head(ctx context.Context) (string, phases.Manifest, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, err := r.readRef()
	if err != nil || id == "" {
		return "", nil, err
	}
	if r.head.commit != id {
		tree, err := r.readTree(ctx, id)
		if err != nil {
			return "", nil, fmt.Errorf("read commit %s: %w", id, err)
		}
		r.head = headTree{commit: id, tree: tree}
	}
	return id, slices.Clone(r.head.tree), nil
}

// At is the commit that the branch is at; "" before the first.
func (r *Repo) At() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readRef()
}

// readTree makes a manifest of a commit's tree and stores what its files hold.
func (r *Repo) readTree(ctx context.Context, commit string) (phases.Manifest, error) {
	c, err := object.GetCommit(r.store, plumbing.NewHash(commit))
	if err != nil {
		return nil, err
	}
	rd := &treeReader{repo: r, modes: map[filemode.FileMode]uint32{
		filemode.Regular: phases.ModeFile, filemode.Executable: phases.ModeExecutable, filemode.Symlink: phases.ModeSymlink,
	}}
	if err := rd.folder(ctx, c.TreeHash, ""); err != nil {
		return nil, err
	}
	if err := rd.flush(ctx); err != nil {
		return nil, err
	}
	r.stored[c.Hash] = true
	slices.SortFunc(rd.out, func(a, b phases.Entry) int { return strings.Compare(a.Path, b.Path) })
	if err := rd.out.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return rd.out, nil
}

// treeReader gathers the entries of a tree of git's.
type treeReader struct {
	repo  *Repo
	modes map[filemode.FileMode]uint32
	out   phases.Manifest

	pending [][]byte
	waiting []int // of out
	ids     []plumbing.Hash
	size    int
}

func (t *treeReader) folder(ctx context.Context, id plumbing.Hash, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tree, err := object.GetTree(t.repo.store, id)
	if err != nil {
		return err
	}
	t.repo.stored[id] = true
	for _, e := range tree.Entries {
		at := path.Join(dir, e.Name)
		if e.Mode == filemode.Dir {
			if err := t.folder(ctx, e.Hash, at); err != nil {
				return err
			}
			continue
		}
		mode, ok := t.modes[e.Mode]
		if !ok {
			return fmt.Errorf("%w: %q has mode %v", ErrUnsupported, at, e.Mode)
		}
		if err := t.file(ctx, e.Hash, phases.Entry{Path: at, Mode: mode}); err != nil {
			return fmt.Errorf("read %q: %w", at, err)
		}
	}
	return nil
}

func (t *treeReader) file(ctx context.Context, id plumbing.Hash, e phases.Entry) error {
	c, err := t.repo.readBlob(id)
	if err != nil {
		return err
	}
	e.Size = int64(len(c))
	t.out = append(t.out, e)
	t.pending, t.waiting, t.ids, t.size = append(t.pending, c), append(t.waiting, len(t.out)-1), append(t.ids, id), t.size+len(c)
	if len(t.pending) < batchFiles && t.size < batchBytes {
		return nil
	}
	return t.flush(ctx)
}

func (t *treeReader) flush(ctx context.Context) error {
	hashes, err := checkpoint.PutAll(ctx, t.repo.blobs, t.pending)
	if err != nil {
		return err
	}
	for i, h := range hashes {
		t.out[t.waiting[i]].Blob = h
		t.repo.ids[h] = t.ids[i]
		t.repo.stored[t.ids[i]] = true
	}
	t.pending, t.waiting, t.ids, t.size = nil, nil, nil, 0
	return nil
}

func (r *Repo) readBlob(id plumbing.Hash) ([]byte, error) {
	o, err := r.store.EncodedObject(plumbing.BlobObject, id)
	if err != nil {
		return nil, err
	}
	if o.Size() > r.limits.FileBytes {
		return nil, errTooLarge
	}
	rd, err := o.Reader()
	if err != nil {
		return nil, err
	}
	c, err := io.ReadAll(rd)
	return c, errors.Join(err, rd.Close())
}
