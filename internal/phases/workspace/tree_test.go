package workspace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func newTrees() (*Trees, *checkpoint.MemoryBlobs) {
	blobs := &checkpoint.MemoryBlobs{}
	return NewTrees(blobs, Limits{}), blobs
}

func scanned(t testing.TB, trees *Trees, dir string) phases.Manifest {
	t.Helper()
	m, err := trees.Scan(t.Context(), dir)
	must(t, err)
	must(t, m.Validate())
	return m
}

// drawFiles draws trees whose paths often collide as file and folder.
func drawFiles(t *rapid.T, label string) files {
	out := files{}
	for _, p := range rapid.SliceOfNDistinct(rapid.StringMatching(`[ab](/[ab](/[ab])?)?|[cd]-x|e\.f`), 0, 8, rapid.ID[string]).Draw(t, label) {
		ok := true
		for other := range out {
			ok = ok && !strings.HasPrefix(other, p+"/") && !strings.HasPrefix(p, other+"/")
		}
		if ok {
			out[p] = rapid.SampledFrom([]string{"", "x", "*x", "->.", "->gone", "other", "*#!"}).Draw(t, p)
		}
	}
	return out
}

// Whatever a folder held, after Materialise it holds the tree, and Scan gives the tree back.
func TestMaterialiseThenScanIsTheTree(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		trees, blobs := newTrees()
		dir := filepath.Join(base, fmt.Sprint(n))
		must(t, os.Mkdir(dir, 0o700))
		write(t, dir, drawFiles(r, "before"))
		must(t, os.MkdirAll(filepath.Join(dir, "empty/folders"), 0o755))
		want := drawFiles(r, "tree")
		m := manifest(t, blobs, want)
		for range 2 {
			must(t, trees.Materialise(t.Context(), m, dir, rapid.Bool().Draw(r, "fresh")))
			if diff := cmp.Diff(want, onDisk(t, dir)); diff != "" {
				r.Fatal(diff)
			}
			if got := scanned(t, trees, dir); got.ID() != m.ID() {
				r.Fatal(cmp.Diff(m, got))
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "empty")); err == nil {
			r.Fatal("an empty folder is left")
		}
	})
}

// Materialise of what Scan found changes nothing, not even the files' times.
func TestScanThenMaterialiseChangesNothing(t *testing.T) {
	t.Parallel()
	trees, _ := newTrees()
	dir := t.TempDir()
	f := files{"a": "1", "b/c": "*2", "b/l": "->c", ".gitignore": "\n*.log\n", "x.log": "noise"}
	write(t, dir, f)
	before, err := os.Stat(filepath.Join(dir, "a"))
	must(t, err)
	m := scanned(t, trees, dir)
	must(t, trees.Materialise(t.Context(), m, dir, false))
	after, err := os.Stat(filepath.Join(dir, "a"))
	must(t, err)
	if diff := cmp.Diff(f, onDisk(t, dir)); diff != "" || !os.SameFile(before, after) {
		t.Errorf("same file: %t %s", os.SameFile(before, after), diff)
	}
	must(t, trees.Materialise(t.Context(), m, dir, true))
	delete(f, "x.log")
	if diff := cmp.Diff(f, onDisk(t, dir)); diff != "" {
		t.Errorf("fresh: %s", diff)
	}
}

