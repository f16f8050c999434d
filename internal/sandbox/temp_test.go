package sandbox_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// A folder that is swept before it is locked is made again: who asks for one gets one.
func TestNewTempBesideSweeps(t *testing.T) { // not parallel: it sets the environment
	t.Setenv("TMPDIR", t.TempDir())
	stop := make(chan struct{})
	swept := make(chan error)
	go func() {
		var err error
		for err == nil {
			select {
			case <-stop:
				swept <- nil
				return
			default:
				err = sandbox.Sweep()
			}
		}
		swept <- err
	}()
	for range 200 {
		temp, err := sandbox.NewTemp("run")
		if err != nil {
			t.Error(err)
			break
		}
		if _, err := os.Stat(temp.Path); err != nil {
			t.Error(err)
		}
		if err := temp.Remove(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-swept; err != nil {
		t.Error(err)
	}
}

// leave, in a child, makes a folder and is killed over it.
const leave = "BUILDER_TEST_LEAVE"

// What a killed process left is removed, read-only folders in it too; what a living one holds, and
// what is somebody else's, stays.
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
	if err := os.Mkdir(filepath.Join(os.TempDir(), "builder-new-run-1"), 0o700); err != nil { // its maker was killed before it held it
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), exe, "-test.run=^TestLeave$")
	child.Env = append(os.Environ(), leave+"=1")
	if err := child.Run(); err == nil {
		t.Fatal("the child was not killed")
	}
	if n := count(t); n != 4 {
		t.Fatalf("%d folders before the sweep, want 4", n)
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
		t.Errorf("%d folders after the sweep, want 2", n)
	}
	if err := held.Remove(); err != nil || count(t) != 1 {
		t.Errorf("removed: %v", err)
	}
}

func TestLeave(t *testing.T) {
	if os.Getenv(leave) == "" {
		t.Skip("runs as a child only")
	}
	temp, err := sandbox.NewTemp("run")
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
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	t.Error(err)
	select {}
}

func count(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
