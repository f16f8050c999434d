package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// Temp is a temporary folder that its process holds locked until Remove. The lock ends with the
// process, however it ends, so that [Sweep] can tell what a killed one left, also from another pid
// namespace and after its number went to somebody else.
type Temp struct {
	Path string // real, 0700
	lock *os.File
}

// tempPrefix begins the names below the system's place for temporary files.
const tempPrefix = "builder-held-"

// mostTries is how many folders are made in vain before NewTemp gives up: each costs a Sweep at the
// very instant, and a process sweeps once.
const mostTries = 1000

// errSwept says that a folder went to a Sweep before it was locked.
var errSwept = errors.New("swept before it was locked")

// NewTemp makes an empty folder below the system's place for temporary files. kind is a part of its
// name, for people.
//
// The rules are: whoever locks a folder first has it, its maker or a Sweep, for one that is not
// locked looks the same whether its maker is about to lock it or was killed. A maker who comes too
// late makes another; it has put nothing in yet.
func NewTemp(kind string) (*Temp, error) { return maker{}.make(kind) }

// maker makes folders. at, in tests, is called after each step on the way to a held folder.
type maker struct{ at func(step string) }

func (m maker) make(kind string) (*Temp, error) {
	err := errSwept
	for range mostTries {
		var t *Temp
		if t, err = m.try(kind); err == nil {
			return t, nil
		}
		if !errors.Is(err, errSwept) {
			break
		}
	}
	return nil, fmt.Errorf("make temporary folder: %w", err)
}

func (m maker) try(kind string) (*Temp, error) {
	path, err := os.MkdirTemp("", tempPrefix+kind+"-")
	if err != nil {
		return nil, err
	}
	faultpoint.Pass("temp.made")
	m.step("made")
	lock, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errSwept
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	m.step("opened")
	real, err := m.hold(lock, path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Temp{Path: real, lock: lock}, nil
}

// hold locks the open folder at path, and gives its real path. What cannot be held is a Sweep's.
func (m maker) hold(lock *os.File, path string) (string, error) {
	if err := tryLock(lock); err != nil {
		if taken(err) {
			return "", errSwept
		}
		return "", errors.Join(err, os.Remove(path))
	}
	m.step("locked")
	if !same(lock, path) {
		return "", errSwept
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	return real, nil
}

func (m maker) step(name string) {
	if m.at != nil {
		m.at(name)
	}
}

// same says whether the open folder is still the one at path.
func same(open *os.File, path string) bool {
	have, err := open.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(have, there)
}

// Remove deletes the folder, also what a command made read-only in it (module caches are).
func (t *Temp) Remove() error {
	return errors.Join(RemoveTree(t.Path), t.lock.Close())
}

// Sweep removes the folders of processes that are gone, at whatever moment they ended. Those of other
// users are passed over.
func Sweep() error {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+"*"))
	if err != nil {
		return fmt.Errorf("sweep temporary folders: %w", err)
	}
	for _, path := range left {
		if err := sweep(path); err != nil {
			return fmt.Errorf("sweep temporary folders: %w", err)
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
	if tryLock(lock) == nil && same(lock, path) {
		err = RemoveTree(path)
	}
	return errors.Join(err, lock.Close())
}
