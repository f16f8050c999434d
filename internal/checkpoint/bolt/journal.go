package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// ErrReadOnly is given for writes to a journal from OpenReadOnly.
var ErrReadOnly = errors.New("journal is open for reading only")

// The buckets of the file, and the keys of those that have fixed ones.
var (
	bucketMeta     = []byte("meta")
	bucketJournal  = []byte("journal")
	bucketSnapshot = []byte("snapshot")
	keySchema      = []byte("schema")
	keyLatest      = []byte("latest")
)

// Journal is a [checkpoint.Journal] in a bbolt file. It is safe for concurrent use.
type Journal struct {
	path     string
	options  Options
	readOnly bool
	holder   *holderFile

	file sync.RWMutex // held by readers of db, and alone while it is opened anew
	db   *bbolt.DB

	// fault, in tests, is asked before and after a transaction is committed.
	fault func(point string) error

	mu       sync.Mutex // held by writers, and while the fields below are used
	poisoned error
	closed   bool
}

// Path is the journal's file.
func (j *Journal) Path() string { return j.path }

// Append implements [checkpoint.Journal]: one Update, in which the number is checked once.
func (j *Journal) Append(ctx context.Context, last uint64, recs []checkpoint.Record) (uint64, error) {
	sealed := make([]checkpoint.Envelope, len(recs))
	for i, r := range recs {
		e, err := checkpoint.Seal(last+uint64(i)+1, r)
		if err != nil {
			return 0, err
		}
		sealed[i] = e
	}
	err := j.update(ctx, func(tx *bbolt.Tx, again bool) error {
		b := tx.Bucket(bucketJournal)
		have, err := lastOf(b)
		if err != nil {
			return err
		}
		if again && holds(b, sealed) {
			return nil // they were kept the first time; this commit makes sure of them
		}
		if have != last {
			return &clean{fmt.Errorf("%w to %d", checkpoint.ErrFenced, have)}
		}
		b.FillPercent = 0.9 // numbers only grow
		for _, e := range sealed {
			if err := b.Put(keyOf(e.Seq), e.Encode()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("append after %d: %w", last, err)
	}
	return last + uint64(len(recs)), nil
}

// Last implements [checkpoint.Journal].
func (j *Journal) Last(ctx context.Context) (last uint64, err error) {
	if err := j.usable(ctx); err != nil {
		return 0, err
	}
	err = j.view(func(tx *bbolt.Tx) error {
		last, err = lastOf(tx.Bucket(bucketJournal))
		return err
	})
	return last, err
}

// Save implements [checkpoint.Journal].
func (j *Journal) Save(ctx context.Context, s checkpoint.Snapshot) error {
	err := j.update(ctx, func(tx *bbolt.Tx, _ bool) error {
		last, err := lastOf(tx.Bucket(bucketJournal))
		if err != nil {
			return err
		}
		if err := checkpoint.CheckSnapshot(s, last); err != nil {
			return &clean{err}
		}
		return tx.Bucket(bucketSnapshot).Put(keyLatest, s.Encode())
	})
	if err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	return nil
}

// Snapshot implements [checkpoint.Journal].
func (j *Journal) Snapshot(ctx context.Context) (s checkpoint.Snapshot, err error) {
	if err := j.usable(ctx); err != nil {
		return s, err
	}
	err = j.view(func(tx *bbolt.Tx) error {
		raw := tx.Bucket(bucketSnapshot).Get(keyLatest)
		if raw == nil {
			return nil
		}
		s, err = checkpoint.DecodeSnapshot(raw)
		return err
	})
	return s, err
}

// Close implements [checkpoint.Journal].
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	if err := errors.Join(j.holder.remove(), j.db.Close()); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

func (j *Journal) usable(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.usableLocked(ctx)
}

func (j *Journal) usableLocked(ctx context.Context) error {
	switch {
	case j.closed:
		return checkpoint.ErrClosed
	case j.poisoned != nil:
		return fmt.Errorf("%w: %w", checkpoint.ErrPoisoned, j.poisoned)
	}
	return ctx.Err()
}

// clean marks an error that was found before anything was written.
type clean struct{ err error }

func (c *clean) Error() string { return c.err.Error() }
func (c *clean) Unwrap() error { return c.err }

// update runs fn in one durable transaction. Any error but a clean one poisons the journal: a
// commit that reports failure may still have become visible. On a full disk where room can be made,
// fn is run once more, and told so.
func (j *Journal) update(ctx context.Context, fn func(tx *bbolt.Tx, again bool) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usableLocked(ctx); err != nil {
		return err
	}
	if j.readOnly {
		return ErrReadOnly
	}
	err := faultpoint.At("journal.before_commit")
	if err == nil {
		err = j.commit(func(tx *bbolt.Tx) error { return fn(tx, false) })
	}
	if over, err := ended(err); over {
		return err
	}
	marked := doubt(j.path)
	if j.makeRoom(err) {
		if marked != nil { // now there may be room for it, too
			marked = doubt(j.path)
		}
		if err = errors.Join(marked, j.reopen(context.WithoutCancel(ctx))); err == nil {
			err = j.commit(func(tx *bbolt.Tx) error { return fn(tx, true) })
		}
	}
	if over, err := ended(err); over {
		return err
	}
	j.poisoned = errors.Join(spaceError(err), marked)
	return j.poisoned
}

// ended says whether an update has come to a plain end: it is durable, or nothing was written; then err is its error.
func ended(err error) (over bool, _ error) {
	if c := (*clean)(nil); errors.As(err, &c) {
		return true, c.err
	}
	return err == nil, err
}

// commit runs fn in one transaction.
func (j *Journal) commit(fn func(*bbolt.Tx) error) error {
	err := guard(func() error {
		return j.db.Update(func(tx *bbolt.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return j.faultAt("before commit")
		})
	})
	if err != nil {
		return err
	}
	return errors.Join(faultpoint.At("journal.after_commit"), j.faultAt("after commit"))
}

func (j *Journal) view(fn func(*bbolt.Tx) error) error {
	j.file.RLock()
	defer j.file.RUnlock()
	return guard(func() error {
		err := j.db.View(fn)
		if errors.Is(err, berrors.ErrDatabaseNotOpen) {
			return checkpoint.ErrClosed
		}
		return err
	})
}

func (j *Journal) faultAt(point string) error {
	if j.fault == nil {
		return nil
	}
	return j.fault(point)
}

// guard turns a panic or a page fault on a damaged file into ErrCorrupt.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", checkpoint.ErrCorrupt, p)
		}
	}()
	return fn()
}

// spaceError adds ErrFull to an error that means it.
func spaceError(err error) error {
	err = named(err)
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, berrors.ErrMaxSizeReached} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", checkpoint.ErrFull, err)
		}
	}
	return err
}

// named adds to an error what bbolt gives as text alone, as when it grows a file.
func named(err error) error {
	for _, known := range []error{syscall.EIO, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, berrors.ErrMaxSizeReached} {
		if err != nil && !errors.Is(err, known) && strings.HasSuffix(err.Error(), ": "+known.Error()) {
			return fmt.Errorf("%w: %w", known, err)
		}
	}
	return err
}

func keyOf(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func seqOf(key []byte) (uint64, error) {
	if len(key) != 8 {
		return 0, fmt.Errorf("%w: a key of %d bytes", checkpoint.ErrCorrupt, len(key))
	}
	return binary.BigEndian.Uint64(key), nil
}

func lastOf(b *bbolt.Bucket) (uint64, error) {
	k, _ := b.Cursor().Last()
	if k == nil {
		return 0, nil
	}
	return seqOf(k)
}
