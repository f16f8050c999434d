package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Branch is the full name of the branch that builds commit to.
const Branch = branch

// Refs are the repository's branches and tags, by full name; those whose names or targets this program
// would not write are in odd.
func (h *History) Refs() (refs map[string]string, odd []string, err error) {
	it, err := h.repo.store.IterReferences()
	if err != nil {
		return nil, nil, fmt.Errorf("list references: %w", err)
	}
	refs = map[string]string{}
	err = it.ForEach(func(r *plumbing.Reference) error {
		name := r.Name().String()
		switch {
		case name == "HEAD":
		case r.Type() == plumbing.HashReference && plainRef(name):
			refs[name] = r.Hash().String()
		default:
			odd = append(odd, name)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list references: %w", err)
	}
	slices.Sort(odd)
	return refs, odd, nil
}

// plainRef says whether a name is that of a branch or tag that can safely be a path: parts of letters,
// digits, dots, dashes and underscores that neither begin nor end with a dot, and are no lock's.
func plainRef(name string) bool {
	rest, ok := strings.CutPrefix(name, "refs/heads/")
	if !ok {
		rest, ok = strings.CutPrefix(name, "refs/tags/")
	}
	if !ok || len(rest) > 200 {
		return false
	}
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasPrefix(part, "-") || strings.HasSuffix(part, ".") || strings.HasSuffix(strings.ToLower(part), ".lock") || strings.Contains(part, "..") || strings.ContainsFunc(part, notInRef) {
			return false
		}
	}
	return true
}

func notInRef(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
		return false
	}
	return true
}

// Dirty lists what in the folder is not as in the newest commit, as [Repo.Dirty] does.
func (h *History) Dirty(ctx context.Context) ([]string, error) {
	id, err := h.Head()
	if err != nil || id == "" {
		return nil, err
	}
	tree, err := h.repo.readTree(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", id, err)
	}
	return h.repo.Dirty(ctx, tree)
}

// tag gives an annotated tag after what it names; false when id is none.
func (w *objectWalk) tag(ctx context.Context, id plumbing.Hash, depth int) (bool, error) {
	raw, err := w.history.raw(plumbing.TagObject, id)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t, err := object.GetTag(w.history.repo.store, id)
	if err != nil {
		return false, err
	}
	if w.seen[id] {
		return true, nil
	}
	w.seen[id] = true
	switch {
	case t.TargetType == plumbing.CommitObject:
		err = w.commits(ctx, t.Target)
	case t.TargetType == plumbing.TagObject && depth < 8:
		_, err = w.tag(ctx, t.Target, depth+1)
	default:
		err = fmt.Errorf("%w: tag %s names a %s", ErrUnsupported, id, t.TargetType)
	}
	if err != nil {
		return true, err
	}
	return true, w.fn(Object{Kind: "tag", ID: id.String(), Raw: raw})
}

// refs writes branches and tags besides the build's own.
func (a *Adopter) refs(refs map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		if name == branch {
			continue
		}
		path := filepath.Join(a.repo.git, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := writeSynced(path, []byte(refs[name]+"\n"), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := syncDirs(filepath.Dir(path)); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// checkRefs refuses names and targets that would be no references, or no files of their own.
func checkRefs(refs map[string]string) error {
	for name, id := range refs {
		if _, err := commitID(id); err != nil || !plainRef(name) {
			return fmt.Errorf("%w: reference %.100q to %.60q", checkpoint.ErrCorrupt, name, id)
		}
		for dir := filepath.Dir(name); dir != "refs"; dir = filepath.Dir(dir) {
			if _, ok := refs[dir]; ok {
				return fmt.Errorf("%w: reference %.100q stands below another", checkpoint.ErrCorrupt, name)
			}
		}
	}
	return nil
}
