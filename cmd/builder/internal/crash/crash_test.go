package crash

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// A seed draws one schedule: as many kills as were asked for, a fifth of them in recovery, all kinds.
func TestSchedule(t *testing.T) {
	t.Parallel()
	draws := schedule(3, 200, 20, time.Second)
	if !reflect.DeepEqual(draws, schedule(3, 200, 20, time.Second)) || reflect.DeepEqual(draws, schedule(4, 200, 20, time.Second)) {
		t.Error("a seed and a schedule are not the same thing")
	}
	count, steps := map[Kind]int{}, 0
	for _, d := range draws {
		count[d.kind]++
		if d.step != 0 {
			steps++
		}
		if d.share < 0 || d.share >= 1 || d.gap > time.Second || d.kind != Stop && d.gap > 50*time.Millisecond || epoch+int64(d.step/time.Second) < 0 {
			t.Errorf("%+v", d)
		}
	}
	if want := (map[Kind]int{Kill: 160, Recovery: 40, Terminate: 20, Interrupt: 20, Stop: 20, Two: 20}); !reflect.DeepEqual(count, want) || steps == 0 {
		t.Errorf("%v and %d steps of the clock, want %v", count, steps, want)
	}
}

// What must not be left is found wherever it is, and what belongs there is not.
func TestLeft(t *testing.T) {
	t.Parallel()
	s := &site{dir: t.TempDir()}
	bad := []string{
		"app/.builder/blobs/tmp/1.tmp", "app/.builder/builds/b-crash/spool/op", "app/.builder/builds/b-crash/status.json.1.tmp", "app/.git/index.lock", "app/.git/builder-tmp/x",
		"app/.git.builder-1/HEAD", "cache/builder/b-crash/t.1/file", "run/builder/b-crash.sock", "state/builder/builds/b-crash.tmp", "tmp/builder-held-run-1/x",
	}
	good := []string{"app/.builder/builds/b-crash/journal.db", "app/.builder/lock", "app/.git/HEAD", "cache/builder/toolchains/x.lock", "app/work/t1.txt"}
	for _, path := range append(slices.Clone(bad), good...) {
		if err := os.MkdirAll(filepath.Dir(s.path(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(path), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var found []string
	if err := s.left(func(path string) { found = append(found, path) }); err != nil {
		t.Fatal(err)
	}
	for _, path := range bad {
		if !slices.Contains(found, path) {
			t.Errorf("%s is not found", path)
		}
	}
	for _, path := range good {
		if slices.Contains(found, path) {
			t.Errorf("%s is no leftover", path)
		}
	}
}

// A process that works in the folder is found; one that has ended is not.
func TestWorking(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("there is no /proc")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("cat")
	c.Dir, c.Env = dir, []string{}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if found := working(dir); len(found) != 1 {
		t.Errorf("found %q", found)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	if found := Alive(t.Context(), dir); len(found) != 0 {
		t.Errorf("found %q after its end", found)
	}
}

func TestFileSystem(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/mountinfo"); err != nil {
		t.Skip("the kernel does not say")
	}
	if got := FileSystem("/proc/self"); got != "proc" {
		t.Errorf("/proc is on %s", got)
	}
	if got := FileSystem(t.TempDir()); got == "proc" || got == "" {
		t.Errorf("the temporary folder is on %q", got)
	}
}

// What is told is what was shown: one failure, and there is no bound.
func TestBound(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]Matrix{
		"200 crashes without a failure: with 95 % confidence fewer than 1.5 % of such crashes fail (the rule of three, 3/200)": {Crashes: 200},
		"1 crashes without a failure: with 95 % confidence fewer than 1e+02 % of such crashes fail (the rule of three, 3/1)":   {Crashes: 1},
		"200 crashes, 1 things wrong: no bound holds": {Crashes: 200, Wrong: []string{"a"}},
		"no crash, so no bound":                       {},
	} {
		if got := m.Bound(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
