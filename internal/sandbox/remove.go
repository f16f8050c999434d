package sandbox

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// RemoveTree deletes a folder, also what a command made read-only in it (module caches are).
func RemoveTree(root string) error {
	if os.RemoveAll(root) == nil {
		return nil
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return err
	})
	if err == nil {
		err = os.RemoveAll(root)
	}
	if err != nil {
		return fmt.Errorf("remove folder: %w", err)
	}
	return nil
}
