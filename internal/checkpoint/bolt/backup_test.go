package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// A backup opens as a journal with the records of its moment; the newest two stay; what a killed
// process left is swept.
func TestBackup(t *testing.T) {
	t.Parallel()
	j := filled(t, 5)
	dir := filepath.Join(t.TempDir(), "backup")
	for n := uint64(5); n < 9; n++ {
		b, err := j.Backup(t.Context(), dir)
		if err != nil || b.Last != n {
			t.Fatalf("%+v, %v", b, err)
		}
		if err := os.WriteFile(filepath.Join(dir, "torn.tmp"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Append(t.Context(), n, []checkpoint.Record{{Kind: "k"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Backup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	all, err := Backups(dir)
	if err != nil || len(all) != keptBackups || all[0].Last != 9 || all[1].Last != 8 {
		t.Fatalf("%+v, %v", all, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != keptBackups {
		t.Errorf("%v, %v", files, err)
	}
	old, err := OpenReadOnly(t.Context(), all[1].Path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if last, err := old.Last(t.Context()); err != nil || last != 8 {
		t.Errorf("%d, %v", last, err)
	}
	if e, err := old.First(t.Context()); err != nil || e.Seq != 1 || e.Kind != "k" {
		t.Errorf("%+v, %v", e, err)
	}
	if err := errors.Join(old.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
}

// A damaged journal gives no backup, and pushes out none.
func TestNoBackupOfDamage(t *testing.T) {
	t.Parallel()
	j := filled(t, 5)
	dir := filepath.Join(t.TempDir(), "backup")
	if _, err := j.Backup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), 5, []checkpoint.Record{{Kind: "k"}}); err != nil {
		t.Fatal(err)
	}
	if err := j.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketJournal).Put(keyOf(3), []byte("not a record")) }); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Backup(t.Context(), dir); !errors.Is(err, checkpoint.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
	if all, err := Backups(dir); err != nil || len(all) != 1 || all[0].Last != 5 {
		t.Errorf("%+v, %v", all, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// Backups are made beside a writer that makes the file grow; each is whole.
func TestBackupBesideAWriter(t *testing.T) {
	t.Parallel()
	j := filled(t, 1)
	dir := filepath.Join(t.TempDir(), "backup")
	var wg sync.WaitGroup
	wg.Go(func() {
		payload := []byte(`"` + string(make512()) + `"`)
		for n := uint64(1); n < 2000; n += 20 {
			recs := make([]checkpoint.Record, 20)
			for i := range recs {
				recs[i] = checkpoint.Record{Kind: "k", Payload: payload}
			}
			if _, err := j.Append(t.Context(), n, recs); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 10 {
		if _, err := j.Backup(t.Context(), dir); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func make512() []byte {
	b := make([]byte, 512)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

func TestBackupsOfNothing(t *testing.T) {
	t.Parallel()
	if all, err := Backups(filepath.Join(t.TempDir(), "none")); err != nil || all != nil {
		t.Errorf("%v, %v", all, err)
	}
	j := filled(t, 1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Backup(t.Context(), t.TempDir()); !errors.Is(err, checkpoint.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// What is replaced is kept aside as it was; a holder keeps it in place.
func TestReplace(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]func(t *testing.T, path string){
		"a file":   func(t *testing.T, path string) { write(t, path, "damaged") },
		"a folder": func(t *testing.T, path string) { write(t, filepath.Join(path, "file"), "x") },
		"nothing":  func(*testing.T, string) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, with, aside := filepath.Join(dir, "journal.db"), filepath.Join(dir, "new.tmp"), filepath.Join(dir, "old.db")
			old(t, path)
			if err := Make(t.Context(), with, []checkpoint.Record{{Kind: "k"}}); err != nil {
				t.Fatal(err)
			}
			if err := Replace(t.Context(), path, with, aside, Options{}); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(aside); (err == nil) == (name == "nothing") {
				t.Errorf("aside: %v", err)
			}
			j, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var locked *checkpoint.LockedError
			if err := Replace(t.Context(), path, with, aside+"2", Options{}); !errors.As(err, &locked) || locked.PID != os.Getpid() {
				t.Errorf("got %v, want a LockedError", err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
