package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/seed-c331f47d/builder/internal/phases"
)

// Edit is a path of the user's folder that is not as in a tree.
type Edit struct {
	Path string
	How  string // "changed", "added" or "deleted"
}

// Edits lists what differs between the user's folder and a tree; see Dirty.
func (r *Repo) Edits(ctx context.Context, m phases.Manifest) (out []Edit, err error) {
	paths, err := r.Dirty(ctx, m)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return nil, fmt.Errorf("look for changes: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	in := byPath(m)
	out = make([]Edit, len(paths))
	for i, p := range paths {
		out[i] = Edit{Path: p, How: "changed"}
		_, err := lstat(root, p)
		switch _, known := in[p]; {
		case !known:
			out[i].How = "added"
		case errors.Is(err, fs.ErrNotExist):
			out[i].How = "deleted"
		}
	}
	return out, nil
}

// lstat looks at a path whose folders are folders: what stands below a link is not there.
func lstat(root *os.Root, at string) (fs.FileInfo, error) {
	if dir := path.Dir(at); dir != "." {
		info, err := lstat(root, dir)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("look at %q: %w", at, fs.ErrNotExist)
		}
	}
	return root.Lstat(at)
}

// Folder is the user's folder as a tree: what it has that is not ignored, and of m also what is
// ignored and there. What may not be in a tree is a *phases.TreeProblem.
func (r *Repo) Folder(ctx context.Context, m phases.Manifest) (phases.Manifest, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out, err := r.folder(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	return out, nil
}

func (r *Repo) folder(ctx context.Context, m phases.Manifest) (out phases.Manifest, err error) {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	w, err := r.walkFolder(ctx, root, r.limits)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, f := range w.out {
		seen[f.path] = true
	}
	for _, e := range m { // in the tree already, though ignored by now
		if seen[e.Path] {
			continue
		}
		if info, err := lstat(root, e.Path); err == nil && !info.IsDir() {
			w.out = append(w.out, found{path: e.Path, info: info})
		}
	}
	s := &scan{root: root, limits: r.limits, cache: &statCache{}, blobs: r.blobs}
	return s.all(ctx, w.out)
}

// maxAbove bounds how many commits are looked through.
const maxAbove = 10_000

// Above lists the commits that head has and base has not, newest first; false when base is not
// among head's ancestors: then history was rewritten.
func (r *Repo) Above(_ context.Context, base, head string) ([]Commit, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if base == head {
		return nil, true, nil
	}
	end := plumbing.NewHash(base)
	seen := map[plumbing.Hash]bool{end: true}
	todo := []plumbing.Hash{plumbing.NewHash(head)}
	reached := false
	var out []Commit
	for len(todo) > 0 {
		id := todo[0]
		todo = todo[1:]
		if seen[id] {
			continue
		}
		seen[id] = true
		if len(out) >= maxAbove {
			return nil, false, nil
		}
		c, err := object.GetCommit(r.store, id)
		if err != nil {
			return nil, false, fmt.Errorf("read commit %s: %w", id, err)
		}
		out = append(out, commitOf(c))
		for _, p := range c.ParentHashes {
			reached = reached || p == end
			todo = append(todo, p)
		}
	}
	return out, reached, nil
}
