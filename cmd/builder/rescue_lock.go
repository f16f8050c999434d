package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A rescue holds the folder of builds locked from before it reads to after it has written: two would
// each put a journal in place that knows nothing of the other. So what a rescue made that nobody holds
// is a killed one's.

// holdRescue locks the folder for bringing its build back.
func (f folder) holdRescue() (*os.File, error) {
	lock, err := os.Open(f.root())
	if err != nil {
		return nil, fmt.Errorf("hold %s: %w", f.root(), err)
	}
	err = tryLock(lock)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, errors.Join(usage("E_LOCKED", "wait for it, then: "+f.resume(), "another process is bringing the build in %s back", f.app), lock.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("hold %s: %w", f.root(), err), lock.Close())
	}
	return lock, nil
}

// newPrefix begins the names of the folders in which rescues make journals; digits end them.
const newPrefix = "new-"

// leftRescues are the folders in which journals were made. Whoever takes them for killed processes'
// MUST hold the rescue's lock.
func leftRescues(dir string) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(escapeGlob(dir), newPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("look for what killed processes left: %w", err)
	}
	var left []string
	for _, path := range all {
		digits := strings.TrimPrefix(filepath.Base(path), newPrefix)
		if info, err := os.Lstat(path); err == nil && info.IsDir() && strings.Trim(digits, "0123456789") == "" {
			left = append(left, path)
		}
	}
	return left, nil
}

// eachLeft does something about each folder that a killed rescue of a build left; nothing while one is
// under way.
func (f folder) eachLeft(id string, do func(dir string) error) error {
	lock := takeFree(f.root(), unix.S_IFDIR)
	if lock == nil {
		return nil
	}
	left, err := leftRescues(f.build(id))
	for _, dir := range left {
		err = errors.Join(err, do(dir))
	}
	return errors.Join(err, lock.Close())
}
