package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// layFrozen puts the plan's own files over the tree, replacing whatever the agent left there: a
// file, a folder, a link, or a file where a folder must be. Nothing outside the tree is touched.
func layFrozen(tree string, files []planner.FrozenFile) error {
	if len(files) == 0 {
		return nil
	}
	root, err := os.OpenRoot(tree)
	if err != nil {
		return fmt.Errorf("open tree: %w", err)
	}
	for _, f := range files {
		if err := layOne(root, f); err != nil {
			return errors.Join(fmt.Errorf("lay frozen file %s: %w", f.Path, err), root.Close())
		}
	}
	return root.Close()
}

// layOne makes every folder on the way real, then the file anew.
func layOne(root *os.Root, f planner.FrozenFile) error {
	name := path.Clean(f.Path)
	if !filepath.IsLocal(name) || name == "." {
		return errors.New("path lies outside the tree")
	}
	var parents []string
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		parents = append([]string{dir}, parents...)
	}
	for _, dir := range parents {
		if err := makeReal(root, dir); err != nil {
			return err
		}
	}
	if err := root.RemoveAll(name); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(f.Content); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// makeReal makes dir a folder of its own, not a link to another.
func makeReal(root *os.Root, dir string) error {
	info, err := root.Lstat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		err = root.Remove(dir)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return root.Mkdir(dir, 0o755)
}
