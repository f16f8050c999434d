package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/phases"
)

var errTooLarge = errors.New("file is too large")

// readFile reads a regular file of a folder, at most limit bytes of it. Neither a link nor a pipe
// that took the file's place is opened.
func readFile(d *os.Root, name string, limit int64) ([]byte, error) {
	f, err := d.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	content, err := readOpen(f, limit)
	return content, errors.Join(err, f.Close())
}

func readOpen(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", f.Name())
	}
	if info.Size() > limit {
		return nil, errTooLarge
	}
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > limit {
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}

// content reads what an entry of a manifest would hold: a file's bytes or a link's target.
func content(d *os.Root, name string, info fs.FileInfo, limit int64) ([]byte, error) {
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := d.Readlink(name)
		return []byte(target), err
	}
	return readFile(d, name, limit)
}

// modeOf is the mode an entry would have; 0 for what a tree cannot hold.
func modeOf(info fs.FileInfo) uint32 {
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		return phases.ModeSymlink
	case !info.Mode().IsRegular():
		return 0
	case info.Mode()&0o100 != 0:
		return phases.ModeExecutable
	}
	return phases.ModeFile
}

// permOf is how a file of a mode is kept on disk.
func permOf(mode uint32) fs.FileMode {
	if mode == phases.ModeExecutable {
		return 0o755
	}
	return 0o644
}

// checkLink says what is wrong with a link at a path: a tree holds only links that lead, through
// whatever other links, to something in it.
func checkLink(root *os.Root, at, target string) string {
	switch {
	case target == "" || len(target) > 4096 || strings.ContainsRune(target, 0):
		return "symlink has no usable target"
	case path.IsAbs(target):
		return "symlink with an absolute target"
	}
	inside := path.Join(path.Dir(at), target)
	if inside == ".." || strings.HasPrefix(inside, "../") {
		return "symlink leaves the tree"
	}
	if inside != "." {
		if err := phases.CheckPath(inside); err != nil {
			return "symlink to a place that is reserved"
		}
	}
	if strings.HasPrefix(strings.ToLower(path.Base(at)), ".git") {
		return "symlink in the place of a file that git reads"
	}
	if _, err := root.Stat(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "symlink leaves the tree or leads nowhere"
	}
	return ""
}

// forceRemove removes whatever is at a path, also from folders that were made read-only.
func forceRemove(root *os.Root, at string) error {
	err := root.RemoveAll(at)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := openUp(root, at); err != nil {
		return err
	}
	return root.RemoveAll(at)
}

// openUp makes a folder and those in it writable.
func openUp(root *os.Root, at string) error {
	if up := path.Dir(at); up != "." {
		if err := root.Chmod(up, 0o700); err != nil {
			return err
		}
	}
	info, err := root.Lstat(at)
	if err != nil || !info.IsDir() {
		return err
	}
	if err := root.Chmod(at, 0o700); err != nil {
		return err
	}
	d, err := root.OpenRoot(at)
	if err != nil {
		return err
	}
	entries, err := list(d)
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, openUp(d, e.Name()))
		}
	}
	return errors.Join(err, d.Close())
}

// makeFolder makes a folder and those above it, in the place of files and links where there are such.
func makeFolder(root *os.Root, dir string, made map[string]bool) error {
	if dir == "." || made[dir] {
		return nil
	}
	if err := makeFolder(root, path.Dir(dir), made); err != nil {
		return err
	}
	info, err := root.Lstat(dir)
	if err == nil && !info.IsDir() {
		err = errors.Join(root.Remove(dir), fs.ErrNotExist)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = root.Mkdir(dir, 0o755)
	}
	if err != nil {
		return err
	}
	made[dir] = true
	return nil
}

// writable gives the owner of a folder back the right to write in it.
func writable(root *os.Root, dir string) error {
	info, err := root.Lstat(dir)
	if err != nil || info.Mode().Perm()&0o700 == 0o700 {
		return err
	}
	return root.Chmod(dir, 0o755)
}
