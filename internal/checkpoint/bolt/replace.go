package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Replace puts the journal in the file with in place of whatever is at path, durably; what was there,
// if anything, gets the name aside and is not changed. Both MUST be on path's file system, and nothing
// may be at aside. A *checkpoint.LockedError when a process holds what is at path.
func Replace(ctx context.Context, path, with, aside string, o Options) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("replace journal %s: %w", path, err)
	}
	if err := replace(path, with, aside, o.withDefaults(path)); err != nil {
		return fmt.Errorf("replace journal %s: %w", path, spaceError(err))
	}
	return nil
}

func replace(path, with, aside string, o Options) (err error) {
	old, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		defer func() { err = errors.Join(err, old.Close()) }() // lets go of the lock
		if err := setAside(old, path, aside, o); err != nil {
			return err
		}
	}
	if err := syncPath(with); err != nil {
		return err
	}
	if err := os.Rename(with, path); err != nil {
		return err
	}
	return errors.Join(syncPath(filepath.Dir(path)), syncPath(filepath.Dir(aside)))
}

// setAside gives what is at path a second name; a folder, which can have but one, is moved.
func setAside(old *os.File, path, aside string, o Options) error {
	info, err := old.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.Rename(path, aside)
	}
	err = syscall.Flock(int(old.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return readHolder(o.Holder, path)
	}
	if err != nil {
		return err
	}
	err = os.Link(path, aside)
	if errors.Is(err, fs.ErrExist) {
		return checkpoint.ErrExists
	}
	return err
}
