package toolchain

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// ungraphed are go.mod files, laid out as a module proxy serves them. The go command reads one for each
// requirement of a module whose own go.mod says less than go 1.17, such as cobra's and yaml.v3's, when
// it adds that module to an application; a build of Builder itself never reads them, and so a module
// cache that only such a build filled has none of them. They are as published: go.sum holds their sums.
//
//go:embed modules
var ungraphed embed.FS

// layModules writes them below dir, and returns the folder, which is a proxy for them alone. Processes
// that do so at once disturb nobody: each file is whole or not there.
func layModules(dir string) (string, error) {
	root := filepath.Join(dir, "go-mod-files")
	err := fs.WalkDir(ungraphed, "modules", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := ungraphed.ReadFile(name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel("modules", filepath.FromSlash(path.Clean(name)))
		if err != nil {
			return err
		}
		return layFile(filepath.Join(root, below), content)
	})
	if err != nil {
		return "", fmt.Errorf("lay out go.mod files: %w", err)
	}
	return root, nil
}

func layFile(name string, content []byte) error {
	if have, err := os.ReadFile(name); err == nil && bytes.Equal(have, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
