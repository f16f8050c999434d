package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// The rules of compacting are:
//   - nobody else has the journal open; whoever waits for it finds the new file, not the old one
//   - the new file is written whole, synced and held against the old one, entry by entry, before it
//     gets the name: a kill at any point leaves one of the two, and both say the same
//   - a journal that would not become smaller is left as it is

// compactBatch is how much is copied in one transaction, in bytes.
const compactBatch = 16 << 20

// Compact writes the journal at path anew, without the pages that nothing is on any more, and returns
// its size before and after. With dry nothing changes. A [checkpoint.LockedError] when another process
// holds it.
func Compact(ctx context.Context, path string, o Options, dry bool) (before, after int64, err error) {
	before, after, err = compact(ctx, path, o, dry)
	if err != nil {
		return 0, 0, fmt.Errorf("compact journal %s: %w", path, spaceError(err))
	}
	return before, after, nil
}

func compact(ctx context.Context, path string, o Options, dry bool) (before, after int64, err error) {
	j, err := Open(ctx, path, o)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	if !dry {
		if err := dropTemps(path); err != nil {
			return 0, 0, err
		}
	}
	if before, err = sizeOf(path); err != nil {
		return 0, 0, err
	}
	temp, err := j.copyCompact(path)
	if err != nil {
		return 0, 0, err
	}
	if after, err = sizeOf(temp); err != nil || dry || after >= before {
		return before, min(before, after), errors.Join(err, os.Remove(temp))
	}
	if err := j.faultAt("before rename"); err != nil {
		return 0, 0, err
	}
	if err := os.Rename(temp, path); err != nil {
		return 0, 0, errors.Join(err, os.Remove(temp))
	}
	return before, after, syncPath(filepath.Dir(path))
}

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// dropTemps removes what killed processes left of making this journal, while its lock is held.
func dropTemps(path string) error {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), filepath.Base(path)+".*.tmp"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// copyCompact writes the compact form to a temporary file, synced and held against the journal.
func (j *Journal) copyCompact(path string) (string, error) {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // 0600
	if err != nil {
		return "", err
	}
	if err := temp.Close(); err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	db, err := bbolt.Open(temp.Name(), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true, NoGrowSync: true})
	if err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	err = guard(func() error { return bbolt.Compact(db, j.db, compactBatch) })
	if err == nil {
		err = j.view(func(tx *bbolt.Tx) error {
			return db.View(func(copied *bbolt.Tx) error { return sameBuckets(tx, copied) })
		})
	}
	if err = errors.Join(err, db.Sync(), db.Close()); err != nil {
		return "", errors.Join(err, os.Remove(temp.Name()))
	}
	return temp.Name(), nil
}

// sameBuckets says whether two files hold the same, entry by entry.
func sameBuckets(a, b *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketJournal, bucketSnapshot} {
		x, y := a.Bucket(name), b.Bucket(name)
		if x == nil || y == nil {
			return fmt.Errorf("%w: bucket %s is missing", checkpoint.ErrCorrupt, name)
		}
		c, d := x.Cursor(), y.Cursor()
		k, v := c.First()
		l, w := d.First()
		for k != nil && bytes.Equal(k, l) && bytes.Equal(v, w) {
			k, v = c.Next()
			l, w = d.Next()
		}
		if k != nil || l != nil {
			return fmt.Errorf("%w: the copy of bucket %s differs", checkpoint.ErrCorrupt, name)
		}
	}
	return nil
}
