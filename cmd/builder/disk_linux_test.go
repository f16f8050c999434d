package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// diskVariable says, to a test binary, that it runs where it may mount; DISK_LONG asks for all cells.
const diskVariable = "BUILDER_TEST_DISK"

// inNamespace runs this test again, alone, in namespaces of its own, where it may mount what nobody
// else sees and what is gone with it. It says whether this is that run.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(diskVariable) != "" {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Skipf("cannot mount here: %v", err)
		}
		return true
	}
	if testing.Short() {
		t.Skip("runs builder as a process")
	}
	run := func(attr *syscall.SysProcAttr) (string, error) {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1", "-test.timeout=30m")
		c.Env = append(os.Environ(), diskVariable+"=1")
		c.SysProcAttr = attr
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := run(&syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	})
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && os.Getuid() == 0 {
		out, err = run(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS})
	}
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skipf("no namespaces to mount in: %v", err)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(out, "--- SKIP: "+t.Name()+" "):
		t.Skip(out)
	default:
		t.Log(out)
	}
	return false
}

// disk is a small disk that a cell breaks.
type disk struct {
	t    *testing.T
	dir  string
	opts string

	frozen bool
}

// mounted puts a new disk in place of dir, which is made where there is none; what was in it is moved
// onto the disk.
func mounted(t *testing.T, dir, opts string) *disk {
	t.Helper()
	d := &disk{t: t, dir: dir, opts: opts}
	old := dir + ".old"
	if err := os.Rename(dir, old); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("builder-test", dir, "tmpfs", 0, opts); err != nil {
		t.Skipf("cannot mount here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if _, err := os.Stat(old); err == nil {
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-a", old+"/.", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return d
}

// remount changes size, names or whether it can be written.
func (d *disk) remount(flags uintptr, opts string) {
	d.t.Helper()
	if err := syscall.Mount("builder-test", d.dir, "tmpfs", syscall.MS_REMOUNT|flags, opts); err != nil {
		d.t.Errorf("remount %s: %v", d.dir, err)
	}
}

// freeze makes everything below the disk's folder read-only to all who open it from now on. A whole
// file system cannot be made so while somebody writes to it.
func (d *disk) freeze() {
	for _, step := range []uintptr{syscall.MS_BIND, syscall.MS_BIND | syscall.MS_REMOUNT | syscall.MS_RDONLY} {
		if err := syscall.Mount(d.dir, d.dir, "", step, ""); err != nil {
			d.t.Errorf("freeze %s: %v", d.dir, err)
		}
	}
	d.frozen = true
}

// fill takes all bytes that are left, but for some.
func (d *disk) fill(leave int) {
	f, err := os.OpenFile(filepath.Join(d.dir, "filler"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Error(err)
		return
	}
	for piece := make([]byte, 1<<16); err == nil; {
		_, err = f.Write(piece)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Error(err)
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Truncate(max(0, info.Size()-int64(leave)))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		d.t.Error(err)
	}
}

// crowd takes all names that are left.
func (d *disk) crowd() {
	for i := 0; ; i++ {
		f, err := os.Create(filepath.Join(d.dir, fmt.Sprintf("filler%d", i)))
		if errors.Is(err, syscall.ENOSPC) {
			return
		}
		if err != nil {
			d.t.Error(err)
			return
		}
		if err := f.Close(); err != nil {
			d.t.Error(err)
		}
	}
}

// empty makes room again.
func (d *disk) empty() {
	d.t.Helper()
	if d.frozen {
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			d.t.Error(err)
		}
	}
	d.remount(0, "size=64m,nr_inodes=100000")
	left, err := filepath.Glob(filepath.Join(d.dir, "filler*"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range left {
		if err := os.Remove(f); err != nil {
			d.t.Error(err)
		}
	}
}

// diskSite is a build of two tasks, four calls, whose answers are as large as real ones. Before answer
// number at, on is called once.
type diskSite struct {
	*site
	mu       sync.Mutex
	answered int64 // by the serving side: what it bills
	bodies   map[string]int
}

const answerSize = 20_000

func newDiskSite(t *testing.T, at int, on func()) *diskSite {
	t.Helper()
	d := &diskSite{bodies: map[string]int{}}
	var once sync.Once
	d.site = newSite(t, func(n int, req agenttest.Request) agenttest.Turn {
		if n == at && on != nil {
			once.Do(on)
		}
		name, says := "hello.txt", "hello\n"
		if strings.Contains(req.Said(), "Write bye.txt.") {
			name, says = "bye.txt", "bye\n"
		}
		turn := agenttest.Use(agenttest.Write(name, says))
		if len(req.Wire.Messages) > 1 {
			turn = agenttest.Use(agenttest.Finish("wrote it"))
		}
		turn.Text = strings.Repeat("thinking of it. ", answerSize/16)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.answered++
		d.bodies[string(req.Body)]++
		return turn
	}, twoTasks)
	d.env = append(d.env, "BUILDER_MIN_FREE=4KiB")
	return d
}

// A file that may not grow (ulimit -f) is a full disk: the build pauses, and goes on once it may.
func TestLimitedFiles(t *testing.T) {
	t.Parallel()
	whole := newDiskSite(t, -1, nil)
	whole.wants(0, whole.args()...)
	head := whole.git("app", "rev-parse", "HEAD")
	paused := 0
	for _, blocks := range []string{"30", "80", "160"} { // of 512 bytes
		s := newDiskSite(t, -1, nil)
		real := s.exe
		s.exe = s.path("limited")
		script := "#!/bin/sh\nulimit -f " + blocks + "\nexec " + real + " \"$@\"\n"
		if err := os.WriteFile(s.exe, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		out, code := s.run(s.args()...)
		s.exe = real
		if code != 0 && (code != 75 || !strings.Contains(out, "builder: E_DISK_FULL: ") || !strings.Contains(out, "\nhint: ")) {
			t.Fatalf("%s blocks: exit %d:\n%s", blocks, code, out)
		}
		again := s.args()
		if code != 0 && s.exists("app/.builder") {
			again, paused = []string{"resume", "app", "--no-sandbox"}, paused+1
		}
		if code != 0 {
			s.wants(0, again...)
		}
		s.bill(false)
		s.verified()
		if got := s.git("app", "rev-parse", "HEAD"); got != head {
			t.Errorf("%s blocks: commit %s, want %s", blocks, got, head)
		}
	}
	if paused == 0 {
		t.Error("no limit let a build begin")
	}
}

func (d *diskSite) args(more ...string) []string {
	return d.site.args(append([]string{"--build-id", "b-disk", "--no-sandbox"}, more...)...)
}

// bill holds the books against the serving side's. With lost no answer may be: none is unknown, and
// none was asked for twice.
func (d *diskSite) bill(exact bool) {
	d.t.Helper()
	table, err := budget.LoadTable()
	if err != nil {
		d.t.Fatal(err)
	}
	st := d.status("app")
	price, err := table.Lookup(st.Model, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	billed := budget.Micro(d.answered) * price.Cost(budget.Usage{Input: 100, Output: 10})
	spent, unknown := budget.Micro(st.Budget.Spent), budget.Micro(st.Budget.Unknown)
	d.t.Logf("%d answered; billed %s, spent %s, unknown %s", d.answered, billed, spent, unknown)
	if spent > billed || spent+unknown < billed || st.Budget.Held != 0 {
		d.t.Errorf("billed %s, spent %s, unknown %s, held %d", billed, spent, unknown, st.Budget.Held)
	}
	for _, n := range d.bodies {
		if n > 1 && unknown == 0 {
			d.t.Errorf("an answered call was asked %d times", n)
		}
	}
	if exact && (unknown != 0 || d.answered != 4) {
		d.t.Errorf("%d calls were answered, %s is unknown: an answer was lost", d.answered, unknown)
	}
}

// diskCell is one way for a disk to be in the way.
type diskCell struct {
	name   string
	dir    string // of the site; what lies on the small disk
	opts   string // of the mount
	left   int    // bytes that are free when it begins; 0: all
	at     int    // answer before which it happens; -1: the disk is too small by itself
	happen func(*disk)
	exit   int
	code   string
	brief  bool // it is in the short form
	lossy  bool // an answer that never fits may be lost, and is then booked as unknown
}

func diskCells() []diskCell {
	full := func(d *disk) { d.fill(0) }
	var cells []diskCell
	add := func(c diskCell) {
		if c.exit == 0 {
			c.exit, c.code = 75, "E_DISK_FULL"
		}
		cells = append(cells, c)
	}
	for at := range 4 {
		add(diskCell{name: "everything full", dir: "app", opts: "size=8m", at: at, happen: full, brief: at == 1})
		add(diskCell{name: "everything full", dir: "app", opts: "size=64m", at: at, happen: full})
		add(diskCell{name: "blobs full", dir: "app/.builder/blobs", opts: "size=4m", at: at, happen: full, brief: at == 2})
		add(diskCell{name: "journal full", dir: "app/.builder/builds", opts: "size=4m", at: at, happen: full, brief: at == 0})
		add(diskCell{name: "scratch full", dir: "cache", opts: "size=8m", at: at, happen: full, brief: at == 3})
		add(diskCell{name: "temporary folder full", dir: "tmp", opts: "size=1m", at: at, happen: full})
		add(diskCell{name: "no names left", dir: "app", opts: "size=8m,nr_inodes=1000", at: at, happen: (*disk).crowd, brief: at == 1})
		add(diskCell{name: "read-only", dir: "app", opts: "size=8m", at: at, happen: (*disk).freeze, exit: 74, code: "E_READ_ONLY", brief: at == 2})
	}
	for _, size := range []string{"256k", "512k"} {
		add(diskCell{name: "small", dir: "app", opts: "size=" + size, at: -1, lossy: true})
	}
	for _, size := range []string{"512k", "1m", "2m", "4m", "8m"} {
		for _, left := range []int{40_000, 130_000, 220_000} {
			add(diskCell{name: "nearly full", dir: "small", opts: "size=" + size, left: left, at: -1, lossy: true, brief: size == "1m" && left == 220_000})
		}
	}
	for _, n := range []string{"32", "64", "128", "256"} {
		add(diskCell{name: "few names", dir: "app", opts: "size=8m,nr_inodes=" + n, at: -1})
	}
	return cells
}

// Law L1 to L4 on a full disk: wherever it fills up, a build ends with E_DISK_FULL, loses no answer
// that was paid for, and goes on once there is room, to the same commits.
func TestDiskFull(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	whole := newDiskSite(t, -1, nil)
	whole.wants(0, whole.args()...)
	whole.bill(true)
	head := whole.git("app", "rev-parse", "HEAD")
	for _, c := range diskCells() {
		if !c.brief && os.Getenv("DISK_LONG") == "" {
			continue
		}
		t.Run(fmt.Sprintf("%s, %s, %d left, %d", c.name, c.opts, c.left, c.at), func(t *testing.T) { c.run(t, head) })
	}
}

func (c diskCell) run(t *testing.T, head string) {
	var d *disk
	s := newDiskSite(t, c.at, func() { c.happen(d) })
	args := s.args()
	if strings.HasPrefix(c.dir, "app/") { // the folder must be there before the disk
		out, code := s.run(append(args, "--max-cost", "0.000001")...)
		if code != 75 || !strings.Contains(out, "E_BUDGET") {
			t.Fatalf("exit %d:\n%s", code, out)
		}
		args = []string{"resume", "app", "--max-cost", "10", "--no-sandbox"}
	}
	dir := s.path(c.dir)
	if c.dir == "cache" {
		dir = s.cache()
	}
	d = mounted(t, dir, c.opts)
	if c.left > 0 { // the application has a part of the disk
		if err := errors.Join(os.Mkdir(filepath.Join(dir, "app"), 0o755), os.Symlink(filepath.Join(dir, "app"), s.path("app"))); err != nil {
			t.Fatal(err)
		}
		d.fill(c.left)
	}
	out, code := s.run(args...)
	if (c.at < 0 || c.at == 3) && code == 0 {
		t.Log("it fits") // what was held back sufficed for the rest
	} else if code != c.exit || !strings.Contains(out, "builder: "+c.code+": ") || !strings.Contains(out, "\nhint: ") {
		t.Fatalf("exit %d, want %d and %s:\n%s", code, c.exit, c.code, out)
	}
	t.Log(out[strings.LastIndex(strings.TrimRight(out[:max(0, strings.LastIndex(out, "\nhint: "))], "\n"), "\n")+1:])
	if d.frozen { // it says the same when nothing can be written from the beginning
		if out, code := s.run("resume", "app", "--no-sandbox"); code != c.exit || !strings.Contains(out, "builder: "+c.code+": ") {
			t.Errorf("resume: exit %d:\n%s", code, out)
		}
	}
	d.empty()
	if code != 0 {
		again := []string{"resume", "app", "--no-sandbox"}
		if !s.exists("app/.builder") {
			again = args
		}
		s.wants(0, again...)
	}
	s.bill(!c.lossy)
	s.verified()
	if got := s.git("app", "rev-parse", "HEAD"); got != head {
		t.Errorf("commit %s, want %s", got, head)
	}
}

// cache is the folder that XDG_CACHE_HOME names.
func (d *diskSite) cache() string {
	for _, kv := range d.env {
		if dir, ok := strings.CutPrefix(kv, "XDG_CACHE_HOME="); ok {
			return dir
		}
	}
	d.t.Fatal("no cache")
	return ""
}
