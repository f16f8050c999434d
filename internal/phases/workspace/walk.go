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

// Limits bound a tree. Zero values mean the defaults.
type Limits struct {
	Files     int   // default 50,000
	FileBytes int64 // of one file; default 64 MiB
	Bytes     int64 // of all files; default 2 GiB
	Depth     int   // of folders; default 64
}

func (l Limits) withDefaults() Limits {
	if l.Files <= 0 {
		l.Files = 50_000
	}
	if l.FileBytes <= 0 {
		l.FileBytes = 64 << 20
	}
	if l.Bytes <= 0 {
		l.Bytes = 2 << 30
	}
	if l.Depth <= 0 {
		l.Depth = 64
	}
	return l
}

// found is something in a folder: a file of any kind, or a folder that is not entered because of
// what is wrong with it.
type found struct {
	path string
	info fs.FileInfo
	bad  string // why it may not be in a tree; "" for what may
}

// walk lists a folder without following links. It stops at the limits with a *phases.TreeProblem.
type walk struct {
	limits Limits
	skip   func(name string) bool                                                                 // names in the root that are not ours to see; nil: none
	rules  func(ctx context.Context, dir string, d *os.Root, names []fs.DirEntry) ([]byte, error) // content of the .gitignore in dir

	out     []found
	folders []string // entered, each before those in it
}

// enter lists folder dir, opened as d, with the rules of the folders above.
func (w *walk) enter(ctx context.Context, d *os.Root, dir string, depth int, r rules) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := list(d)
	if err != nil {
		return fmt.Errorf("list %q: %w", dir, err)
	}
	ignore, err := w.rules(ctx, dir, d, entries)
	if err != nil {
		return fmt.Errorf("read %s: %w", path.Join(dir, ignoreFile), err)
	}
	if ignore != nil {
		r = r.with(dir, ignore)
	}
	for _, e := range entries {
		if dir == "" && w.skip != nil && w.skip(e.Name()) || r.ignored(path.Join(dir, e.Name()), e.IsDir()) {
			continue
		}
		if err := w.visit(ctx, d, dir, e, depth, r); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) visit(ctx context.Context, d *os.Root, dir string, e fs.DirEntry, depth int, r rules) error {
	at := path.Join(dir, e.Name())
	info, err := e.Info() // taken with the names: a folder of a Root has looked already
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %q: %w", at, err)
	}
	f := found{path: at, info: info}
	if err := phases.CheckPath(at); err != nil {
		f.bad = err.Error()
	}
	if !info.IsDir() || f.bad != "" {
		return w.add(f)
	}
	if depth >= w.limits.Depth {
		f.bad = fmt.Sprintf("more than %d folders deep", w.limits.Depth)
		return w.add(f)
	}
	sub, err := d.OpenRoot(e.Name())
	if errors.Is(err, fs.ErrPermission) {
		f.bad = "folder cannot be entered"
		return w.add(f)
	}
	if err != nil {
		return fmt.Errorf("enter %q: %w", at, err)
	}
	w.folders = append(w.folders, at)
	return errors.Join(w.enter(ctx, sub, at, depth+1, r), sub.Close())
}

func (w *walk) add(f found) error {
	if len(w.out) >= w.limits.Files {
		return &phases.TreeProblem{Path: f.path, What: fmt.Sprintf("more than %d files", w.limits.Files)}
	}
	w.out = append(w.out, f)
	return nil
}

// list reads a folder, sorted by name.
func list(d *os.Root) ([]fs.DirEntry, error) {
	f, err := d.Open(".")
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// rulesOnDisk reads the .gitignore that stands in a folder, where its names hold one.
func rulesOnDisk(_ context.Context, _ string, d *os.Root, entries []fs.DirEntry) ([]byte, error) {
	_, ok := slices.BinarySearchFunc(entries, ignoreFile, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
	if !ok {
		return nil, nil
	}
	return readRules(d)
}

// readRules reads the .gitignore in a folder; nil where there is none. One that is no plain file, or too large, has no rules.
func readRules(d *os.Root) ([]byte, error) {
	info, err := d.Lstat(ignoreFile)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	content, err := readFile(d, ignoreFile, maxIgnore)
	if errors.Is(err, errTooLarge) {
		return nil, nil
	}
	return content, err
}

// noRules sees everything.
func noRules(context.Context, string, *os.Root, []fs.DirEntry) ([]byte, error) { return nil, nil }
