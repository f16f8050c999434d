package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// elsewhere makes the site another machine: other home, state, cache and temporary folders.
func (s *site) elsewhere() {
	s.t.Helper()
	for i, e := range s.env {
		name, value, _ := strings.Cut(e, "=")
		switch name {
		case "HOME", "TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME":
			s.env[i] = name + "=" + value + "-elsewhere"
			s.must(os.MkdirAll(value+"-elsewhere", 0o700))
		}
	}
}

// stopAfter lets the crew answer n requests and then refuse its key, so that a build pauses.
func (s *crewed) stopAfter(n int64) (goOn func()) {
	var count atomic.Int64
	limit := n
	s.crew.Fault = func(agenttest.Request) *agenttest.Fault {
		if count.Add(1) > atomic.LoadInt64(&limit) {
			return &agenttest.Fault{Status: 401, Type: "authentication_error", Message: "invalid x-api-key"}
		}
		return nil
	}
	return func() { atomic.StoreInt64(&limit, 1<<40) }
}

// An export that was killed leaves a file beside the name: the next one to that name removes it, and
// neither one that is being written nor a file of the user's.
func TestExportSweeps(t *testing.T) {
	t.Parallel()
	s := newSite(t, hello)
	s.wants(0, s.args("--no-sandbox")...)
	for _, name := range []string{"b.1.tmp", ".b.1.tmp", ".b.2.tmp", ".b.mine.tmp", ".bb.1.tmp"} {
		s.file(name, "x")
	}
	held := takeFree(s.path(".b.2.tmp"), syscall.S_IFREG)
	if held == nil {
		t.Fatal("cannot hold a file")
	}
	s.wants(0, "checkpoint", "export", "app", "-o", "b")
	s.must(held.Close())
	left, err := filepath.Glob(s.path("*b*.tmp"))
	s.must(err)
	more, err := filepath.Glob(s.path(".b*.tmp"))
	s.must(err)
	var names []string
	for _, path := range append(more, left...) {
		names = append(names, filepath.Base(path))
	}
	slices.Sort(names)
	if got := strings.Join(slices.Compact(names), " "); got != ".b.2.tmp .b.mine.tmp .bb.1.tmp b.1.tmp" {
		t.Errorf("left %s", got)
	}
	if others, err := filepath.Glob(s.path("app/.builder/builds/*/*.tmp")); err != nil || len(others) > 0 {
		t.Errorf("%s, %v", others, err)
	}
}

