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
)

// Create makes an empty journal at path and opens it; ErrExists when there is one. It is written
// whole under another name first: power loss never leaves half a journal at path.
func Create(ctx context.Context, path string, o Options) (*Journal, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("create journal %s: %w", path, err)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("create journal %s: %w", path, err)
	}
	return Open(ctx, path, o)
}

func create(path string) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return checkpoint.ErrExists
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return spaceError(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	temp := filepath.Join(dir, "new")
	if err := writeEmpty(temp); err != nil {
		return spaceError(err)
	}
	// A link, unlike a rename, does not replace what another process put there meanwhile.
	if err := os.Link(temp, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return checkpoint.ErrExists
		}
		return spaceError(err)
	}
	return syncDir(filepath.Dir(path))
}

func writeEmpty(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true})
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
		return meta.Put(keySchema, strconv.AppendInt(nil, checkpoint.Schema, 10))
	})
	if err := errors.Join(err, db.Sync(), db.Close()); err != nil {
		return err
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
