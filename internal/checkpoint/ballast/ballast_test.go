package ballast

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// allocated is how many bytes of disk the files below dir take, and how many files they are.
func allocated(t *testing.T, dir string) (bytes int64, n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		n++
		bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return bytes, n
}

// Ballast takes real space, is given back once when a disk is full, and can be laid again.
func TestBallast(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ballast")
	b := New(dir)
	if b.Release() {
		t.Error("released what was never laid")
	}
	for range 2 {
		if err := b.Lay(1 << 20); err != nil {
			t.Fatal(err)
		}
		if got, n := allocated(t, dir); got < 1<<20 || n != files || !b.Laid() || b.Used() {
			t.Errorf("%d bytes in %d files", got, n)
		}
		var wg sync.WaitGroup
		for range 4 { // all that meet the full disk may try again
			wg.Go(func() {
				if !b.Release() {
					t.Error("no room")
				}
			})
		}
		wg.Wait()
		if _, n := allocated(t, dir); n != 0 || b.Laid() || !b.Used() {
			t.Errorf("%d files are left", n)
		}
	}
	if err := b.Lay(4096); err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); err == nil || b.Laid() {
		t.Error("it is still there")
	}
}

// What a killed process left is laid anew; what cannot be laid leaves nothing.
func TestLeftBallast(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "ballast")
	if err := New(dir).Lay(8 << 12); err != nil {
		t.Fatal(err)
	}
	b := New(dir)
	if err := b.Lay(8 << 13); err != nil {
		t.Fatal(err)
	}
	if got, _ := allocated(t, dir); got < 8<<13 {
		t.Errorf("%d bytes", got)
	}
	if err := b.Lay(1 << 62); err == nil || b.Laid() {
		t.Errorf("laid more than any disk has: %v", err)
	}
	if _, err := os.Lstat(dir); err == nil {
		t.Error("something is left")
	}
}

func TestFillWrites(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(f, 100_000); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 100_000 {
		t.Errorf("%v, %v", info.Size(), err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for disk, want := range map[int64]int64{256 << 10: 16 << 10, 8 << 20: 512 << 10, 1 << 30: 16 << 20, 1 << 50: 16 << 20} {
		if got := Size(disk); got != want {
			t.Errorf("on %d: %d, want %d", disk, got, want)
		}
	}
}