// A paused build travels: it is exported, its folder is deleted, it is imported on another machine, and
// goes on there to the tree, the commits and the bill of one that was never stopped. No key travels.
func TestExportImport(t *testing.T) {
	t.Parallel()
	job := agenttest.Job{Tasks: 4, Width: 1, Calls: 3}
	s := newCrewed(t, job)
	s.wants(0, s.args("--build-id", "b-far")...)
	want, bill := s.git("app", "rev-parse", "HEAD"), s.crew.Bill().Cost
	s.must(os.RemoveAll(s.path("app")))

	s.crew = &agenttest.Crew{}
	s.serve()
	goOn := s.stopAfter(8) // in the middle of the third task
	s.wants(75, s.args("--build-id", "b-far")...)
	s.gitAs("app", "tag", "-a", "half", "-m", "half way")
	s.gitAs("app", "branch", "side/road")
	s.file("app/notes.txt", "mine")
	out := s.wants(0, "checkpoint", "export", "app", "-o", "b.builder")
	has(t, out, "b-far", "records", "E_USER_EDIT", "notes.txt")
	before := s.status("app")
	raw, err := os.ReadFile(s.path("b.builder"))
	s.must(err)
	for name, content := range entriesOf(t, raw) {
		if strings.Contains(content, "test-key-0123456789") {
			t.Errorf("a key is in %s", name)
		}
	}
	has(t, s.wants(2, "checkpoint", "export", "app", "-o", "b.builder"), "E_EXISTS")
	has(t, s.wants(2, "checkpoint", "import", "b.builder", "-o", "copy"), "E_IMPORT_HERE", "fork")

	s.must(os.RemoveAll(s.path("app")))
	s.elsewhere()
	has(t, s.wants(77, "checkpoint", "import", "b.builder", "-o", "moved/app"), "E_IMPORT_TERMS", "with your key")
	if s.exists("moved") {
		t.Error("something was put in place")
	}
	s.wants(0, "checkpoint", "import", "b.builder", "-o", "moved/app", "--accept-terms")
	st := s.status("moved/app")
	if st.State != phases.PausedState || st.Seq != before.Seq || st.Budget != before.Budget || st.Head != before.Head {
		t.Errorf("imported %+v, exported %+v", st, before)
	}
	has(t, s.wants(0, "checkpoint", "verify", "moved/app"), "2 commits found")
	s.wants(0, "replay", "moved/app")
	if got := s.git("moved/app", "rev-parse", "refs/tags/half^{commit}", "refs/heads/side/road"); got != st.Head+"\n"+st.Head {
		t.Errorf("references %s", got)
	}
	if got := s.git("moved/app", "status", "--porcelain"); got != "" {
		t.Errorf("git status: %s", got)
	}
	has(t, s.wants(0, "list"), "b-far")

	goOn()
	s.wants(0, "resume", "moved/app")
	if got := s.git("moved/app", "rev-parse", "HEAD"); got != want {
		t.Errorf("commit %s, never stopped it is %s", got, want)
	}
	if st, now := s.status("moved/app"), s.crew.Bill(); now.Cost != bill || int64(st.Budget.Spent) != bill || now.Repeated != 0 {
		t.Errorf("billed %d, never stopped %d; %+v", now.Cost, bill, st.Budget)
	}
	has(t, s.wants(0, "checkpoint", "verify", "moved/app"), "4 commits found")
	s.wants(0, "replay", "moved/app")
}

// While a process works on a build, it is neither exported nor compacted nor forked.
func TestExportRefusesARunningBuild(t *testing.T) {
	t.Parallel()
	hold, asked := make(chan struct{}), make(chan struct{}, 8)
	s := newSite(t, func(int, agenttest.Request) agenttest.Turn {
		asked <- struct{}{}
		return agenttest.Turn{Calls: honest()[0].Calls, Fault: &agenttest.Fault{Pause: hold}}
	})
	run := s.start(s.args()...)
	<-asked
	for _, args := range [][]string{{"export", "app", "-o", "x"}, {"fork", "app", "--at", "main.hello", "-o", "x"}, {"compact", "app"}} {
		has(t, s.wants(2, append([]string{"checkpoint"}, args...)...), "E_LOCKED")
	}
	if s.exists("x") {
		t.Error("something was written")
	}
	close(hold)
	run.kill(syscall.SIGINT)
	run.end(130)
}

// entriesOf reads an archive without the code under test.
func entriesOf(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	zip, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer zip.Close()
	out := map[string]string{}
	for rd := tar.NewReader(zip); ; {
		h, err := rd.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(rd)
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(content)
	}
}

