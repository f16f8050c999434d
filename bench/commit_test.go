package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

// commitRow commits ten changed files of a large tree and, in turn, writes and syncs bare what a
// commit must: a pack, its index, their folder, a reference and its folder.
func commitRow(t *testing.T, s sizes) []row {
	scratch, bareDir := t.TempDir(), t.TempDir()
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"))
	must(t, err)
	repo, err := workspace.Init(t.Context(), filepath.Join(t.TempDir(), "app"), blobs)
	must(t, err)
	trees := workspace.NewTrees(blobs, workspace.Limits{})
	for i := range s.files {
		change(t, scratch, i, 0)
	}
	from, err := trees.Scan(t.Context(), scratch)
	must(t, err)
	parent, err := repo.Commit(t.Context(), commitOf("", from))
	must(t, err)
	var ours, theirs []time.Duration
	for round := 1; round <= s.commits; round++ {
		for i := range 10 {
			change(t, scratch, i*s.files/10, round)
		}
		to, err := trees.Scan(t.Context(), scratch)
		must(t, err)
		at := time.Now()
		parent, err = repo.Commit(t.Context(), commitOf(parent, to))
		must(t, err)
		middle := time.Now()
		bareCommit(t, filepath.Join(bareDir, fmt.Sprint(round)))
		ours, theirs = append(ours, middle.Sub(at)), append(theirs, time.Since(middle))
	}
	o, th := median(ours), median(theirs)
	return []row{{fmt.Sprintf("4 commit of 10 changed files in %d", s.files), ms(o) + " (" + ratio(o, th) + ")", "the same syncs bare: " + ms(th), "at most 20 ms"}}
}

func commitOf(parent string, m phases.Manifest) phases.CommitDraft {
	return phases.CommitDraft{Tree: m, Parent: parent, Author: "Builder <builder@localhost>", At: time.Unix(1763892480, 0), Message: "Change ten files\n"}
}

func change(t testing.TB, dir string, i, round int) {
	path := filepath.Join(dir, "internal", fmt.Sprintf("p%02d", i%50), fmt.Sprintf("q%d", i%3), fmt.Sprintf("file%d.go", i))
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, fmt.Appendf(nil, "package p%d // round %d\n%s", i, round, strings.Repeat("// line\n", 250)), 0o644))
}

func bareCommit(t testing.TB, dir string) {
	must(t, os.Mkdir(dir, 0o755))
	for _, size := range []int{12_000, 2_000} {
		writeSynced(t, filepath.Join(dir, fmt.Sprint(size)), make([]byte, size))
	}
	syncDir(t, dir)
	writeSynced(t, filepath.Join(dir, "ref"), make([]byte, 41))
	syncDir(t, dir)
}
