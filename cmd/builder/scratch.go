package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// holdScratch makes the folder for a build's scratch trees and holds it locked as long as the file is
// open: `builder clean` takes what nobody holds. It waits for a clean that is at it, and makes the
// folder again then.
func holdScratch(dir string) (*os.File, error) {
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make scratch folder: %w", err)
		}
		f, err := os.Open(dir)
		if errors.Is(err, os.ErrNotExist) {
			continue // a clean was faster
		}
		if err != nil {
			return nil, fmt.Errorf("make scratch folder: %w", err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
			return nil, errors.Join(fmt.Errorf("hold scratch folder: %w", err), f.Close())
		}
		if sameFile(dir, f) {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("hold scratch folder: %w", err)
		}
	}
}

// sameFile says whether a path still is the name of the open file or folder; that of a link to it is not.
func sameFile(path string, f *os.File) bool {
	named, err := os.Lstat(path)
	return err == nil && isOpen(f, named)
}

// isOpen says whether an open file or folder is the one that was found.
func isOpen(f *os.File, found os.FileInfo) bool {
	is, err := f.Stat()
	return err == nil && os.SameFile(is, found)
}

// tryLock locks an open file or folder; the error is EWOULDBLOCK where somebody else holds it.
func tryLock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// takeFree locks a file or folder, of that kind, that nobody holds; nil when somebody does, or it is
// gone, of another kind or another user's.
func takeFree(path string, kind uint32) *os.File {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil || uint32(st.Mode)&unix.S_IFMT != kind || int(st.Uid) != os.Getuid() || tryLock(f) != nil {
		_ = f.Close() // opened for reading only
		return nil
	}
	return f
}
