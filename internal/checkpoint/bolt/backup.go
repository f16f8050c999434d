package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// The rules of backups are:
//   - one is a file of its own in a folder of its own, named by the number of its newest record
//   - it is copied inside a read transaction, which keeps no writer waiting but one whose file must
//     be mapped anew; it is synced and read outside
//   - only one that can be read from its first record to its last gets its name, and only then
//     are older ones removed: a damaged journal never pushes out a good backup

// keptBackups is how many backups of a journal stay.
const keptBackups = 2

const backupSuffix = ".db"

// Backup is a whole copy of a journal.
type Backup struct {
	Path string
	Last uint64 // number of its newest record
}

// Backup copies the journal as it stands into dir, durably, and removes all but the newest two
// copies there. It may run while the journal is written. ErrCorrupt when the copy cannot be read:
// then the journal is damaged, and the older copies stay.
func (j *Journal) Backup(ctx context.Context, dir string) (Backup, error) {
	b, err := j.backup(ctx, dir)
	if err != nil {
		return Backup{}, fmt.Errorf("back up journal %s: %w", j.path, spaceError(err))
	}
	return b, nil
}

func (j *Journal) backup(ctx context.Context, dir string) (Backup, error) {
	if err := j.usable(ctx); err != nil {
		return Backup{}, err
	}
	if err := makeBackups(dir); err != nil {
		return Backup{}, err
	}
	temp, last, err := j.copyTo(dir)
	if err != nil {
		return Backup{}, err
	}
	b := Backup{Path: filepath.Join(dir, fmt.Sprintf("%012d", last)+backupSuffix), Last: last}
	err = readable(ctx, temp, last)
	if err == nil {
		err = os.Rename(temp, b.Path)
	}
	if err != nil {
		return Backup{}, errors.Join(err, os.Remove(temp))
	}
	return b, errors.Join(syncPath(dir), pruneBackups(dir))
}

// makeBackups makes the folder where there is none, and removes what a killed process left in it.
func makeBackups(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return syncPath(filepath.Dir(dir))
}

// copyTo writes the journal to a temporary file, synced, and says what its newest record is.
func (j *Journal) copyTo(dir string) (name string, last uint64, err error) {
	temp, err := os.CreateTemp(dir, "*.tmp") // 0600
	if err != nil {
		return "", 0, err
	}
	err = j.view(func(tx *bbolt.Tx) error {
		if last, err = lastOf(tx.Bucket(bucketJournal)); err != nil {
			return err
		}
		_, err = tx.WriteTo(temp)
		return err
	})
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return "", 0, errors.Join(err, os.Remove(temp.Name()))
	}
	return temp.Name(), last, nil
}

// readable reads a copy from its first record to its last.
func readable(ctx context.Context, path string, last uint64) error {
	j, err := OpenReadOnly(ctx, path, Options{})
	if err != nil {
		return err
	}
	n := uint64(0)
	err = j.Read(ctx, 0, func(checkpoint.Envelope) error { n++; return nil })
	if err == nil && n != last {
		err = fmt.Errorf("%w: %d of %d records can be read", checkpoint.ErrCorrupt, n, last)
	}
	return errors.Join(err, j.Close())
}

// Backups lists the backups in dir, the newest first. No folder means none.
func Backups(dir string) ([]Backup, error) {
	files, err := os.ReadDir(dir) // sorted by name, and so by number
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	var out []Backup
	for i := len(files) - 1; i >= 0; i-- {
		number, ok := strings.CutSuffix(files[i].Name(), backupSuffix)
		last, err := strconv.ParseUint(number, 10, 64)
		if ok && err == nil {
			out = append(out, Backup{Path: filepath.Join(dir, files[i].Name()), Last: last})
		}
	}
	return out, nil
}

func pruneBackups(dir string) error {
	all, err := Backups(dir)
	if err != nil {
		return err
	}
	for _, old := range all[min(keptBackups, len(all)):] {
		if err := os.Remove(old.Path); err != nil {
			return err
		}
	}
	return nil
}
