package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// placing is an application's folder that is made whole beside its name and then gets the name: what
// has the name can be resumed. Its process holds it locked, so that the next one can tell what a killed
// one left.
type placing struct {
	folder // under the temporary name
	dir    string
	made   string // the outermost folder that was made on the way; "" for none
	lock   *os.File
}

// The temporary name of an application's folder, around its name.
const (
	placingPrefix = "."
	placingInfix  = ".builder-new-"
)

// place begins a folder for out, which must be new or empty. finish or discard it.
func (a *app) place(ctx context.Context, out string) (*placing, error) {
	if out == "" {
		return nil, usage("E_USAGE", "as in: -o app", "the folder of the application is missing: -o DIR")
	}
	f, err := a.outFolder(ctx, out)
	if err != nil {
		return nil, err
	}
	if left, err := os.ReadDir(f.app); err == nil && len(left) > 0 {
		return nil, usage("E_WORKSPACE", "choose a new or empty folder", "%s is not empty", f.app)
	}
	parent := filepath.Dir(f.app)
	p := &placing{dir: f.app, made: missing(parent)}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, errors.Join(usage("E_WORKSPACE", "choose a folder you may write", "%s", err), p.discard())
	}
	if err := sweepPlacings(parent, filepath.Base(f.app)); err != nil {
		return nil, errors.Join(err, p.discard())
	}
	p.app, p.lock, err = holdNew(filepath.Join(parent, placingPrefix+filepath.Base(f.app)+placingInfix))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make folder: %w", err), p.discard())
	}
	return p, nil
}

// holdNew makes a folder whose name begins with prefix, and holds it. In the moment between, another process may take it
// for one that was left, and remove it: then there is another name.
func holdNew(prefix string) (dir string, lock *os.File, err error) {
	for range 100 {
		var b [6]byte
		if _, err := rand.Read(b[:]); err != nil {
			return "", nil, err
		}
		dir = prefix + hex.EncodeToString(b[:])
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", nil, err
		}
		if lock = takeFree(dir, unix.S_IFDIR); lock == nil {
			continue
		}
		if sameFile(dir, lock) {
			return dir, lock, nil
		}
		_ = lock.Close() // opened for reading only
	}
	return "", nil, fmt.Errorf("%s… is removed as soon as it is made", prefix)
}

// sweepPlacings removes what killed processes left beside a name.
func sweepPlacings(parent, base string) error {
	left, err := filepath.Glob(filepath.Join(parent, placingPrefix+escapeGlob(base)+placingInfix+"*"))
	if err != nil {
		return fmt.Errorf("sweep %s: %w", parent, err)
	}
	for _, dir := range left {
		lock := takeFree(dir, unix.S_IFDIR)
		if lock == nil {
			continue // held, gone, or somebody else's
		}
		if err := errors.Join(os.RemoveAll(dir), lock.Close()); err != nil {
			return fmt.Errorf("sweep %s: %w", dir, err)
		}
	}
	return nil
}

// escapeGlob makes a pattern that matches s alone.
func escapeGlob(s string) string {
	var out []rune
	for _, r := range s {
		switch r {
		case '*', '?', '[', '\\':
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

// finish gives the folder its name. It fails when there is something by then.
func (p *placing) finish() error {
	if err := syncDir(p.app); err != nil {
		return errors.Join(err, p.discard())
	}
	if err := os.Rename(p.app, p.dir); err != nil { // an empty folder may stand there
		return errors.Join(usage("E_WORKSPACE", "choose a new or empty folder", "%s", err), p.discard())
	}
	return errors.Join(syncDir(filepath.Dir(p.dir)), p.lock.Close())
}

// discard leaves everything as it was before.
func (p *placing) discard() error {
	var errs []error
	if p.app != "" {
		errs = append(errs, os.RemoveAll(p.app))
	}
	if p.lock != nil {
		errs = append(errs, p.lock.Close())
	}
	d := draftStore{folder: folder{filepath.Dir(p.dir)}, made: p.made}
	return errors.Join(append(errs, d.discard())...)
}
