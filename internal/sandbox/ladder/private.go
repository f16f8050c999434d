package ladder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// private are the folders of one run, made before it and removed after it.
type private struct {
	temp      *sandbox.Temp
	home, tmp string
}

// newPrivate makes the folders below the system's place for temporary files.
func newPrivate() (private, error) {
	temp, err := sandbox.NewTemp("run")
	if err != nil {
		return private{}, err
	}
	p := private{temp: temp, home: filepath.Join(temp.Path, "home"), tmp: filepath.Join(temp.Path, "tmp")}
	for _, dir := range []string{p.home, p.tmp} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return private{}, errors.Join(fmt.Errorf("make private folder: %w", err), temp.Remove())
		}
	}
	return p, nil
}

// remove deletes the folders.
func (p private) remove() error { return p.temp.Remove() }
