package ladder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// private are the folders of one run, made before it and removed after it.
type private struct{ root, home, tmp string }

// newPrivate makes the folders below the system's place for temporary files.
func newPrivate() (private, error) {
	root, err := os.MkdirTemp("", "builder-run-")
	if err != nil {
		return private{}, fmt.Errorf("make private folder: %w", err)
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return private{}, fmt.Errorf("resolve private folder: %w", err)
	}
	p := private{root: root, home: filepath.Join(root, "home"), tmp: filepath.Join(root, "tmp")}
	for _, dir := range []string{p.home, p.tmp} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return private{}, fmt.Errorf("make private folder: %w", err)
		}
	}
	return p, nil
}

// remove deletes the folders, also what the command made read-only in them (module caches are).
func (p private) remove() error {
	if os.RemoveAll(p.root) == nil {
		return nil
	}
	err := filepath.WalkDir(p.root, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("open private folder for removal: %w", err)
	}
	if err := os.RemoveAll(p.root); err != nil {
		return fmt.Errorf("remove private folder: %w", err)
	}
	return nil
}
