package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-c331f47d/builder/internal/phases"
)

// Dirty lists the paths of the user's folder that are not as in m: changed, deleted, or there
// without being in m, unless ignored by the folder's .gitignore files or .git/info/exclude. What
// could never be in a tree is listed too.
func (r *Repo) Dirty(ctx context.Context, m phases.Manifest) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	paths, err := r.dirty(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("look for changes: %w", err)
	}
	return paths, nil
}

func (r *Repo) dirty(ctx context.Context, m phases.Manifest) (paths []string, err error) {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	w, err := r.walkFolder(ctx, root, Limits{Files: 1 << 31, Depth: 1 << 20})
	if err != nil {
		return nil, err
	}
	want := byPath(m)
	for _, f := range w.out {
		e, ok := want[f.path]
		if ok {
			ok, err = r.unchanged(root, e, f)
			if err != nil {
				return nil, fmt.Errorf("look at %q: %w", f.path, err)
			}
			delete(want, f.path)
		}
		if !ok {
			paths = append(paths, f.path)
		}
	}
	for _, e := range want { // gone, or ignored
		info, err := lstat(root, e.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			paths = append(paths, e.Path)
			continue
		}
		same := false
		if err == nil {
			if same, err = r.holds(root, e, info); err != nil {
				return nil, fmt.Errorf("look at %q: %w", e.Path, err)
			}
		}
		if !same {
			paths = append(paths, e.Path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// walkFolder lists what the user's folder has that is neither ignored nor the builder's or git's own.
func (r *Repo) walkFolder(ctx context.Context, root *os.Root, limits Limits) (*walk, error) {
	excluded, err := os.ReadFile(filepath.Join(r.git, "info", "exclude"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	w := &walk{limits: limits, rules: rulesOnDisk, skip: kept}
	return w, w.enter(ctx, root, "", 0, rules{}.with("", excluded))
}

// unchanged is holds with a memory.
func (r *Repo) unchanged(root *os.Root, e phases.Entry, f found) (bool, error) {
	if blob, ok := r.cache.find(f.path, f.info); ok {
		return blob == e.Blob && modeOf(f.info) == e.Mode, nil
	}
	at := time.Now()
	same, err := r.holds(root, e, f.info)
	if same && e.Mode != phases.ModeSymlink {
		r.cache.note(f.path, f.info, e.Blob, at)
	}
	return same, err
}
