package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/phases"
)

// errWide says that more than the named files decides what the tree is now.
var errWide = errors.New("more than these files must be looked at")

// Rescan implements [phases.Trees]. It looks at the named files and the rules above them, and does not tell when
// a rule, a folder, or the place of a folder is among them, a new name meets links or one that differs in case, or
// there is something to say against the tree.
func (t *Trees) Rescan(ctx context.Context, dir string, base phases.Manifest, paths []string, store bool) (phases.Manifest, bool, error) {
	if len(paths) == 0 {
		return base, true, nil
	}
	m, err := t.rescan(ctx, dir, base, slices.Compact(slices.Sorted(slices.Values(paths))), store)
	if bad := (*phases.TreeProblem)(nil); errors.Is(err, errWide) || errors.As(err, &bad) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("scan tree: %w", err)
	}
	return m, true, nil
}

func (t *Trees) rescan(ctx context.Context, dir string, base phases.Manifest, paths []string, store bool) (m phases.Manifest, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	var there []found
	for _, p := range paths {
		if misplaced(base, p) || confusing(base, p) {
			return nil, errWide
		}
		f, ok, err := t.lookFor(root, p)
		if err != nil {
			return nil, err
		}
		if _, was := base.Find(p); was && !ok {
			if _, err := root.Lstat(p); err == nil { // ignored, and in the tree all the same
				return nil, errWide
			}
		}
		if ok {
			there = append(there, f)
		}
	}
	s := &scan{root: root, limits: t.limits, cache: &statCache{}} // that of dir knows what is stored
	if store {
		s.cache, s.blobs = t.cache(dir), t.blobs
	}
	now, err := s.all(ctx, there)
	if err != nil {
		return nil, err
	}
	m = patched(base, paths, now)
	return m, t.fits(m)
}

// lookFor finds what stands at a path, unless it is ignored or not there. Where the folders above are
// not all folders, or a scan would judge the path by more than the rules above it, it is errWide.
func (t *Trees) lookFor(root *os.Root, at string) (f found, ok bool, err error) {
	if phases.CheckPath(at) != nil || path.Base(at) == ignoreFile || strings.Count(at, "/") > t.limits.Depth {
		return found{}, false, errWide
	}
	d, err := root.OpenRoot(".")
	if err != nil {
		return found{}, false, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var r rules
	for end := 0; ; {
		if r, err = rulesIn(d, at[:max(end-1, 0)], r); err != nil {
			return found{}, false, err
		}
		name, _, below := strings.Cut(at[end:], "/")
		info, err := d.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !below:
			return found{}, false, nil
		case err != nil || info.IsDir() != below:
			return found{}, false, errWide
		case r.ignored(at[:end+len(name)], below):
			return found{}, false, nil
		case !below:
			return found{path: at, info: info}, true, nil
		}
		next, err := d.OpenRoot(name)
		if err != nil {
			return found{}, false, errWide
		}
		d, err = next, d.Close()
		if err != nil {
			return found{}, false, err
		}
		end += len(name) + 1
	}
}

// rulesIn adds the rules of the .gitignore in d, the folder called dir.
func rulesIn(d *os.Root, dir string, r rules) (rules, error) {
	content, err := readRules(d)
	if err != nil {
		return r, fmt.Errorf("read %s: %w", path.Join(dir, ignoreFile), err)
	}
	if content == nil {
		return r, nil
	}
	return r.with(dir, content), nil
}

// patched is base with what now stands at paths in the place of what stood there.
func patched(base phases.Manifest, paths []string, now phases.Manifest) phases.Manifest {
	out := make(phases.Manifest, 0, len(base)+len(now))
	for _, e := range base {
		if !slices.Contains(paths, e.Path) {
			out = append(out, e)
		}
	}
	for _, e := range now {
		i, _ := out.Index(e.Path)
		out = slices.Insert(out, i, e)
	}
	return out
}

// misplaced says that base has a file where the path needs a folder, or a folder in the path's place.
func misplaced(base phases.Manifest, at string) bool {
	for i := range len(at) {
		if at[i] != '/' {
			continue
		}
		if _, file := base.Find(at[:i]); file {
			return true
		}
	}
	below := at + "/"
	i, _ := base.Index(below)
	return i < len(base) && strings.HasPrefix(base[i].Path, below)
}

// confusing says of a new path that base has links, which it may make lead elsewhere, or a name that some file
// systems take for one of its own.
func confusing(base phases.Manifest, at string) bool {
	if _, known := base.Find(at); known {
		return false
	}
	for _, e := range base {
		if e.Mode == phases.ModeSymlink || partByCase(at, e.Path) {
			return true
		}
	}
	return false
}

// partByCase says whether the first names in which two paths differ differ in nothing but case.
func partByCase(a, b string) bool {
	for {
		x, restA, moreA := strings.Cut(a, "/")
		y, restB, moreB := strings.Cut(b, "/")
		if x != y {
			return strings.EqualFold(x, y)
		}
		if !moreA || !moreB {
			return false
		}
		a, b = restA, restB
	}
}

// fits looks at the limits of a whole tree. What a scan would say of one that breaks them, a scan says.
func (t *Trees) fits(m phases.Manifest) error {
	var bytes int64
	for _, e := range m {
		bytes += e.Size
	}
	if len(m) > t.limits.Files || bytes > t.limits.Bytes {
		return errWide
	}
	return nil
}
