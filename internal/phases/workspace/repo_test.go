package workspace

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// files is a tree as tests write it: content by path; "*" before content makes a program, "->" a link.
type files map[string]string

func manifest(t testing.TB, blobs checkpoint.Blobs, f files) phases.Manifest {
	t.Helper()
	var m phases.Manifest
	for at, c := range f {
		e := phases.Entry{Path: at, Mode: phases.ModeFile}
		if rest, ok := strings.CutPrefix(c, "*"); ok {
			e.Mode, c = phases.ModeExecutable, rest
		} else if rest, ok := strings.CutPrefix(c, "->"); ok {
			e.Mode, c = phases.ModeSymlink, rest
		}
		h, err := blobs.Put(context.Background(), []byte(c))
		if err != nil {
			t.Fatal(err)
		}
		e.Blob, e.Size = h, int64(len(c))
		m = append(m, e)
	}
	slices.SortFunc(m, func(a, b phases.Entry) int { return strings.Compare(a.Path, b.Path) })
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	return m
}

// onDisk reads a folder back as tests write trees, without .git and .builder.
func onDisk(t testing.TB, dir string) files {
	t.Helper()
	out := files{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == ".git" || d.Name() == stateDir {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode()&os.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			out[rel] = "->" + target
			return err
		}
		raw, err := os.ReadFile(path)
		out[rel] = string(raw)
		if info.Mode()&0o100 != 0 {
			out[rel] = "*" + string(raw)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t testing.TB, dir string, f files) {
	t.Helper()
	for at, c := range f {
		path := filepath.Join(dir, at)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if target, ok := strings.CutPrefix(c, "->"); ok {
			must(t, os.Symlink(target, path))
			continue
		}
		perm := os.FileMode(0o644)
		if rest, ok := strings.CutPrefix(c, "*"); ok {
			c, perm = rest, 0o755
		}
		must(t, os.WriteFile(path, []byte(c), perm))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// git runs the real git in dir, with no configuration but the repository's.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git here")
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func newRepo(t testing.TB) (*Repo, *checkpoint.MemoryBlobs) {
	t.Helper()
	blobs := &checkpoint.MemoryBlobs{}
	r, err := Init(context.Background(), filepath.Join(t.TempDir(), "app"), blobs)
	must(t, err)
	return r, blobs
}

func draft(parent string, tree phases.Manifest) phases.CommitDraft {
	return phases.CommitDraft{
		Tree: tree, Parent: parent, Author: "Ada L <ada@example.org>", At: time.Date(2026, 11, 23, 10, 0, 0, 99, time.FixedZone("", 7200)),
		Message: "Lend tools\n\nCovers:\n- R1 lend\n\nBuilder-Build: b-1\nBuilder-Task: shop.loans\n",
	}
}

// clean asks the real git whether the repository is whole and the folder as committed.
func clean(t testing.TB, r *Repo) {
	t.Helper()
	git(t, r.dir, "fsck", "--strict", "--full", "--no-dangling")
	if out := git(t, r.dir, "status", "--porcelain"); out != "" {
		t.Errorf("git status shows\n%s", out)
	}
}

func TestCommitAndCheckout(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	must(t, os.MkdirAll(filepath.Join(r.dir, stateDir), 0o700)) // must not show in git status
	must(t, os.WriteFile(filepath.Join(r.dir, stateDir, "x"), nil, 0o600))
	id, tree, err := r.Head(t.Context())
	if err != nil || id != "" || tree != nil {
		t.Fatalf("unborn: got %q %v %v", id, tree, err)
	}
	one := files{"a": "1", "a-b": "dash", "dir/sub/f.go": "package f", "dir.txt": "dot", "bin/run": "*#!/bin/sh", "link": "->dir/sub", "empty": "", "ä ö": "ü"}
	two := files{"a": "2", "a-b": "dash", "dir": "now a file", "bin/run": "#!/bin/sh", "link/x": "now a folder", "new/deep/er/g": "g", ".gitignore": "/bin/*.o\n"}
	var parent string
	var from phases.Manifest
	for i, f := range []files{one, two, one, {}} {
		to := manifest(t, blobs, f)
		d := draft(parent, to)
		want, err := r.Prepare(t.Context(), d)
		must(t, err)
		if at, _ := r.readRef(); at != parent {
			t.Fatalf("Prepare moved the branch to %s", at)
		}
		got, err := r.Commit(t.Context(), d)
		must(t, err)
		if got != want {
			t.Fatalf("commit %d: got %s, prepared %s", i, got, want)
		}
		edited, err := r.Checkout(t.Context(), from, to)
		must(t, err)
		if len(edited) != 0 {
			t.Errorf("commit %d: edited %v", i, edited)
		}
		if diff := cmp.Diff(f, onDisk(t, r.dir)); diff != "" {
			t.Errorf("commit %d: %s", i, diff)
		}
		clean(t, r)
		dirty, err := r.Dirty(t.Context(), to)
		must(t, err)
		if len(dirty) != 0 {
			t.Errorf("commit %d: dirty %v", i, dirty)
		}
		parent, from = got, to
	}
	if n := git(t, r.dir, "rev-list", "--count", "HEAD"); n != "4" {
		t.Errorf("got %s commits", n)
	}
	got := git(t, r.dir, "log", "-1", "--format=%an <%ae> %cn <%ce> %ai %ci %s|%(trailers:key=Builder-Task,valueonly)")
	if want := "Ada L <ada@example.org> Builder <builder@localhost> 2026-11-23 08:00:00 +0000 2026-11-23 08:00:00 +0000 Lend tools|shop.loans"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, left := range []string{"builder-tmp", "builder-main", "builder-index", "index.lock", branch + ".lock"} {
		if _, err := os.Lstat(filepath.Join(r.git, left)); err == nil {
			t.Errorf("%s is left", left)
		}
	}
}

// A new process, with none of the caches, reads the same tree and gives the same ids.
func TestHeadComesBack(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	tree := manifest(t, blobs, files{"a/b": "1", "a/run": "*x", "l": "->a/b", "same": "1"})
	id, err := r.Commit(t.Context(), draft("", tree))
	must(t, err)
	for name, prepare := range map[string]func(){"packed by us": func() {}, "packed by git": func() { git(t, r.dir, "gc", "-q") }} {
		prepare()
		fresh := &checkpoint.MemoryBlobs{}
		again, err := Open(t.Context(), r.dir, fresh)
		must(t, err)
		got, m, err := again.Head(t.Context())
		must(t, err)
		if got != id || cmp.Diff(tree, m) != "" {
			t.Errorf("%s: got %s %s", name, got, cmp.Diff(tree, m))
		}
		for _, e := range m {
			if ok, err := fresh.Has(t.Context(), e.Blob); err != nil || !ok {
				t.Errorf("%s: content of %s is not stored", name, e.Path)
			}
		}
		next, err := again.Prepare(t.Context(), draft(id, m))
		must(t, err)
		want, err := r.Prepare(t.Context(), draft(id, tree))
		must(t, err)
		if next != want {
			t.Errorf("%s: got %s, want %s", name, next, want)
		}
	}
	// The branch now stands in packed-refs; it still moves.
	_, err = r.Commit(t.Context(), draft(id, manifest(t, blobs, files{"z": "z"})))
	must(t, err)
}

func TestCommitIsIdempotentAndNeverForces(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	first, err := r.Commit(t.Context(), draft("", manifest(t, blobs, files{"a": "1"})))
	must(t, err)
	d := draft(first, manifest(t, blobs, files{"a": "2"}))
	second, err := r.Commit(t.Context(), d)
	must(t, err)
	again, err := r.Commit(t.Context(), d)
	must(t, err)
	if again != second {
		t.Errorf("got %s the second time, want %s", again, second)
	}
	// Who moved the branch may have been killed before the sync: it is made up for.
	unsynced := errors.New("not synced")
	r.fault = func(step string) error {
		if step == "sync branch" {
			return unsynced
		}
		return nil
	}
	if _, err := r.Commit(t.Context(), d); !errors.Is(err, unsynced) {
		t.Errorf("got %v, want a sync", err)
	}
	r.fault = nil
	for name, d := range map[string]phases.CommitDraft{
		"from the first again": draft(first, manifest(t, blobs, files{"a": "3"})),
		"from nothing":         draft("", manifest(t, blobs, files{"a": "3"})),
		"from elsewhere":       draft(strings.Repeat("1", 40), manifest(t, blobs, files{"a": "3"})),
	} {
		if _, err := r.Commit(t.Context(), d); !errors.Is(err, phases.ErrDiverged) {
			t.Errorf("%s: got %v, want ErrDiverged", name, err)
		}
	}
	if at, err := r.readRef(); err != nil || at != second {
		t.Errorf("branch is at %s, %v", at, err)
	}
	// Somebody moves the branch between the look and the lock.
	r.fault = func(step string) error {
		if step == "objects written" {
			return os.WriteFile(filepath.Join(r.git, branch), []byte(first+"\n"), 0o644)
		}
		return nil
	}
	if _, err := r.Commit(t.Context(), draft(second, manifest(t, blobs, files{"a": "4"}))); !errors.Is(err, phases.ErrDiverged) {
		t.Errorf("got %v, want ErrDiverged", err)
	}
}

// What a killed process brought to the user's folder, or took from it, is synced by the next one.
func TestCheckoutSyncsWhatIsThereAlready(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	from, to := manifest(t, blobs, files{"gone/a": "1", "gone/b": "1"}), manifest(t, blobs, files{"gone/b": "1", "new/deep/c": "1"})
	_, err := r.Checkout(t.Context(), nil, from)
	must(t, err)
	for range 2 { // the second time all is as it is to be
		synced := map[string]bool{}
		r.fault = func(step string) error {
			synced[step] = true
			return nil
		}
		if _, err := r.Checkout(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"gone", "new", "new/deep"} {
			if !synced["sync folder "+dir] {
				t.Errorf("%s was not synced: %v", dir, synced)
			}
		}
	}
}

func TestDraftsAreChecked(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	for name, change := range map[string]func(*phases.CommitDraft){
		"no message":        func(d *phases.CommitDraft) { d.Message = " \n" },
		"author of no form": func(d *phases.CommitDraft) { d.Author = "Ada" },
		"author forges":     func(d *phases.CommitDraft) { d.Author = "A <a@b>\ncommitter B <b@c>" },
		"parent of no form": func(d *phases.CommitDraft) { d.Parent = "HEAD" },
		"tree climbs":       func(d *phases.CommitDraft) { d.Tree[0].Path = "../a" },
		"tree holds .git":   func(d *phases.CommitDraft) { d.Tree[0].Path = ".GIT/hooks/x" },
		"before 1970":       func(d *phases.CommitDraft) { d.At = time.Unix(-1, 0) },
		"content is lost":   func(d *phases.CommitDraft) { d.Tree[0].Blob = checkpoint.HashOf([]byte("lost")) },
	} {
		d := draft("", manifest(t, blobs, files{"a": "1"}))
		change(&d)
		if _, err := r.Prepare(t.Context(), d); err == nil {
			t.Errorf("%s: prepared", name)
		}
		if _, err := r.Commit(t.Context(), d); err == nil {
			t.Errorf("%s: committed", name)
		}
	}
	d := draft("", manifest(t, blobs, files{"a": "1"}))
	d.Message = "Hostile \x1b[31m\x00\xff\r\nsubject\n\n"
	d.Author = ""
	_, err := r.Commit(t.Context(), d)
	must(t, err)
	_, err = r.Checkout(t.Context(), nil, d.Tree)
	must(t, err)
	clean(t, r)
	if out := git(t, r.dir, "log", "-1", "--format=%an %s"); out != "Builder Hostile [31m\ufffd subject" {
		t.Errorf("got %q", out)
	}
}

// A crash at any step, of a commit and a checkout, is mended by doing both again.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	one := files{"a": "1", "b": "1", "d/x": "1", "gone/y": "1", "swap": "file", "z": "->a"}
	two := files{"a": "2", "b": "1", "d/x": "*2", "swap/in": "folder", "gone": "file", "new/n": "2"}
	crash := errors.New("crash")
	for n := 1; ; n++ {
		r, blobs := newRepo(t)
		from, to := manifest(t, blobs, one), manifest(t, blobs, two)
		first, err := r.Commit(t.Context(), draft("", from))
		must(t, err)
		_, err = r.Checkout(t.Context(), nil, from)
		must(t, err)
		left, where := n, ""
		r.fault = func(step string) error {
			if left--; left == 0 {
				where = step
				return crash
			}
			return nil
		}
		_, err = r.Commit(t.Context(), draft(first, to))
		if err == nil {
			_, err = r.Checkout(t.Context(), from, to)
		}
		if err == nil {
			if n < 12 {
				t.Errorf("only %d steps", n)
			}
			return
		}
		if !errors.Is(err, crash) {
			t.Fatal(err)
		}
		// A real crash would not have cleaned up.
		again, err := Open(t.Context(), r.dir, blobs)
		must(t, err)
		id, err := again.Commit(t.Context(), draft(first, to))
		must(t, err)
		for range 2 {
			edited, err := again.Checkout(t.Context(), from, to)
			must(t, err)
			if len(edited) != 0 {
				t.Errorf("step %d (%s): edited %v", n, where, edited)
			}
		}
		if diff := cmp.Diff(two, onDisk(t, r.dir)); diff != "" {
			t.Errorf("step %d (%s): %s", n, where, diff)
		}
		clean(t, again)
		if head := git(t, r.dir, "rev-parse", "HEAD"); head != id {
			t.Errorf("step %d (%s): HEAD is %s", n, where, head)
		}
	}
}

// What a kill leaves of our lock files is taken away; a foreign lock file is respected.
func TestLeftoverLocks(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	tree := manifest(t, blobs, files{"a": "1"})
	own, lock := filepath.Join(r.git, "builder-main"), filepath.Join(r.git, branch+".lock")
	must(t, os.WriteFile(own, []byte("x"), 0o644))
	must(t, os.Link(own, lock))
	first, err := r.Commit(t.Context(), draft("", tree))
	must(t, err)
	must(t, os.WriteFile(lock, nil, 0o644))
	if _, err := r.Commit(t.Context(), draft(first, tree)); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), lock) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	if _, err := os.Stat(lock); err != nil {
		t.Errorf("a foreign lock was taken away: %v", err)
	}
	if at, err := r.readRef(); err != nil || at != first {
		t.Errorf("branch is at %s, %v", at, err)
	}
}

func TestUserEditsAreLeft(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "f"), []byte("old"), 0o644))
	from := manifest(t, blobs, files{
		"changed": "old", "deleted": "old", "made x": "old", "to link": "old", "same": "old", "goes": "old", "goes too": "old",
		"dir/f": "old", "linked/f": "old", "folder": "old", "becomes/file": "old",
	})
	to := manifest(t, blobs, files{
		"changed": "new", "deleted": "new", "made x": "new", "to link": "new", "same": "new",
		"dir/f": "new", "linked/f": "new", "folder": "new", "becomes": "new", "appears": "new", "in/the/way": "new",
	})
	_, err := r.Checkout(t.Context(), nil, from)
	must(t, err)
	at := func(p string) string { return filepath.Join(r.dir, p) }
	must(t, os.WriteFile(at("changed"), []byte("mine"), 0o644))
	must(t, os.Remove(at("deleted")))
	must(t, os.Chmod(at("made x"), 0o755))
	must(t, os.Remove(at("to link")))
	must(t, os.Symlink(filepath.Join(outside, "f"), at("to link")))
	must(t, os.WriteFile(at("goes too"), []byte("mine"), 0o644))
	must(t, os.RemoveAll(at("linked")))
	must(t, os.Symlink(outside, at("linked")))
	must(t, os.Remove(at("folder")))
	must(t, os.MkdirAll(at("folder/of"), 0o755))
	must(t, os.WriteFile(at("becomes/mine"), []byte("mine"), 0o644))
	must(t, os.WriteFile(at("appears"), []byte("mine"), 0o644))
	must(t, os.WriteFile(at("in"), []byte("mine"), 0o644))
	want := []string{"appears", "becomes", "changed", "deleted", "folder", "goes too", "in/the/way", "linked/f", "made x", "to link"}
	for range 2 {
		got, err := r.Checkout(t.Context(), from, to)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	got := onDisk(t, r.dir)
	for path, content := range (files{
		"changed": "mine", "made x": "*old", "goes too": "mine", "appears": "mine", "in": "mine", "becomes/mine": "mine",
		"same": "new", "dir/f": "new",
	}) {
		if got[path] != content {
			t.Errorf("%s: got %q, want %q", path, got[path], content)
		}
	}
	for _, gone := range []string{"deleted", "goes", "becomes/file"} {
		if _, ok := got[gone]; ok {
			t.Errorf("%s is there", gone)
		}
	}
	if raw, err := os.ReadFile(filepath.Join(outside, "f")); err != nil || string(raw) != "old" {
		t.Errorf("outside: got %q, %v", raw, err)
	}
	dirty, err := r.Dirty(t.Context(), to)
	must(t, err)
	if !slices.Contains(dirty, "changed") || slices.Contains(dirty, "same") || !slices.Contains(dirty, "deleted") || !slices.Contains(dirty, "in") {
		t.Errorf("dirty: %v", dirty)
	}
}

