package workspace

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// readRef returns the commit the branch is at; "" before the first.
func (r *Repo) readRef() (string, error) {
	raw, err := os.ReadFile(filepath.Join(r.git, branch))
	if errors.Is(err, fs.ErrNotExist) {
		return r.readPackedRef()
	}
	if err != nil {
		return "", fmt.Errorf("read branch: %w", err)
	}
	return commitID(strings.TrimSpace(string(raw)))
}

func (r *Repo) readPackedRef() (id string, err error) {
	f, err := os.Open(filepath.Join(r.git, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read branch: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for lines := bufio.NewScanner(f); ; {
		if !lines.Scan() {
			return "", lines.Err()
		}
		if id, ok := strings.CutSuffix(lines.Text(), " "+branch); ok {
			return commitID(id)
		}
	}
}

func commitID(s string) (string, error) {
	if raw, err := hex.DecodeString(s); err != nil || len(raw) != 20 {
		return "", fmt.Errorf("read branch: %w: %w: it holds %.80q", ErrUnsupported, ErrBadRef, s)
	}
	return s, nil
}

// syncBranch makes sure of where the branch is. One that stands in packed-refs was synced by git.
func (r *Repo) syncBranch() error {
	if err := r.step("sync branch"); err != nil {
		return err
	}
	if err := syncDirs(filepath.Dir(filepath.Join(r.git, branch))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sync branch: %w", err)
	}
	return nil
}

// How often and how long to wait for another program's lock file.
const (
	lockTries = 20
	lockPause = 50 * time.Millisecond
)

// replace puts content in place of a file of the repository under git's own lock for it, synced.
// check is called while the lock is held; its error changes nothing.
//
// The lock file comes to its name by a link from a file with a name of our own. If both are found
// and are one file, a crash of ours left them; a lock file alone is somebody else's.
func (r *Repo) replace(ctx context.Context, name string, content []byte, check func() error) (err error) {
	path := filepath.Join(r.git, name)
	lock, own := path+".lock", filepath.Join(r.git, "builder-"+filepath.Base(name))
	if err := dropLeftover(own, lock); err != nil {
		return err
	}
	if err := writeSynced(own, content, 0o644); err != nil {
		return err
	}
	locked := false
	defer func() { // also of a panic; the lock first, for a lock alone is somebody else's
		if locked {
			err = errors.Join(err, os.Remove(lock))
		}
		err = errors.Join(err, os.Remove(own))
	}()
	if err := faultpoint.At("git.lock"); err != nil {
		return err
	}
	if err := linkWaiting(ctx, own, lock); err != nil {
		return err
	}
	locked = true
	if err := check(); err != nil {
		return err
	}
	if err := os.Rename(lock, path); err != nil {
		return err
	}
	locked = false
	return syncDirs(filepath.Dir(path))
}

func dropLeftover(own, lock string) error {
	mine, err := os.Lstat(own)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if theirs, err := os.Lstat(lock); err == nil && os.SameFile(mine, theirs) {
		if err := os.Remove(lock); err != nil {
			return err
		}
	}
	return os.Remove(own)
}

func linkWaiting(ctx context.Context, own, lock string) error {
	pause := time.NewTicker(lockPause)
	defer pause.Stop()
	for try := 1; ; try++ {
		err := os.Link(own, lock)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if try == lockTries {
			return fmt.Errorf("%w: %s is there", ErrBusy, lock)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
}
