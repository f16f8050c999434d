package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/ballast"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// folder is where a build keeps itself: DIR/.builder.
//
//	lock  current  blobs/  builds/<id>/{journal.db, spool/, plan.yaml, report.md, report.json,
//	builder.log, events.ndjson, status.json, backup/, ballast/ while a process works on it}
type folder struct{ app string }

func (f folder) root() string             { return filepath.Join(f.app, ".builder") }
func (f folder) lock() string             { return filepath.Join(f.root(), "lock") }
func (f folder) current() string          { return filepath.Join(f.root(), "current") }
func (f folder) blobDir() string          { return filepath.Join(f.root(), "blobs") }
func (f folder) build(id string) string   { return filepath.Join(f.root(), "builds", id) }
func (f folder) journal(id string) string { return filepath.Join(f.build(id), "journal.db") }
func (f folder) status(id string) string  { return filepath.Join(f.build(id), "status.json") }
func (f folder) events(id string) string  { return filepath.Join(f.build(id), "events.ndjson") }
func (f folder) log(id string) string     { return filepath.Join(f.build(id), "builder.log") }
func (f folder) backups(id string) string { return filepath.Join(f.build(id), "backup") }
func (f folder) reports(id string) (string, string) {
	return filepath.Join(f.build(id), "report.md"), filepath.Join(f.build(id), "report.json")
}

// openFolder finds the build folder of an application; "" means here. No build there is a fault.
func openFolder(dir string) (folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return folder{}, usage("E_WORKSPACE", "", "%s: %s", dir, err)
	}
	f := folder{abs}
	info, err := os.Stat(f.root())
	if err != nil || !info.IsDir() {
		return f, usage("E_NO_BUILD", "name the folder that was given with -o, as in: builder status DIR; all builds: builder list", "there is no build in %s", abs)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return f, refused("E_STATE_PERMISSIONS", "chmod 700 "+f.root(), "others can read or change %s", f.root())
	}
	return f, nil
}

// newBuildID makes an id that sorts by time and is unique.
func newBuildID(now time.Time) (string, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make build id: %w", err)
	}
	return "b-" + now.UTC().Format("20060102-150405") + "-" + hex.EncodeToString(b[:]), nil
}

func validBuildID(id string) bool {
	if !strings.HasPrefix(id, "b-") || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

// store is an open build: its journal, blobs and spools. Close it.
type store struct {
	folder
	id      string
	journal *bolt.Journal
	blobs   *blob.Store
	spools  *blob.Spools
	ballast *ballast.Ballast
}

// fillStore makes the content of a build folder: journal, blobs and which build is current. A plan
// that the user gave is accepted in the same transaction: a build without it would make another.
func fillStore(ctx context.Context, root string, spec []byte, first phases.BuildStarted, given *givenPlan) error {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return fmt.Errorf("make build folder: %w", err)
	}
	blobs, err := blob.Open(filepath.Join(root, "blobs"))
	if err != nil {
		return err
	}
	if first.Spec, err = blobs.Put(ctx, spec); err != nil {
		return err
	}
	facts := []phases.Fact{first}
	if given != nil {
		accepted, err := given.keep(ctx, blobs, filepath.Join(root, "builds", first.Build))
		if err != nil {
			return err
		}
		facts = append(facts, accepted)
	}
	return fillJournal(ctx, root, first.Build, first.At, facts)
}

// fillJournal makes the journal of a build, which begins with facts, and says that it is current.
func fillJournal(ctx context.Context, root, id string, at time.Time, facts []phases.Fact) error {
	recs, err := encodeAll(facts, at)
	if err != nil {
		return err
	}
	return placeJournal(ctx, root, id, recs)
}

// encodeAll makes records of facts that are of one time.
func encodeAll(facts []phases.Fact, at time.Time) ([]checkpoint.Record, error) {
	recs := make([]checkpoint.Record, len(facts))
	for i, f := range facts {
		var err error
		if recs[i], err = phases.Encode(f, at); err != nil {
			return nil, err
		}
	}
	return recs, nil
}

// placeJournal makes the journal of a build from records.
func placeJournal(ctx context.Context, root, id string, recs []checkpoint.Record) error {
	dir := filepath.Join(root, "builds", id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make build folder: %w", err)
	}
	if err := bolt.Make(ctx, filepath.Join(dir, "journal.db"), recs); err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(root, "current"), []byte(id+"\n")); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Join(root, "builds")), syncDir(root))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}

// openStore opens the folder's build for writing.
func openStore(ctx context.Context, f folder) (*store, error) { return openStoreWithin(ctx, f, 0) }

// openStoreWithin waits that long for whoever holds the build; 0 means the usual time.
func openStoreWithin(ctx context.Context, f folder, wait time.Duration) (*store, error) {
	id, err := f.currentBuild()
	if err != nil {
		return nil, err
	}
	weight := ballast.New(filepath.Join(f.build(id), "ballast"))
	j, err := bolt.Open(ctx, f.journal(id), bolt.Options{Holder: f.lock(), Timeout: wait, Room: weight.Release})
	if err != nil {
		return nil, f.hurt(id, err)
	}
	s, err := f.with(ctx, id, j)
	if err != nil {
		return nil, err
	}
	s.ballast = weight
	return s, nil
}

// viewStore opens the folder's build for reading; a *checkpoint.LockedError when a build is running.
func viewStore(ctx context.Context, f folder) (*store, error) {
	id, err := f.currentBuild()
	if err != nil {
		return nil, err
	}
	j, err := bolt.OpenReadOnly(ctx, f.journal(id), bolt.Options{Holder: f.lock(), Timeout: 100 * time.Millisecond})
	if err != nil {
		return nil, f.hurt(id, err)
	}
	return f.with(ctx, id, j)
}

func (f folder) with(ctx context.Context, id string, j *bolt.Journal) (*store, error) {
	s := &store{folder: f, id: id, journal: j}
	err := f.owned(ctx, id, j)
	if err == nil {
		s.blobs, err = blob.Open(f.blobDir())
	}
	if err == nil {
		s.spools, err = blob.OpenSpools(s.blobs, filepath.Join(f.build(id), "spool"))
	}
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return s, nil
}

// Close gives everything back. A store that was opened for reading has no ballast.
func (s *store) Close() error {
	var err error
	if s.ballast != nil {
		err = s.ballast.Remove()
	}
	return errors.Join(err, s.journal.Close())
}

var _ checkpoint.Blobs = (*blob.Store)(nil)

// writeWhole replaces a file atomically.
func writeWhole(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = faultpoint.Write("file.write", tmp, content)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = faultpoint.At("file.rename")
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp.Name()))
	}
	return nil
}