// What the user has staged on a path of his own stays staged.
func TestStagedFilesStay(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	from, to := manifest(t, blobs, files{"a": "1"}), manifest(t, blobs, files{"a": "2", "b": "2"})
	id, err := r.Commit(t.Context(), draft("", from))
	must(t, err)
	_, err = r.Checkout(t.Context(), nil, from)
	must(t, err)
	write(t, r.dir, files{"mine": "mine"})
	git(t, r.dir, "add", "mine")
	_, err = r.Commit(t.Context(), draft(id, to))
	must(t, err)
	_, err = r.Checkout(t.Context(), from, to)
	must(t, err)
	if out := git(t, r.dir, "status", "--porcelain"); out != "A  mine" {
		t.Errorf("got %q", out)
	}
}

// No hook, filter or foreign configuration runs.
func TestNothingOfTheRepositoryRuns(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	marker := filepath.Join(t.TempDir(), "ran")
	script := "*#!/bin/sh\ntouch " + marker + "\n"
	hooks := files{}
	for _, h := range []string{"pre-commit", "post-commit", "reference-transaction", "post-checkout", "post-index-change", "update"} {
		hooks[h] = script
	}
	write(t, filepath.Join(r.git, "hooks"), hooks)
	cfg, err := os.ReadFile(filepath.Join(r.git, "config"))
	must(t, err)
	more := "[core]\n\tfsmonitor = touch " + marker + "\n[filter \"x\"]\n\tclean = touch " + marker + "\n\tsmudge = touch " + marker + "\n[commit]\n\tgpgsign = true\n"
	must(t, os.WriteFile(filepath.Join(r.git, "config"), append(cfg, more...), 0o644))
	again, err := Open(t.Context(), r.dir, blobs)
	must(t, err)
	tree := manifest(t, blobs, files{".gitattributes": "* filter=x\n", "a": "1"})
	_, err = again.Commit(t.Context(), draft("", tree))
	must(t, err)
	_, err = again.Checkout(t.Context(), nil, tree)
	must(t, err)
	_, err = again.Dirty(t.Context(), tree)
	must(t, err)
	if _, err := os.Stat(marker); err == nil {
		t.Error("something ran")
	}
}

func TestInitRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		make func(t *testing.T, dir string)
		want error
		says string
	}{
		"foreign files":     {func(t *testing.T, dir string) { write(t, dir, files{"thesis.tex": "x"}) }, ErrForeignFiles, "thesis.tex"},
		"foreign repo":      {func(t *testing.T, dir string) { git(t, dir, "init", "-q") }, ErrForeignRepo, ""},
		".git is a file":    {func(t *testing.T, dir string) { write(t, dir, files{".git": "gitdir: /elsewhere"}) }, ErrUnsupported, "file"},
		".git is a symlink": {func(t *testing.T, dir string) { write(t, dir, files{".git": "->" + t.TempDir()}) }, ErrUnsupported, "symlink"},
		"sha256":            {configured("[extensions]\n\tobjectformat = sha256\n"), ErrUnsupported, "objectformat"},
		"reftable":          {configured("[extensions]\n\trefstorage = reftable\n"), ErrUnsupported, "refstorage"},
		"unknown extension": {configured("[extensions]\n\tflyingCarpet = true\n"), ErrUnsupported, "flyingcarpet"},
		"other work tree":   {configured("[core]\n\tworktree = /\n"), ErrUnsupported, "work tree"},
		"newer format":      {configured("[core]\n\trepositoryformatversion = 2\n"), ErrUnsupported, "repositoryformatversion"},
		"alternates":        {ours(files{".git/objects/info/alternates": "/x"}), ErrUnsupported, "another repository"},
		"other branch":      {overwritten(".git/HEAD", "ref: refs/heads/dev\n"), ErrUnsupported, "dev"},
		"untracked file":    {ours(files{"mine": "x"}), ErrDirty, "mine"},
		"linked objects":    {func(t *testing.T, dir string) { ours(nil)(t, dir); swapForLink(t, filepath.Join(dir, ".git/objects")) }, ErrUnsupported, "symlink"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.make(t, dir)
			before := snapshot(t, dir)
			_, err := Init(t.Context(), dir, &checkpoint.MemoryBlobs{})
			if !errors.Is(err, tc.want) || !strings.Contains(strings.ToLower(err.Error()), tc.says) {
				t.Fatalf("got %v, want %v with %q", err, tc.want, tc.says)
			}
			if diff := cmp.Diff(before, snapshot(t, dir)); diff != "" {
				t.Errorf("something was written: %s", diff)
			}
		})
	}
	file := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(file, nil, 0o644))
	if _, err := Init(t.Context(), file, nil); !errors.Is(err, ErrNotFolder) {
		t.Errorf("a file: got %v", err)
	}
}

