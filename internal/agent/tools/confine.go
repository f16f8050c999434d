package tools

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// place is a name in an open folder. Nothing above it is ever resolved again: what happens to the
// names on the way after the walk does not matter.
type place struct {
	dir  *os.Root
	name string // one component; "." is the folder itself
	path string // as the model wrote it, cleaned
}

func (p place) close() { _ = p.dir.Close() } // only a descriptor; nothing was written through it

// walk opens the folder that path's last component stands in, folder by folder from root, which it
// does not close. Every folder on the way is looked at, opened, and looked at again on the open
// handle, so that a link put in its place in between is noticed. With create, missing folders are
// made.
func walk(root *os.Root, path string, create bool) (place, error) {
	parts, err := split(path)
	if err != nil {
		return place{}, err
	}
	dir, err := root.OpenRoot(".")
	if err != nil {
		return place{}, fmt.Errorf("open tree: %w", err)
	}
	if len(parts) == 0 {
		return place{dir: dir, name: ".", path: "."}, nil
	}
	clean := strings.Join(parts, "/")
	for _, part := range parts[:len(parts)-1] {
		next, err := enter(dir, part, clean, create)
		_ = dir.Close() // only a descriptor
		if err != nil {
			return place{}, err
		}
		dir = next
	}
	return place{dir: dir, name: parts[len(parts)-1], path: clean}, nil
}

// enter opens the folder called name in dir, and nothing but a folder.
func enter(dir *os.Root, name, path string, create bool) (*os.Root, error) {
	info, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err = dir.Mkdir(name, 0o755); err == nil || errors.Is(err, fs.ErrExist) {
			info, err = dir.Lstat(name)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault(CodePathNotFound, "%q: there is no folder %q", path, name)
	case err != nil:
		return nil, trouble("open", path, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fault(CodePathLink, "%q goes through the link %q", path, name)
	case !info.IsDir():
		return nil, fault(CodePathInvalid, "%q: %q is no folder", path, name)
	}
	next, err := dir.OpenRoot(name)
	if err != nil {
		return nil, swapped(path, err)
	}
	opened, err := next.Stat(".")
	if err != nil || !os.SameFile(info, opened) {
		_ = next.Close() // only a descriptor
		return nil, swapped(path, err)
	}
	return next, nil
}

// swapped tells of a name that changed between looking and opening, or cannot be opened.
func swapped(path string, err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) {
		return fault(CodePathLink, "%q changed while it was opened", path)
	}
	return trouble("open", path, err)
}

// trouble sorts what a file system says: a full or broken disk is the machine's failure and ends
// the run; all else the agent can bring about itself (modes, folders that go away), so it is told.
func trouble(verb, path string, err error) error {
	for _, own := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, own) {
			return fmt.Errorf("%s %q: %w", verb, path, err)
		}
	}
	var why syscall.Errno
	if errors.As(err, &why) {
		return fault(CodePathInvalid, "cannot %s %q: %s", verb, path, why)
	}
	return fault(CodePathInvalid, "cannot %s %q", verb, path)
}

// regular looks at p and refuses all but a regular file with one name. found is false when nothing
// is there.
func (p place) regular() (info fs.FileInfo, found bool, err error) {
	info, err = p.dir.Lstat(p.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, trouble("open", p.path, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, false, fault(CodePathLink, "%q is a link", p.path)
	case info.IsDir():
		return nil, false, fault(CodePathInvalid, "%q is a folder", p.path)
	case !info.Mode().IsRegular():
		return nil, false, fault(CodePathInvalid, "%q is no regular file", p.path)
	case names(info) > 1:
		return nil, false, fault(CodePathLink, "%q has several names (hard links)", p.path)
	}
	return info, true, nil
}

// read returns the content of p, at most limit bytes; a larger file is a fault with code.
func (p place) read(limit int64, code string) ([]byte, fs.FileInfo, error) {
	info, found, err := p.regular()
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, fault(CodePathNotFound, "%q: there is no such file", p.path)
	}
	if info.Size() > limit {
		return nil, nil, fault(code, "%q has %d bytes, at most %d", p.path, info.Size(), limit)
	}
	f, err := p.dir.OpenFile(p.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, swapped(p.path, err)
	}
	defer f.Close() // nothing was written
	if opened, err := f.Stat(); err != nil || !os.SameFile(info, opened) {
		return nil, nil, swapped(p.path, err)
	}
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, nil, trouble("read", p.path, err)
	}
	if int64(len(content)) > limit {
		return nil, nil, fault(code, "%q grew above %d bytes", p.path, limit)
	}
	return content, info, nil
}

// write puts content in the place of p: a new file beside it, renamed over it. A link or a second
// name that came there in between is replaced, never written through. The mode stays.
func (p place) write(content []byte) (existed bool, err error) {
	info, existed, err := p.regular()
	if err != nil {
		return false, err
	}
	mode := fs.FileMode(0o644)
	if existed {
		mode = info.Mode().Perm()
	}
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return false, fmt.Errorf("name temporary file: %w", err)
	}
	temp := ".tmp-" + hex.EncodeToString(id[:])
	if err := p.fill(temp, content, mode, existed); err != nil {
		return false, errors.Join(err, p.drop(temp))
	}
	if err := faultpoint.At("edit.rename"); err != nil {
		return false, errors.Join(trouble("write", p.path, err), p.drop(temp))
	}
	if err := p.dir.Rename(temp, p.name); err != nil {
		return false, errors.Join(trouble("write", p.path, err), p.drop(temp))
	}
	return existed, nil
}

// fill makes the file temp beside p.
func (p place) fill(temp string, content []byte, mode fs.FileMode, keep bool) error {
	f, err := p.dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return trouble("write", p.path, err)
	}
	_, err = faultpoint.Write("edit.temp_write", f, content)
	if err == nil && keep {
		err = f.Chmod(mode) // whatever the umask
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return trouble("write", p.path, err)
	}
	return nil
}

// drop removes a temporary file, if it is there.
func (p place) drop(temp string) error {
	if err := p.dir.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return trouble("remove temporary file of", p.path, err)
	}
	return nil
}
