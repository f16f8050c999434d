package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// Index brings git's index to the tree of a commit of what lies in the user's folder already: on all
// paths that are otherwise in one of the trees before. The folder is left alone. It may be done again.
func (r *Repo) Index(ctx context.Context, to phases.Manifest, before ...phases.Manifest) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.bringIndex(ctx, to, before); err != nil {
		return fmt.Errorf("update index: %w", err)
	}
	return nil
}

func (r *Repo) bringIndex(ctx context.Context, to phases.Manifest, before []phases.Manifest) (err error) {
	if err := checkHead(r.git); err != nil {
		return err
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	var changes []phases.Change
	seen := map[string]bool{}
	for _, m := range before {
		for _, ch := range phases.Diff(m, to) {
			if !seen[ch.Path] {
				changes = append(changes, ch)
			}
			seen[ch.Path] = true
		}
	}
	return r.updateIndex(ctx, root, to, changes, nil)
}

// updateIndex brings git's index to tree to, with the stat data of the files as they lie there, so
// that `git status` reads none of them. What the user has staged on other paths stays. A path that
// the user has edited gets no stat data: git then looks, and shows it.
func (r *Repo) updateIndex(ctx context.Context, root *os.Root, to phases.Manifest, changes []phases.Change, edited []string) error {
	old, ok, err := r.readIndex()
	if err != nil {
		return err
	}
	if ok && len(changes) == 0 {
		return nil
	}
	if !ok { // all of it is new
		changes = phases.Diff(nil, to)
	}
	changed := make(map[string]bool, len(changes))
	for _, ch := range changes {
		changed[ch.Path] = true
	}
	next := &index.Index{Version: 2}
	for _, e := range old.Entries {
		if !changed[e.Name] {
			next.Entries = append(next.Entries, e)
		}
	}
	for _, ch := range changes {
		if ch.To.Path == "" {
			continue
		}
		e, err := r.indexEntry(ctx, root, ch.To, slices.Contains(edited, ch.Path))
		if err != nil {
			return err
		}
		next.Entries = append(next.Entries, e)
	}
	next.Entries = dropConflicts(next.Entries, byPath(to))
	var b bytes.Buffer
	if err := index.NewEncoder(&b).Encode(next); err != nil {
		return err
	}
	return r.replace(ctx, "index", b.Bytes(), func() error { return errors.Join(r.step("index locked"), faultpoint.At("index.rename")) })
}

// dropConflicts leaves out entries that are a file where the tree has a folder, or below a file.
func dropConflicts(entries []*index.Entry, to map[string]phases.Entry) []*index.Entry {
	folders := map[string]bool{}
	for at := range to {
		for i := range len(at) {
			if at[i] == '/' {
				folders[at[:i]] = true
			}
		}
	}
	return slices.DeleteFunc(entries, func(e *index.Entry) bool {
		if folders[e.Name] {
			return true
		}
		for i := range len(e.Name) {
			if _, file := to[e.Name[:i]]; file && e.Name[i] == '/' {
				return true
			}
		}
		return false
	})
}

// readIndex reads the index; false when there is none, or one that has to be made again.
func (r *Repo) readIndex() (*index.Index, bool, error) {
	raw, err := os.ReadFile(filepath.Join(r.git, "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return &index.Index{}, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	idx := &index.Index{}
	if err := index.NewDecoder(bytes.NewReader(raw)).Decode(idx); err != nil {
		return &index.Index{}, false, nil //nolint:nilerr // a damaged index holds nothing that the trees do not
	}
	return idx, true, nil
}

func (r *Repo) indexEntry(ctx context.Context, root *os.Root, e phases.Entry, edited bool) (*index.Entry, error) {
	id, err := r.blobID(ctx, e)
	if err != nil {
		return nil, err
	}
	out := &index.Entry{Name: e.Path, Hash: id, Mode: filemode.FileMode(e.Mode)}
	if edited {
		return out, nil
	}
	info, err := root.Lstat(e.Path)
	if errors.Is(err, fs.ErrNotExist) || err != nil && strings.Contains(err.Error(), syscall.ENOTDIR.Error()) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	// A file that is not the tree's gets no stat data either: the index may be made anew over edits.
	same, err := r.holds(root, e, info)
	st, ok := info.Sys().(*syscall.Stat_t)
	if err != nil || !same || !ok {
		return out, err
	}
	out.CreatedAt, out.ModifiedAt = changeTime(st), info.ModTime()
	out.Dev, out.Inode, out.UID, out.GID = uint32(st.Dev), uint32(st.Ino), st.Uid, st.Gid
	out.Size = uint32(info.Size())
	return out, nil
}
