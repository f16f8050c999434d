package bolt

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/checkpointtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBoltKeepsThePromise(t *testing.T) {
	t.Parallel()
	checkpointtest.Run(t, checkpointtest.Journals{
		Open: func(t *testing.T) checkpoint.Journal { return created(t) },
		Reopen: func(t *testing.T, j checkpoint.Journal) checkpoint.Journal {
			return reopen(t, j.(*Journal))
		},
		Damage: func(t *testing.T, j checkpoint.Journal, seq uint64) checkpoint.Journal {
			edit(t, j.(*Journal), func(raw []byte) []byte {
				return bytes.ReplaceAll(raw, []byte{'{', '"', 'n', '"', ':', '0' + byte(seq)}, []byte(`{"n":9`))
			})
			return reopen(t, j.(*Journal))
		},
		Fail: func(_ *testing.T, j checkpoint.Journal, err error) {
			j.(*Journal).fault = func(point string) error { return err }
		},
	})
}

func created(t *testing.T) *Journal {
	t.Helper()
	j, err := Create(t.Context(), filepath.Join(t.TempDir(), "journal.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func reopen(t *testing.T, j *Journal) *Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), j.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// edit closes a journal and changes its file.
func edit(t *testing.T, j *Journal, change func([]byte) []byte) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.path, change(raw), 0o600); err != nil {
		t.Fatal(err)
	}
}
