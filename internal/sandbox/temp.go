package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// Temp is a temporary folder that its process holds locked until Remove. The lock ends with the
// process, however it ends, so that [Sweep] can tell what a killed one left, also from another pid
// namespace and after its number went to somebody else.
type Temp struct {
	Path string // real, 0700
	lock *os.File
}

// The names below the system's place for temporary files. A folder is made under the first and has
// the second once it is locked. One that Sweep takes before it is locked is made again.
const (
	tempNew  = "builder-new-"
	tempHeld = "builder-held-"
)

// NewTemp makes an empty folder below the system's place for temporary files. kind is a part of its
// name, for people.
func NewTemp(kind string) (*Temp, error) {
	for try := 1; ; try++ {
		made, err := os.MkdirTemp("", tempNew+kind+"-")
		if err != nil {
			return nil, fmt.Errorf("make temporary folder: %w", err)
		}
		t, err := hold(made)
		if err == nil {
			return t, nil
		}
		if rerr := os.Remove(made); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			return nil, errors.Join(fmt.Errorf("make temporary folder: %w", err), rerr)
		}
		if try == mostTries {
			return nil, fmt.Errorf("make temporary folder: %w", err)
		}
	}
}

// mostTries is how often a folder may be swept before it is locked.
const mostTries = 10

func hold(made string) (*Temp, error) {
	made, err := filepath.EvalSymlinks(made)
	if err != nil {
		return nil, err
	}
	faultpoint.Pass("temp.made")
	lock, err := os.Open(made)
	if err != nil {
		return nil, err
	}
	held := filepath.Join(filepath.Dir(made), tempHeld+strings.TrimPrefix(filepath.Base(made), tempNew))
	if err = tryLock(lock); err == nil {
		err = os.Rename(made, held)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Temp{Path: held, lock: lock}, nil
}

// Remove deletes the folder, also what a command made read-only in it (module caches are).
func (t *Temp) Remove() error {
	return errors.Join(removeAll(t.Path), t.lock.Close())
}

// Sweep removes the folders of processes that are gone. Those of other users are passed over.
func Sweep() error {
	for _, name := range []string{tempHeld, tempNew} {
		left, err := filepath.Glob(filepath.Join(os.TempDir(), name+"*"))
		if err != nil {
			return fmt.Errorf("sweep temporary folders: %w", err)
		}
		for _, path := range left {
			if err := sweep(path); err != nil {
				return fmt.Errorf("sweep temporary folders: %w", err)
			}
		}
	}
	return nil
}

func sweep(path string) error {
	lock, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	if tryLock(lock) == nil {
		err = removeAll(path)
	}
	return errors.Join(err, lock.Close())
}

func removeAll(root string) error {
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
		return fmt.Errorf("remove temporary folder: %w", err)
	}
	return nil
}
