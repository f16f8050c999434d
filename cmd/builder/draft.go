package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

// The rules of beginning a build are:
//   - one process at a time begins one in an application's folder: it holds that folder locked from
//     before its draft is there until the draft has its name or is gone
//   - so a draft that a holder finds is of a killed process, and a build under way has no draft beside it
//   - a folder with the right name is a build that can be resumed

// draftStore is a build's folder that is made whole, with the record that opens the build, and does
// not have its name yet.
type draftStore struct {
	folder
	tmp  string
	made string   // the outermost folder that was made for it; "" when the application's was there
	lock *os.File // the application's folder
}

// draft makes the content of a build's folder, and the application's folder where there is none. It
// must be named or discarded; what a killed process leaves, the next build sweeps.
func (f folder) draft(ctx context.Context, spec []byte, first phases.BuildStarted, given *givenPlan) (*draftStore, error) {
	d := &draftStore{folder: f}
	if err := d.hold(); err != nil {
		return nil, err
	}
	err := d.free()
	if err == nil {
		err = d.mkdir()
	}
	if err == nil {
		err = fillStore(ctx, d.tmp, spec, first, given)
	}
	if err != nil {
		return nil, errors.Join(err, d.discard())
	}
	return d, nil
}

// hold makes the application's folder and locks it; it makes it again when another starter, which had
// made it, takes it back. A folder that another one holds is left as it is.
func (d *draftStore) hold() error {
	for {
		d.made = missing(d.app)
		if err := os.MkdirAll(d.app, 0o755); err != nil {
			return errors.Join(usage("E_WORKSPACE", "choose a folder you may write", "%s", err), d.discard())
		}
		lock, err := os.Open(d.app)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return usage("E_WORKSPACE", "choose a folder you may read", "%s", err)
		}
		if err := tryLock(lock); err != nil {
			return errors.Join(d.held(err), lock.Close())
		}
		if names(d.app, lock) {
			d.lock = lock
			return nil
		}
		if err := lock.Close(); err != nil {
			return fmt.Errorf("hold %s: %w", d.app, err)
		}
	}
}

// held says why the application's folder could not be locked.
func (d *draftStore) held(err error) error {
	if errors.Is(err, unix.EWOULDBLOCK) {
		return usage("E_LOCKED", "watch it with: builder status --watch "+word(d.app), "another process is beginning a build in %s", d.app)
	}
	return fmt.Errorf("hold %s: %w", d.app, err)
}

// names says whether a path leads to the open folder.
func names(dir string, f *os.File) bool {
	named, err := os.Stat(dir)
	return err == nil && isOpen(f, named)
}

// free says whether there is no build yet.
func (d *draftStore) free() error {
	if _, err := os.Lstat(d.root()); err == nil {
		return d.taken()
	}
	return nil
}

// taken is the error of a folder that has a build.
func (f folder) taken() error {
	return usage("E_WORKSPACE", "go on with it: builder resume "+word(f.app)+", or build into a new folder", "%s holds a build already", f.app)
}

// mkdir makes the draft's folder where those of killed processes are gone.
func (d *draftStore) mkdir() error {
	err := d.sweep()
	if err == nil {
		d.tmp, err = os.MkdirTemp(d.app, tmpPrefix+"*"+tmpSuffix) // 0700
	}
	if err != nil {
		return fmt.Errorf("make build folder: %w", err)
	}
	return nil
}

// missing is the outermost folder on the way to dir that is not there; "" when all are.
func missing(dir string) string {
	out := ""
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			return out
		}
		out = dir
	}
}

// discard leaves everything as it was before. A folder that somebody else has put something into stays.
func (d *draftStore) discard() error {
	var errs []error
	if d.tmp != "" {
		errs = append(errs, os.RemoveAll(d.tmp))
	}
	for dir := d.app; d.made != "" && len(dir) >= len(d.made); dir = filepath.Dir(dir) {
		err := os.Remove(dir)
		if errors.Is(err, fs.ErrExist) { // it is not empty
			break
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			break
		}
	}
	return errors.Join(append(errs, d.release())...)
}

// release lets others begin a build here.
func (d *draftStore) release() error {
	if d.lock == nil {
		return nil
	}
	err := d.lock.Close()
	d.lock = nil
	return err
}

// name gives the folder its name and opens it. It fails when there is one already.
func (d *draftStore) name(ctx context.Context) (*store, error) {
	if err := d.rename(); err != nil {
		if d.free() != nil {
			err = d.taken()
		}
		return nil, errors.Join(err, d.discard())
	}
	if err := errors.Join(syncDir(d.app), d.release()); err != nil {
		return nil, err
	}
	return openStore(ctx, d.folder)
}

func (d *draftStore) rename() error {
	if err := faultpoint.At("folder.rename"); err != nil {
		return err
	}
	return os.Rename(d.tmp, d.root())
}

// The names of folders that are not yet builds.
const (
	tmpPrefix = ".builder."
	tmpSuffix = ".tmp"
)

// sweep removes what cut makings of a build left.
func (d *draftStore) sweep() error {
	entries, err := os.ReadDir(d.app)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if workspace.Unfinished(e.Name()) {
			if err := os.RemoveAll(filepath.Join(d.app, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
