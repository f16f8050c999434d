package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Options decide how a journal is opened. The zero value is right for real builds.
type Options struct {
	Timeout time.Duration    // how long to wait for the holder; default 2 s
	MaxSize int              // of the file, in bytes; default 2 GiB
	Holder  string           // side file that names the holder; default "lock" beside the journal
	Now     func() time.Time // default time.Now
	// Room is asked when the disk is full: it makes room, if it can, and says whether there may be
	// some. The write is then tried once more. nil makes none.
	Room func() bool
}

const (
	defaultTimeout = 2 * time.Second
	defaultMaxSize = 2 << 30
	lockSlice      = 100 * time.Millisecond // of waiting, between two looks at the context
)

func (o Options) withDefaults(path string) Options {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxSize <= 0 {
		o.MaxSize = defaultMaxSize
	}
	if o.Holder == "" {
		o.Holder = filepath.Join(filepath.Dir(path), "lock")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Open opens the journal at path for reading and writing. ErrNotFound when there is none, a
// [checkpoint.LockedError] when another process holds it, ErrCorrupt when the file is not a whole
// journal, ErrNewer when a newer program wrote it.
func Open(ctx context.Context, path string, o Options) (*Journal, error) {
	return open(ctx, path, o, false)
}

// OpenReadOnly opens the journal for reading, for as long as nobody holds it. It does not become
// the holder, but keeps a writer out until Close. Append and Save give ErrReadOnly.
func OpenReadOnly(ctx context.Context, path string, o Options) (*Journal, error) {
	return open(ctx, path, o, true)
}

func open(ctx context.Context, path string, o Options, readOnly bool) (*Journal, error) {
	o = o.withDefaults(path)
	if err := checkFile(path); err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	db, err := openWaiting(ctx, path, o, readOnly)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	j := &Journal{db: db, path: path, options: o, readOnly: readOnly}
	if err := j.check(); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), db.Close())
	}
	if !readOnly {
		if err := settle(path, db); err != nil {
			return nil, errors.Join(fmt.Errorf("open journal %s: %w", path, spaceError(err)), db.Close())
		}
		if j.holder, err = writeHolder(o.Holder, o.Now()); err != nil {
			return nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), db.Close())
		}
	}
	return j, nil
}

// checkFile refuses what bbolt would create, initialise or hang on.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", checkpoint.ErrNotFound, err)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: not a regular file", checkpoint.ErrCorrupt)
	case info.Size() == 0:
		return fmt.Errorf("%w: the file is empty", checkpoint.ErrCorrupt)
	}
	return nil
}

// openWaiting waits for the holder in slices, so that the end of ctx is heard.
func openWaiting(ctx context.Context, path string, o Options, readOnly bool) (*bbolt.DB, error) {
	for left := o.Timeout; ; left -= lockSlice {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		db, err := openGuarded(path, &bbolt.Options{
			Timeout: min(left, lockSlice), MaxSize: o.MaxSize, ReadOnly: readOnly, FreelistType: bbolt.FreelistMapType,
		})
		if !errors.Is(err, berrors.ErrTimeout) {
			return db, err
		}
		if left <= lockSlice {
			return nil, readHolder(o.Holder, path)
		}
	}
}

// openGuarded turns what bbolt does with damaged files, errors, panics and page faults, into
// ErrCorrupt, and lets go of the file and its lock.
func openGuarded(path string, o *bbolt.Options) (db *bbolt.DB, err error) {
	var file *os.File
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag&^os.O_CREATE, mode)
		file = f
		return f, err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			// The memory map, which only bbolt could undo, would keep the lock alive.
			unlock := syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
			db, err = nil, errors.Join(fmt.Errorf("%w: %v", checkpoint.ErrCorrupt, p), unlock, file.Close())
		}
	}()
	db, err = bbolt.Open(path, 0o600, o)
	if err == nil && moved(path, file) { // by whoever was waited for: the name is another file's now
		return nil, errors.Join(berrors.ErrTimeout, db.Close())
	}
	if errno := syscall.Errno(0); err != nil && !errors.Is(err, berrors.ErrTimeout) && !errors.As(err, &errno) {
		err = fmt.Errorf("%w: %w", checkpoint.ErrCorrupt, err) // not the system's, so of what is in the file
	}
	return db, err
}

// moved says whether a path names another file than the open one.
func moved(path string, f *os.File) bool {
	is, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err != nil || !os.SameFile(is, named)
}

// check looks at what a journal must have: as many bytes as it says, its buckets, a schema that is
// known, and a newest record that is whole.
func (j *Journal) check() error {
	return j.view(func(tx *bbolt.Tx) error {
		info, err := os.Stat(j.path)
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: truncated: %d of %d bytes are left", checkpoint.ErrCorrupt, info.Size(), tx.Size())
		}
		meta := tx.Bucket(bucketMeta)
		if meta == nil || tx.Bucket(bucketJournal) == nil || tx.Bucket(bucketSnapshot) == nil {
			return fmt.Errorf("%w: not a journal of builder", checkpoint.ErrCorrupt)
		}
		schema, err := strconv.Atoi(string(meta.Get(keySchema)))
		if err != nil || schema < 1 {
			return fmt.Errorf("%w: schema %q", checkpoint.ErrCorrupt, meta.Get(keySchema))
		}
		if schema > checkpoint.Schema {
			return fmt.Errorf("%w: schema %d, known up to %d", checkpoint.ErrNewer, schema, checkpoint.Schema)
		}
		k, v := tx.Bucket(bucketJournal).Cursor().Last()
		if k == nil {
			return nil
		}
		seq, err := seqOf(k)
		if err != nil {
			return err
		}
		_, err = checkpoint.DecodeEnvelope(seq, v)
		return err
	})
}
