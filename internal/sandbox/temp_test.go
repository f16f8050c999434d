package sandbox_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// leave, in a child, is the step of making a folder at which the child is killed.
const leave = "BUILDER_TEST_LEAVE"

// What a killed process left is removed, whatever it was about, read-only folders in it too; what a
// living one holds, and what is somebody else's, stays.
func TestSweep(t *testing.T) { // not parallel: it sets the environment
	t.Setenv("TMPDIR", t.TempDir())
	if os.Getenv(leave) != "" {
		t.Skip("the child has another test")
	}
	held, err := sandbox.NewTemp("run")
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(os.TempDir(), "builder-other")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []string{"made", "opened", "locked", "used"} {
		child := exec.CommandContext(t.Context(), exe, "-test.run=^TestLeave$")
		child.Env = append(os.Environ(), leave+"="+step)
		if err := child.Run(); err == nil {
			t.Fatalf("%s: the child was not killed", step)
		}
		if n := count(t); n != 3 {
			t.Fatalf("%s: %d folders before the sweep, want 3", step, n)
		}
		if err := sandbox.Sweep(); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{held.Path, foreign} {
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
		if n := count(t); n != 2 {
			t.Errorf("%s: %d folders after the sweep, want 2", step, n)
		}
	}
	if err := held.Remove(); err != nil || count(t) != 1 {
		t.Errorf("removed: %v", err)
	}
}

func TestLeave(t *testing.T) {
	last := os.Getenv(leave)
	if last == "" {
		t.Skip("runs as a child only")
	}
	temp, err := sandbox.NewTempAt("run", func(step string) {
		if step == last {
			die(t)
		}
	})
	if err != nil {
		os.Exit(0) // which the parent reports
	}
	dir := filepath.Join(temp.Path, "home", "cache")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		os.Exit(0)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o400); err != nil {
		os.Exit(0)
	}
	if err := os.Chmod(dir, fs.FileMode(0o500)); err != nil {
		os.Exit(0)
	}
	die(t)
}

// die is a kill -9.
func die(t *testing.T) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	t.Error(err)
	select {}
}

// A folder that is swept while it is made is made again; one that is locked is not swept.
func TestSweptWhileMade(t *testing.T) { // not parallel: it sets the environment
	t.Setenv("TMPDIR", t.TempDir())
	for _, step := range []string{"made", "opened", "locked"} {
		made := 0
		temp, err := sandbox.NewTempAt("run", func(now string) {
			if now == "made" {
				made++
			}
			if now == step && made == 1 {
				if err := sandbox.Sweep(); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		want := 2
		if step == "locked" {
			want = 1
		}
		if n := count(t); made != want || n != 1 {
			t.Errorf("%s: made %d times, want %d; %d folders, want 1", step, made, want, n)
		}
		if err := sandbox.Sweep(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(temp.Path); err != nil {
			t.Errorf("%s: a held folder was swept: %v", step, err)
		}
		if err := temp.Remove(); err != nil {
			t.Error(err)
		}
	}
}

// Folders that are made and swept at once are held by those who made them, or gone.
func TestManyMakersAndSweeps(t *testing.T) { // not parallel: it sets the environment
	t.Setenv("TMPDIR", t.TempDir())
	done := make(chan struct{})
	var makers, sweepers sync.WaitGroup
	for range 2 {
		sweepers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := sandbox.Sweep(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 4 {
		makers.Go(func() {
			for range 200 {
				temp, err := sandbox.NewTemp("run")
				if err != nil {
					t.Error(err)
					return
				}
				err = os.WriteFile(filepath.Join(temp.Path, "file"), nil, 0o600)
				if err := errors.Join(err, temp.Remove()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	makers.Wait()
	close(done)
	sweepers.Wait()
	if n := count(t); n != 0 {
		t.Errorf("%d folders are left", n)
	}
}

func count(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
