package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/phases"
)

// Whatever happened to some files of a tree, a look at these says what a look at all says, or that it does not tell.
func TestRescanIsScan(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	n := 0
	limits := Limits{Files: 6, FileBytes: 8, Bytes: 20, Depth: 2}
	path := rapid.StringMatching(`[ab](/[ab](/[abc])?)?|[cd]|(a/)?\.gitignore|\.git|a//b`)
	content := rapid.SampledFrom([]string{"", "x", "a", "/b", "c\n!a/c", "a/b/", "much too long"})
	told := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		trees, blobs := newTrees()
		trees.limits = limits
		dir := filepath.Join(base, fmt.Sprint(n))
		must(t, os.Mkdir(dir, 0o700))
		for _, p := range rapid.SliceOfN(path, 0, 6).Draw(r, "before") {
			if target := rapid.SampledFrom([]string{"", "", "", "a/x", "b", "../c"}).Draw(r, "link"); target != "" {
				_ = os.Symlink(target, filepath.Join(dir, p)) // its folder may be missing
				continue
			}
			try(dir, p, content.Draw(r, p))
		}
		before, err := trees.Scan(t.Context(), dir)
		if err != nil {
			return // nobody has a manifest of it
		}
		touched := rapid.SliceOfN(path, 0, 3).Draw(r, "touched")
		for _, p := range touched {
			switch rapid.IntRange(0, 5).Draw(r, "what happens to "+p) {
			case 0:
				_ = os.Remove(filepath.Join(dir, p)) // it may not be there
			case 1:
				_ = os.Symlink("/etc/passwd", filepath.Join(dir, p)) // something may be
			default:
				try(dir, p, content.Draw(r, p))
			}
		}
		got, tells, gotErr := trees.Rescan(t.Context(), dir, before, touched, rapid.Bool().Draw(r, "store"))
		fresh := NewTrees(blobs, limits)
		want, wantErr := fresh.Scan(t.Context(), dir)
		if gotErr != nil || tells && (wantErr != nil || got.ID() != want.ID()) {
			r.Fatalf("touched %q of %v: got %v, %v; want %v, %v", touched, phases.Changed(nil, before), got, gotErr, want, wantErr)
		}
		if tells {
			told++
		}
	})
	if told == 0 {
		t.Error("a look at some files never tells")
	}
}

// try writes a file where that can be, never through a link in its place.
func try(dir, path, content string) {
	full := filepath.Join(dir, path)
	if _, err := os.Readlink(full); err == nil {
		_ = os.Remove(full) // else it is overwritten
	}
	if os.MkdirAll(filepath.Dir(full), 0o755) == nil {
		_ = os.WriteFile(full, []byte(content), 0o644) // a folder may be there
	}
}

// A look at some files reads no others, and stores nothing: the next look at all stores what it saw.
func TestRescanLooksAtNoOthers(t *testing.T) {
	t.Parallel()
	trees, blobs := newTrees()
	dir := t.TempDir()
	write(t, dir, files{"a/x": "1", "a/y": "1", "b": "1"})
	before := scanned(t, trees, dir)
	write(t, dir, files{"a/x": "2", "a/y": "2"})
	m, tells, err := trees.Rescan(t.Context(), dir, before, []string{"a/x"}, false)
	must(t, err)
	if got := fmt.Sprint(phases.Changed(before, m)); got != "[a/x]" || !tells {
		t.Errorf("changed: %s, %t", got, tells)
	}
	x, _ := m.Find("a/x")
	if kept, err := blobs.Has(t.Context(), x.Blob); err != nil || kept {
		t.Errorf("it stored what it saw: %v", err)
	}
	scanned(t, trees, dir)
	if kept, err := blobs.Has(t.Context(), x.Blob); err != nil || !kept {
		t.Errorf("nobody stored it: %v", err)
	}
	if m, tells, err = trees.Rescan(t.Context(), dir, before, []string{}, false); err != nil || !tells || len(phases.Changed(before, m)) != 0 {
		t.Errorf("of none: %v, %v", phases.Changed(before, m), err)
	}
}

// A file that a tree has though its rules ignore it is not believed to be gone.
func TestRescanOfTheIgnored(t *testing.T) {
	t.Parallel()
	trees, _ := newTrees()
	dir := t.TempDir()
	write(t, dir, files{"c.log": "1"})
	before := scanned(t, trees, dir)
	write(t, dir, files{".gitignore": "c.log\n", "c.log": "2"})
	if _, tells, err := trees.Rescan(t.Context(), dir, before, []string{"c.log"}, false); err != nil || tells {
		t.Errorf("%t, %v", tells, err)
	}
	must(t, os.Remove(filepath.Join(dir, "c.log")))
	if m, tells, err := trees.Rescan(t.Context(), dir, before, []string{"c.log"}, false); err != nil || !tells || len(m) != 0 {
		t.Errorf("removed: %v, %t, %v", m, tells, err)
	}
}
