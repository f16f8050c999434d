package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// Materialise implements [phases.Trees]. Without fresh, what m's own .gitignore files leave out stays,
// unless it is in the way. A crash leaves a folder that is neither; doing it again mends it.
func (t *Trees) Materialise(ctx context.Context, m phases.Manifest, dir string, fresh bool) error {
	if err := t.materialise(ctx, m, dir, fresh); err != nil {
		return fmt.Errorf("materialise tree: %w", err)
	}
	return nil
}

func (t *Trees) materialise(ctx context.Context, m phases.Manifest, dir string, fresh bool) (err error) {
	if err := m.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	p := &placing{root: root, blobs: t.blobs, cache: t.cache(dir), limits: t.limits, want: byPath(m), made: map[string]bool{}}
	w := &walk{limits: Limits{Files: 1 << 31, Depth: 1 << 20}, rules: noRules}
	if !fresh {
		w.rules = p.rulesOfTree
	}
	if err := w.enter(ctx, root, "", 0, rules{}); err != nil {
		return err
	}
	if err := p.clear(w); err != nil {
		return err
	}
	for _, e := range m {
		if err := p.place(ctx, e); err != nil {
			return fmt.Errorf("place %q: %w", e.Path, err)
		}
		faultpoint.Pass("tree.between_files")
	}
	return nil
}

func byPath(m phases.Manifest) map[string]phases.Entry {
	out := make(map[string]phases.Entry, len(m))
	for _, e := range m {
		out[e.Path] = e
	}
	return out
}

// placing brings one folder to one manifest.
type placing struct {
	root   *os.Root
	blobs  checkpoint.Blobs
	cache  *statCache
	limits Limits
	want   map[string]phases.Entry
	have   map[string]fs.FileInfo
	made   map[string]bool
}

// rulesOfTree gives the .gitignore that the manifest has in a folder, whatever stands on disk.
func (p *placing) rulesOfTree(ctx context.Context, dir string, _ *os.Root, _ []fs.DirEntry) ([]byte, error) {
	e, ok := p.want[path.Join(dir, ignoreFile)]
	if !ok || e.Mode == phases.ModeSymlink || e.Size > maxIgnore {
		return nil, nil
	}
	return p.blobs.Get(ctx, e.Blob)
}

// clear removes what is not wanted, and folders that nothing wanted is in.
func (p *placing) clear(w *walk) error {
	p.have = make(map[string]fs.FileInfo, len(w.out))
	for _, f := range w.out {
		if _, ok := p.want[f.path]; ok && f.bad == "" && !f.info.IsDir() {
			p.have[f.path] = f.info
			continue
		}
		if err := faultpoint.At("tree.delete"); err != nil {
			return fmt.Errorf("remove %q: %w", f.path, err)
		}
		if err := forceRemove(p.root, f.path); err != nil {
			return fmt.Errorf("remove %q: %w", f.path, err)
		}
	}
	needed := map[string]bool{}
	for at := range p.want {
		for dir := path.Dir(at); dir != "." && !needed[dir]; dir = path.Dir(dir) {
			needed[dir] = true
		}
	}
	for i := len(w.folders) - 1; i >= 0; i-- {
		dir := w.folders[i]
		if needed[dir] {
			if err := writable(p.root, dir); err != nil {
				return fmt.Errorf("open up %q: %w", dir, err)
			}
			continue
		}
		// One that holds ignored files is not empty, and stays.
		if err := p.root.Remove(dir); errors.Is(err, fs.ErrPermission) {
			if err := forceRemove(p.root, dir); err != nil {
				return fmt.Errorf("remove %q: %w", dir, err)
			}
		}
	}
	return nil
}

// place makes one path hold one entry, if it does not yet.
func (p *placing) place(ctx context.Context, e phases.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	same, err := p.holds(e)
	if err != nil || same {
		return err
	}
	if err := makeFolder(p.root, path.Dir(e.Path), p.made); err != nil {
		return err
	}
	if err := forceRemove(p.root, e.Path); err != nil {
		return err
	}
	c, err := p.blobs.Get(ctx, e.Blob)
	if err != nil {
		return err
	}
	at := time.Now()
	if e.Mode == phases.ModeSymlink {
		return p.root.Symlink(string(c), e.Path)
	}
	info, err := writeNew(p.root, e.Path, c, permOf(e.Mode), false)
	if err == nil {
		p.cache.note(e.Path, info, e.Blob, at)
	}
	return err
}

// holds says whether a path holds an entry already, mode and all.
func (p *placing) holds(e phases.Entry) (bool, error) {
	info, ok := p.have[e.Path]
	if !ok || modeOf(info) != e.Mode || e.Mode != phases.ModeSymlink && (links(info) > 1 || info.Size() != e.Size || info.Mode() != permOf(e.Mode)) {
		return false, nil
	}
	if blob, ok := p.cache.find(e.Path, info); ok {
		return blob == e.Blob, nil
	}
	at := time.Now()
	c, err := content(p.root, e.Path, info, max(e.Size, p.limits.FileBytes))
	if errors.Is(err, errTooLarge) || errors.Is(err, fs.ErrPermission) {
		return false, nil
	}
	if err != nil || checkpoint.HashOf(c) != e.Blob {
		return false, err
	}
	if e.Mode != phases.ModeSymlink {
		p.cache.note(e.Path, info, e.Blob, at)
	}
	return true, nil
}

// writeNew makes a file that was not there, and syncs it where asked.
func writeNew(root *os.Root, at string, c []byte, perm fs.FileMode, sync bool) (fs.FileInfo, error) {
	f, err := root.OpenFile(at, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return nil, err
	}
	_, err = faultpoint.Write("tree.write", f, c)
	if err == nil {
		err = f.Chmod(perm) // what the umask took
	}
	if err == nil && sync {
		err = f.Sync()
	}
	info, statErr := f.Stat()
	return info, errors.Join(err, statErr, f.Close())
}
