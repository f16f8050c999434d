package bolt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// holder is the content of the side file. The lock itself is bbolt's, on the journal: a side file
// left by a killed process locks nobody out.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// holderFile is a side file that this process wrote.
type holderFile struct {
	path string
	raw  []byte
}

func writeHolder(path string, now time.Time) (*holderFile, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	raw, err := json.Marshal(holder{PID: os.Getpid(), Host: host, Since: now.UTC()})
	if err != nil {
		return nil, fmt.Errorf("write holder: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // 0600
	if err != nil {
		return nil, fmt.Errorf("write holder: %w", spaceError(err))
	}
	_, err = temp.Write(raw)
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write holder: %w", spaceError(err)), os.Remove(temp.Name()))
	}
	return &holderFile{path: path, raw: raw}, nil
}

// remove takes the side file away while the lock is still held, if it is ours.
func (h *holderFile) remove() error {
	if h == nil {
		return nil
	}
	raw, err := os.ReadFile(h.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && string(raw) != string(h.raw) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read holder: %w", err)
	}
	return os.Remove(h.path)
}

// readHolder says who holds the journal, as far as can be told: a side file may be missing, or left
// by a process that is gone while a reader is in the way.
func readHolder(side, path string) *checkpoint.LockedError {
	locked := &checkpoint.LockedError{Path: path}
	raw, err := os.ReadFile(side)
	if err != nil {
		return locked
	}
	var h holder
	if json.Unmarshal(raw, &h) != nil || h.PID <= 0 {
		return locked
	}
	here, err := os.Hostname()
	if err == nil && here == h.Host && errors.Is(syscall.Kill(h.PID, 0), syscall.ESRCH) {
		return locked
	}
	locked.PID, locked.Host, locked.Since = h.PID, h.Host, h.Since
	return locked
}
