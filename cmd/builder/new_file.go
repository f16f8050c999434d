package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// writeNewFile makes a file whole beside its name and then gives it the name.
func writeNewFile(path string, fill func(*os.File) error) error {
	sweepNewFiles(path)
	tmp, err := tempBeside(path)
	if err != nil {
		return usage("E_WORKSPACE", "choose a folder you may write", "%s", err)
	}
	if err = fill(tmp); err == nil {
		err = tmp.Sync()
	}
	if err == nil {
		err = os.Link(tmp.Name(), path) // never over another file
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	return errors.Join(err, os.Remove(tmp.Name()), tmp.Close())
}

// newFilePrefix begins the names of files on their way to a name; digits and tmpSuffix end them.
func newFilePrefix(path string) string { return "." + filepath.Base(path) + "." }

// tempBeside makes a file on its way to a name, locked as long as it is open where locks are to be had:
// what nobody holds is a killed process's.
func tempBeside(path string) (*os.File, error) {
	for {
		tmp, err := os.CreateTemp(filepath.Dir(path), newFilePrefix(path)+"*"+tmpSuffix) // 0600
		if err != nil {
			return nil, err
		}
		err = tryLock(tmp)
		if !errors.Is(err, unix.EWOULDBLOCK) && sameFile(tmp.Name(), tmp) {
			return tmp, nil
		}
		if err := tmp.Close(); err != nil { // a sweep was faster
			return nil, fmt.Errorf("make %s: %w", tmp.Name(), err)
		}
	}
}

// sweepNewFiles removes what killed processes left on the way to a name. What cannot be removed stays.
func sweepNewFiles(path string) {
	left, err := filepath.Glob(escapeGlob(filepath.Join(filepath.Dir(path), newFilePrefix(path))) + "*" + tmpSuffix)
	if err != nil {
		return
	}
	for _, name := range left {
		random := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(name), newFilePrefix(path)), tmpSuffix)
		if strings.Trim(random, "0123456789") != "" {
			continue // no name of ours
		}
		if lock := takeFree(name, unix.S_IFREG); lock != nil {
			if sameFile(name, lock) {
				_ = os.Remove(name)
			}
			_ = lock.Close() // opened for reading only
		}
	}
}
