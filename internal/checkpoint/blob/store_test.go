package blob

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

func TestModes(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir())
	sp, err := openedSpools(t, s).Create("op")
	if err != nil {
		t.Fatal(err)
	}
	_, errKeep := sp.Keep(t.Context())
	_, errPut := s.Put(t.Context(), []byte("secret"))
	if err := errors.Join(errKeep, errPut); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(filepath.Dir(s.dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == filepath.Dir(s.dir) {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A put that fails at any step leaves no name, or a whole blob, and no temporary file.
func TestFailedPut(t *testing.T) {
	t.Parallel()
	content := []byte("an answer that was paid for")
	for _, step := range []string{"write", "sync", "link", "sync folder"} {
		s := opened(t, t.TempDir())
		s.fault = func(at string) error {
			if at == step {
				return syscall.ENOSPC
			}
			return nil
		}
		if _, err := s.Put(t.Context(), content); !errors.Is(err, checkpoint.ErrFull) {
			t.Errorf("%s: got %v, want ErrFull", step, err)
		}
		ok, err := s.Has(t.Context(), checkpoint.HashOf(content))
		if err != nil || ok != (step == "sync folder") {
			t.Errorf("%s: has %t, %v", step, ok, err)
		}
		temps, err := os.ReadDir(filepath.Join(s.dir, tmpDir))
		if err != nil || len(temps) != 0 {
			t.Errorf("%s: left %v, %v", step, temps, err)
		}
		s.fault = nil
		if _, err := s.Put(t.Context(), content); err != nil {
			t.Errorf("%s: again: %v", step, err)
		}
		if got, err := s.Get(t.Context(), checkpoint.HashOf(content)); err != nil || string(got) != string(content) {
			t.Errorf("%s: got %q, %v", step, got, err)
		}
	}
}

// written is a spool for "op" that holds a content.
func written(t *testing.T, spools *Spools, content string) checkpoint.Spool {
	t.Helper()
	sp, err := spools.Create("op")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sp.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	return sp
}

// A crash between the link and its record must not lose the way from the op to the answer.
func TestSpoolIsLinkedNotRenamed(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir())
	spools := openedSpools(t, s)
	sp := written(t, spools, "answer")
	s.fault = func(string) error { return errors.New("crash") }
	if _, err := sp.Keep(t.Context()); err == nil {
		t.Fatal("no error")
	}
	s.fault = nil
	h, err := sp.Keep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := os.Stat(filepath.Join(spools.dir, "op"))
	two, err2 := os.Stat(s.path(h))
	if errors.Join(err1, err2) != nil || !os.SameFile(one, two) {
		t.Errorf("not one file: %v %v", err1, err2)
	}
}

// What an earlier process wrote may never have reached the disk, where a sync of it failed, and no later
// sync of that file makes it: its bytes are written anew.
func TestOldSpoolIsCopied(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir())
	spools := openedSpools(t, s)
	sp := written(t, spools, "answer")
	if err := sp.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := spools.Copy(t.Context(), "op")
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := os.Stat(filepath.Join(spools.dir, "op"))
	two, err2 := os.Stat(s.path(h))
	if errors.Join(err1, err2) != nil || os.SameFile(one, two) {
		t.Errorf("one file, or %v %v", err1, err2)
	}
}

func TestSpoolHealsADamagedBlob(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"raw", string(make([]byte, 5000))} {
		s := opened(t, t.TempDir())
		spools := openedSpools(t, s)
		h, err := s.Put(t.Context(), []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		damageBlob(t, s, h)
		sp := written(t, spools, content)
		if _, err := sp.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), h); err != nil || string(got) != content {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
	}
}

func TestListRemoveSweep(t *testing.T) {
	t.Parallel()
	s := opened(t, t.TempDir())
	hashes, err := s.PutAll(t.Context(), [][]byte{[]byte("a"), []byte("b"), make([]byte, 9999)})
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(s.dir, tmpDir, "left.tmp")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	slices.Sort(hashes)
	if got, err := s.List(t.Context()); err != nil || !slices.Equal(got, hashes) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, h := range []checkpoint.Hash{hashes[0], hashes[0], checkpoint.HashOf(make([]byte, 9999))} {
		if err := s.Remove(t.Context(), h); err != nil {
			t.Error(err)
		}
	}
	if got, err := s.List(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := s.Remove(t.Context(), "../../x"); !errors.Is(err, checkpoint.ErrInvalidName) {
		t.Errorf("got %v, want ErrInvalidName", err)
	}
	if n, err := s.Sweep(t.Context(), time.Unix(1, 0)); err != nil || n != 0 {
		t.Errorf("swept %d, %v; want 0", n, err)
	}
	info, err := os.Stat(old)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Sweep(t.Context(), info.ModTime().Add(1)); err != nil || n != 1 {
		t.Errorf("swept %d, %v; want 1", n, err)
	}
}