// Ignored files stay by the rules of the tree that is made, not of the one that was there.
func TestMaterialiseKeepsWhatTheTreeIgnores(t *testing.T) {
	t.Parallel()
	trees, blobs := newTrees()
	dir := t.TempDir()
	write(t, dir, files{".gitignore": "\n*\n", "node_modules/x/y": "cache", "evil": "hidden by the agent's own rule", "sub/build/o": "cache", "out": "in the way"})
	m := manifest(t, blobs, files{".gitignore": "node_modules/\nbuild\nout\n", "sub/s": "s", "out/put": "tracked"})
	must(t, trees.Materialise(t.Context(), m, dir, false))
	want := files{".gitignore": "node_modules/\nbuild\nout\n", "sub/s": "s", "out/put": "tracked", "node_modules/x/y": "cache", "sub/build/o": "cache"}
	if diff := cmp.Diff(want, onDisk(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestMaterialiseMendsModesAndLinks(t *testing.T) {
	t.Parallel()
	trees, blobs := newTrees()
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, files{"secret": "s"})
	m := manifest(t, blobs, files{"f": "x", "d/g": "y", "h": "s"})
	must(t, trees.Materialise(t.Context(), m, dir, false))
	at := func(p string) string { return filepath.Join(dir, p) }
	must(t, os.Chmod(at("f"), 0o4777))
	must(t, os.RemoveAll(at("d")))
	must(t, os.Symlink(outside, at("d")))
	must(t, os.Remove(at("h")))
	must(t, os.Link(filepath.Join(outside, "secret"), at("h"))) // the right content, but not a file of the tree's own
	must(t, syscall.Mkfifo(at("pipe"), 0o644))
	must(t, os.MkdirAll(at("locked/in"), 0o755))
	must(t, os.Chmod(at("locked"), 0o500))
	must(t, trees.Materialise(t.Context(), m, dir, false))
	if diff := cmp.Diff(files{"f": "x", "d/g": "y", "h": "s"}, onDisk(t, dir)); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(at("f"))
	must(t, err)
	if info.Mode() != 0o644 {
		t.Errorf("mode %v", info.Mode())
	}
	if diff := cmp.Diff(files{"secret": "s"}, onDisk(t, outside)); diff != "" {
		t.Errorf("outside: %s", diff)
	}
	info, err = os.Stat(at("h"))
	must(t, err)
	if links(info) != 1 {
		t.Error("the hard link is still there")
	}
}

func TestMaterialiseNeedsContent(t *testing.T) {
	t.Parallel()
	trees, blobs := newTrees()
	m := manifest(t, blobs, files{"f": "x"})
	blobs.Drop(m[0].Blob)
	if err := trees.Materialise(t.Context(), m, filepath.Join(t.TempDir(), "d"), false); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if err := trees.Materialise(t.Context(), phases.Manifest{{Path: "../x", Mode: phases.ModeFile, Blob: m[0].Blob}}, t.TempDir(), false); err == nil {
		t.Error("a path that climbs was placed")
	}
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		make func(t *testing.T, dir string)
		says []string
	}{
		"nested repository":    {have(files{"lib/.git/config": "x"}), []string{"lib/.git", "nested repository"}},
		"repository at top":    {have(files{".git/config": "x"}), []string{".git", "nested repository"}},
		".git in other case":   {have(files{"a/.GiT/config": "x"}), []string{"nested repository"}},
		".git as file":         {have(files{"a/.git": "gitdir: /x"}), []string{"nested repository"}},
		"submodules":           {have(files{".gitmodules": "x"}), []string{"submodules"}},
		"escaping link":        {have(files{"d/l": "->../../x"}), []string{"d/l", "leaves"}},
		"absolute link":        {have(files{"l": "->/etc/passwd"}), []string{"absolute"}},
		"link through a link":  {have(files{"p/q/x": "->../..", "p/q/y": "->x/../secret"}), []string{"p/q/y", "leaves"}},
		"link in a loop":       {have(files{"l": "->l"}), []string{"leads nowhere"}},
		"link into .git":       {have(files{"l": "->.git/hooks"}), []string{"reserved"}},
		"link as .gitignore":   {have(files{".gitignore": "->x"}), []string{"git reads"}},
		"control character":    {have(files{"a\x1b[2Jb": "x"}), []string{"control", `\x1b`}},
		"name that is no text": {have(files{"a\xff": "x"}), []string{"UTF-8"}},
		"pipe":                 {func(t *testing.T, dir string) { must(t, syscall.Mkfifo(filepath.Join(dir, "p"), 0o644)) }, []string{"special"}},
		"hard link": {func(t *testing.T, dir string) {
			write(t, dir, files{"a": "x"})
			must(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
		}, []string{`"a": hard-linked`, `"b": hard-linked`}},
		"hard link to outside": {func(t *testing.T, dir string) {
			out := filepath.Join(t.TempDir(), "out")
			must(t, os.WriteFile(out, nil, 0o644))
			must(t, os.Link(out, filepath.Join(dir, "b")))
		}, []string{"hard-linked"}},
		"large file":     {have(files{"big": strings.Repeat("x", 2000)}), []string{"larger than 1000"}},
		"large tree":     {have(files{"a": strings.Repeat("x", 900), "b": strings.Repeat("x", 900), "c": strings.Repeat("x", 900)}), []string{"tree is larger"}},
		"many files":     {have(manyFiles(30)), []string{"more than 20 files"}},
		"deep":           {have(files{"1/2/3/4/5/6/f": ""}), []string{"folders deep"}},
		"many at a time": {have(files{"x1": "->/", "x2": "->/", "x3": "->/"}), []string{"x1", "x2", "x3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.make(t, dir)
			trees := NewTrees(&checkpoint.MemoryBlobs{}, Limits{Files: 20, FileBytes: 1000, Bytes: 2000, Depth: 5})
			_, err := trees.Scan(t.Context(), dir)
			var bad *phases.TreeProblem
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want a problem", err)
			}
			for _, says := range tc.says {
				if !strings.Contains(bad.Error(), says) {
					t.Errorf("got %q, want %q in it", bad.Error(), says)
				}
			}
			if strings.Contains(bad.Error(), "\x1b") || strings.Contains(bad.Error(), "\xff") {
				t.Errorf("raw bytes in %q", bad.Error())
			}
		})
	}
}

func have(f files) func(*testing.T, string) {
	return func(t *testing.T, dir string) { write(t, dir, f) }
}

func manyFiles(n int) files {
	f := files{}
	for i := range n {
		f[fmt.Sprint(i)] = ""
	}
	return f
}

// Ignored places are not looked at: a nested repository in node_modules does no harm.
func TestScanPassesOverWhatIsIgnored(t *testing.T) {
	t.Parallel()
	trees, _ := newTrees()
	dir := t.TempDir()
	write(t, dir, files{".gitignore": "node_modules\n", "node_modules/p/.git/config": "x", "a": "1"})
	if m := scanned(t, trees, dir); len(m) != 2 {
		t.Errorf("got %v", m)
	}
}

// A file that changed is read again, also when size and times are as before.
func TestScanSeesChanges(t *testing.T) {
	t.Parallel()
	trees, blobs := newTrees()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, dir, files{"f": "one", "g": "same"})
	for i, c := range []string{"one", "two", "six", "one"} {
		info, err := os.Stat(path)
		must(t, err)
		must(t, os.WriteFile(path, []byte(c), 0o644))
		must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
		if got, want := scanned(t, trees, dir), manifest(t, blobs, files{"f": c, "g": "same"}); got.ID() != want.ID() {
			t.Errorf("round %d: %s", i, cmp.Diff(want, got))
		}
	}
}

// A file that lay still is not read twice.
func TestScanReadsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, files{"f": "x"})
	c := &statCache{}
	info, err := os.Stat(filepath.Join(dir, "f"))
	must(t, err)
	c.note("f", info, "h", info.ModTime().Add(2*tick))
	if h, ok := c.find("f", info); !ok || h != "h" {
		t.Errorf("got %q %t", h, ok)
	}
	c.note("f", info, "h", info.ModTime().Add(tick/2))
	if _, ok := c.find("f", info); ok {
		t.Error("a file hashed right after its change is trusted")
	}
	c.note("f", info, "h", info.ModTime().Add(2*tick))
	must(t, os.Chmod(filepath.Join(dir, "f"), 0o600))
	now, err := os.Stat(filepath.Join(dir, "f"))
	must(t, err)
	if s1, _ := stampOf(info); now.ModTime().Equal(info.ModTime()) {
		if s2, _ := stampOf(now); s1 != s2 {
			if _, ok := c.find("f", now); ok {
				t.Error("another ctime is trusted")
			}
		}
	}
}
