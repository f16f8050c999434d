package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Bounds of what is copied out in one transaction, in records and bytes. A transaction that stays
// open while fn works would stop the writer when the file must grow, and fn for ever if it appends.
const (
	chunkRecords = 512
	chunkBytes   = 1 << 20
)

// Read implements [checkpoint.Journal].
func (j *Journal) Read(ctx context.Context, from uint64, fn func(checkpoint.Envelope) error) error {
	for {
		if err := j.usable(ctx); err != nil {
			return err
		}
		chunk, err := j.chunk(from + 1)
		if err != nil {
			return err
		}
		if len(chunk) == 0 {
			return nil
		}
		for _, e := range chunk {
			if err := fn(e); err != nil {
				return err
			}
		}
		from += uint64(len(chunk))
	}
}

// First returns the record that opens the journal; ErrNotFound when there is none.
func (j *Journal) First(ctx context.Context) (e checkpoint.Envelope, err error) {
	if err := j.usable(ctx); err != nil {
		return e, err
	}
	err = j.view(func(tx *bbolt.Tx) error {
		k, v := tx.Bucket(bucketJournal).Cursor().First()
		if k == nil {
			return fmt.Errorf("read first record: %w", checkpoint.ErrNotFound)
		}
		e, err = decode(1, k, v)
		return err
	})
	return e, err
}

// chunk copies out envelopes from number next on. Where one is damaged it gives those before it,
// and the error when that one is the first.
func (j *Journal) chunk(next uint64) (out []checkpoint.Envelope, err error) {
	err = j.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketJournal).Cursor()
		size := 0
		for k, v := c.Seek(keyOf(next)); k != nil && len(out) < chunkRecords && size < chunkBytes; k, v = c.Next() {
			e, err := decode(next+uint64(len(out)), k, v)
			if err != nil && len(out) > 0 {
				return nil
			}
			if err != nil {
				return err
			}
			out, size = append(out, e), size+len(v)
		}
		return nil
	})
	return out, err
}

func decode(want uint64, k, v []byte) (checkpoint.Envelope, error) {
	seq, err := seqOf(k)
	if err != nil {
		return checkpoint.Envelope{}, err
	}
	if seq != want {
		return checkpoint.Envelope{}, fmt.Errorf("read record %d: %w: it is missing, next is %d", want, checkpoint.ErrCorrupt, seq)
	}
	return checkpoint.DecodeEnvelope(seq, v)
}
