package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// Create makes an empty journal at path and opens it; ErrExists when there is one. It is written
// whole under another name first: power loss never leaves half a journal at path.
func Create(ctx context.Context, path string, o Options) (*Journal, error) {
	if err := Make(ctx, path, nil); err != nil {
		return nil, err
	}
	return Open(ctx, path, o)
}

// Make is Create for a journal that begins with recs, and leaves it closed: records and file become
// durable together, for the price of the file.
func Make(ctx context.Context, path string, recs []checkpoint.Record) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("create journal %s: %w", path, err)
	}
	if err := create(path, recs); err != nil {
		return fmt.Errorf("create journal %s: %w", path, err)
	}
	return nil
}

func create(path string, recs []checkpoint.Record) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return checkpoint.ErrExists
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // 0600
	if err != nil {
		return spaceError(err)
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	if err := errors.Join(temp.Close(), writeNew(temp.Name(), recs)); err != nil {
		return spaceError(err)
	}
	// A link, unlike a rename, does not replace what another process put there meanwhile.
	if err := link(temp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return checkpoint.ErrExists
		}
		return spaceError(err)
	}
	return syncPath(filepath.Dir(path))
}

func link(from, to string) error {
	if err := faultpoint.At("journal.link"); err != nil {
		return err
	}
	return os.Link(from, to)
}

func writeNew(path string, recs []checkpoint.Record) error {
	if err := faultpoint.At("journal.create"); err != nil {
		return err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true, NoGrowSync: true})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketJournal, bucketSnapshot} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		meta, err := tx.CreateBucket(bucketMeta)
		if err != nil {
			return err
		}
		if err := meta.Put(keySchema, strconv.AppendInt(nil, checkpoint.Schema, 10)); err != nil {
			return err
		}
		for i, r := range recs {
			e, err := checkpoint.Seal(uint64(i)+1, r)
			if err != nil {
				return err
			}
			if err := tx.Bucket(bucketJournal).Put(keyOf(e.Seq), e.Encode()); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Sync(), db.Close()); err != nil {
		return err
	}
	return nil
}

// syncPath makes what a file holds, or what names a folder has, durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
