package bolt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
)

// The rules of a file whose sync failed are:
//   - the system may now take for written what it could not write: whoever opens the file reads records that a loss of
//     power takes away again. So who meets the failure leaves a mark beside it, first of all. (One that is
//     killed in between, or on whose disk no name can be made either, leaves none: what it did not get durable is then
//     only as safe as the machine's power.)
//   - the mark need not be durable: the loss of power that takes it takes what it warns of, too
//   - who opens a marked file for writing writes all of it again, in its place, and syncs it, before a record
//     of it is believed; pages first, then the two that say which pages count

const doubtMark = ".doubt"

// doubt marks the journal at path.
func doubt(path string) error {
	f, err := os.OpenFile(path+doubtMark, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// settle makes what is read of a marked file durable, and takes the mark away. The lock MUST be held.
func settle(path string, db *bbolt.DB) error {
	_, err := os.Lstat(path + doubtMark)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = rewrite(path, db)
	}
	if err == nil {
		err = os.Remove(path + doubtMark)
	}
	if err != nil {
		return fmt.Errorf("write again what could not be synced: %w", err)
	}
	return nil
}

// rewrite writes a file's pages over themselves, durably. Beyond the last one that was ever used there are holes:
// they take no room, and stay.
func rewrite(path string, db *bbolt.DB) error {
	var used int64
	if err := db.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(rewriteParts(f, 2*int64(db.Info().PageSize), used), f.Close())
}

// durable is a file that is written again.
type durable interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
}

// rewriteParts writes what stands behind the metas first: they are believed once they are durable.
func rewriteParts(f durable, metas, used int64) error {
	metas = min(metas, used)
	if err := rewritePart(f, metas, used); err != nil {
		return err
	}
	return rewritePart(f, 0, metas)
}

func rewritePart(f durable, from, to int64) error {
	buf := make([]byte, 1<<20)
	for at := from; at < to; {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), to-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		if _, err := f.WriteAt(buf[:n], at); err != nil {
			return err
		}
		at += int64(n)
	}
	return f.Sync()
}