// snapshot names all files below dir with their sizes.
func snapshot(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	must(t, filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			out[p] = info.Size()
		}
		return err
	}))
	return out
}

// ours makes a repository as the builder does, with more files in it.
func ours(more files) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		_, err := Init(t.Context(), dir, &checkpoint.MemoryBlobs{})
		must(t, err)
		write(t, dir, more)
	}
}

func overwritten(name, content string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		ours(nil)(t, dir)
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
}

func configured(more string) func(*testing.T, string) {
	return overwritten(".git/config", repoFormat+more)
}

func swapForLink(t *testing.T, path string) {
	must(t, os.Rename(path, path+"2"))
	must(t, os.Symlink(path+"2", path))
}

func TestInitAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "app")
	must(t, os.MkdirAll(filepath.Join(dir, stateDir), 0o700))
	must(t, os.MkdirAll(filepath.Join(dir, tempRepo+"left/objects"), 0o700)) // by a crash
	blobs := &checkpoint.MemoryBlobs{}
	r, err := Init(t.Context(), dir, blobs)
	must(t, err)
	if out := git(t, dir, "status", "--porcelain=v2", "--branch"); !strings.Contains(out, "branch.oid (initial)") || !strings.Contains(out, "branch.head main") || strings.Contains(out, "?") {
		t.Errorf("got %s", out)
	}
	tree := manifest(t, blobs, files{"a": "1"})
	id, err := r.Commit(t.Context(), draft("", tree))
	must(t, err)
	_, err = r.Checkout(t.Context(), nil, tree)
	must(t, err)
	r, err = Init(t.Context(), dir, &checkpoint.MemoryBlobs{}) // clean, and ours
	must(t, err)
	if got, _, err := r.Head(t.Context()); err != nil || got != id {
		t.Errorf("got %s, %v", got, err)
	}
	write(t, dir, files{"a": "edited"})
	if _, err = Init(t.Context(), dir, blobs); !errors.Is(err, ErrDirty) {
		t.Errorf("got %v, want ErrDirty", err)
	}
	if _, err = Open(t.Context(), dir, blobs); err != nil { // a resume does not mind
		t.Error(err)
	}
}

// Equal objects give equal packs, so that doing a commit again leaves no second copy.
func TestPacksAreReproducible(t *testing.T) {
	t.Parallel()
	r, blobs := newRepo(t)
	objects, err := r.objects(t.Context(), draft("", manifest(t, blobs, files{"a": "1", "b/c": "2"})))
	must(t, err)
	p1, i1, n1, err1 := encodePack(objects)
	p2, i2, n2, err2 := encodePack(objects)
	if err1 != nil || err2 != nil || !bytes.Equal(p1, p2) || !bytes.Equal(i1, i2) || n1 != n2 {
		t.Errorf("%v %v", err1, err2)
	}
}
