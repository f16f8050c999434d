package bolt

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// The rules of a write that met a full disk are:
//   - room is made, and asked for, once for each write
//   - what the first try left is ambiguous, so the file is opened anew: only that tells what was kept
//   - the sync of the first commit may be what failed: the file is written again before anything of it is believed
//   - records that were kept are not written twice; they are committed once more
//   - a second failure poisons the journal like any other

// makeRoom says whether err means a full disk, and that there may be room now.
func (j *Journal) makeRoom(err error) bool {
	if j.options.Room == nil || errors.Is(err, berrors.ErrMaxSizeReached) {
		return false
	}
	return errors.Is(spaceError(err), checkpoint.ErrFull) && j.options.Room()
}

// reopen opens the file anew. Between the two another process may take the journal: then it is
// theirs, and the error says so.
func (j *Journal) reopen(ctx context.Context) error {
	j.file.Lock()
	defer j.file.Unlock()
	if err := j.db.Close(); err != nil {
		return err
	}
	db, err := openWaiting(ctx, j.path, j.options, false)
	if err != nil {
		return err
	}
	j.db = db
	return settle(j.path, db)
}

// holds says whether the bucket ends with exactly these envelopes.
func holds(b *bbolt.Bucket, sealed []checkpoint.Envelope) bool {
	c := b.Cursor()
	k, v := c.Last()
	for i := len(sealed) - 1; i >= 0; i-- {
		if !bytes.Equal(k, keyOf(sealed[i].Seq)) || !bytes.Equal(v, sealed[i].Encode()) {
			return false
		}
		k, v = c.Prev()
	}
	return true
}
