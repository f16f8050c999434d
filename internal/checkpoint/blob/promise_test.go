package blob

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/checkpointtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStoreKeepsThePromise(t *testing.T) {
	t.Parallel()
	checkpointtest.RunBlobs(t, func(t *testing.T) checkpoint.Blobs { return opened(t, t.TempDir()) }, damageBlob)
}

func TestSpoolsKeepThePromise(t *testing.T) {
	t.Parallel()
	checkpointtest.RunSpools(t, func(t *testing.T) (checkpoint.Spools, checkpoint.Blobs) {
		s := opened(t, t.TempDir())
		return openedSpools(t, s), s
	})
}

// damageBlob flips a bit in the middle of the file of a blob.
func damageBlob(t *testing.T, b checkpoint.Blobs, h checkpoint.Hash) {
	t.Helper()
	path, err := b.(*Store).find(h)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 0x10
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func opened(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openedSpools(t *testing.T, s *Store) *Spools {
	t.Helper()
	sp, err := OpenSpools(s, filepath.Join(filepath.Dir(s.dir), "spool"))
	if err != nil {
		t.Fatal(err)
	}
	return sp
}