// A file that was altered, by chance or on purpose, puts nothing in place and says what is wrong.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	s := newCrewed(t, agenttest.Job{Tasks: 2, Width: 1})
	s.wants(0, s.args("--build-id", "b-far")...)
	s.wants(0, "checkpoint", "export", "app", "-o", "b.builder")
	s.must(os.RemoveAll(s.path("app")))
	raw, err := os.ReadFile(s.path("b.builder"))
	s.must(err)
	flipped := bytes.Clone(raw)
	flipped[len(raw)/2] ^= 16
	link := func(w *tar.Writer) {
		s.must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "spools/x", Linkname: "/etc/passwd"}))
	}
	file := func(name, content string) func(*tar.Writer) {
		return func(w *tar.Writer) {
			s.must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content))}))
			_, err := w.Write([]byte(content))
			s.must(err)
		}
	}
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"empty":           {nil, "E_ARCHIVE_CORRUPT"},
		"text":            {[]byte("not an archive at all"), "E_ARCHIVE_CORRUPT"},
		"cut":             {raw[:len(raw)-200], "E_ARCHIVE_CORRUPT"},
		"one bit":         {flipped, "E_ARCHIVE_CORRUPT"},
		"traversal":       {s.repack(raw, "", file("../evil", "x")), "no name of a part"},
		"absolute":        {s.repack(raw, "", file("/tmp/evil", "x")), "no name of a part"},
		"hidden spool":    {s.repack(raw, "", file("spools/../evil", "x")), "no name of a part"},
		"hook":            {s.repack(raw, "", file("git/hooks/pre-commit", "x")), "no name of a part"},
		"symlink":         {s.repack(raw, "", link), "no plain file"},
		"not in manifest": {s.repack(raw, "", file("spools/evil", "x")), "its manifest names"},
		"altered journal": {s.repack(raw, `"author":"Builder`, nil), "checksum"},
		"altered blob":    {s.repack(raw, "t0000 is done\n", nil), "not as its manifest says"},
	} {
		t.Run(name, func(t *testing.T) {
			s.file(name+".builder", string(c.content))
			out, code := s.run("checkpoint", "import", name+".builder", "-o", "in-"+name, "--accept-terms")
			if code != 74 {
				t.Errorf("exit %d:\n%s", code, out)
			}
			has(t, out, "E_ARCHIVE_CORRUPT", c.says, "hint: ")
		})
	}
	for _, e := range s.ls(".") {
		if strings.HasPrefix(e, "in-") || strings.Contains(e, placingInfix) || strings.Contains(e, "evil") {
			t.Errorf("%s was left", e)
		}
	}
	var m map[string]any
	s.must(json.Unmarshal([]byte(entriesOf(t, raw)["manifest.json"]), &m))
	m["version"] = 99
	newer, err := json.Marshal(m)
	s.must(err)
	s.file("newer.builder", string(s.replaceEntry(raw, "manifest.json", string(newer))))
	has(t, s.wants(2, "checkpoint", "import", "newer.builder", "-o", "in"), "E_CHECKPOINT_NEWER")
	s.wants(0, "checkpoint", "import", "b.builder", "-o", "in", "--accept-terms")
}

func (s *site) ls(dir string) []string {
	s.t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.dir, dir))
	s.must(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// replaceEntry writes an archive anew with another content of one entry.
func (s *site) replaceEntry(raw []byte, entry, content string) []byte {
	return s.rewritten(raw, func(name, old string) string {
		if name == entry {
			return content
		}
		return old
	}, nil)
}

// repack writes an archive anew: the first place with text loses a letter, and more stands before the
// manifest.
func (s *site) repack(raw []byte, text string, more func(*tar.Writer)) []byte {
	done := text == ""
	return s.rewritten(raw, func(name, old string) string {
		if i := strings.Index(old, text); !done && i >= 0 && name != "spec.md" && name != "plan.yaml" {
			done = true
			return old[:i+len(text)-2] + "X" + old[i+len(text)-1:]
		}
		return old
	}, more)
}

func (s *site) rewritten(raw []byte, change func(name, content string) string, more func(*tar.Writer)) []byte {
	s.t.Helper()
	zip, err := zstd.NewReader(bytes.NewReader(raw))
	s.must(err)
	defer zip.Close()
	var b bytes.Buffer
	out, err := zstd.NewWriter(&b)
	s.must(err)
	w := tar.NewWriter(out)
	for rd := tar.NewReader(zip); ; {
		h, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		s.must(err)
		content, err := io.ReadAll(rd)
		s.must(err)
		if h.Name == "manifest.json" && more != nil {
			more(w)
		}
		text := change(h.Name, string(content))
		s.must(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: h.Name, Size: int64(len(text))}))
		_, err = w.Write([]byte(text))
		s.must(err)
	}
	s.must(errors.Join(w.Close(), out.Close()))
	return b.Bytes()
}
