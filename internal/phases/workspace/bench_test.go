package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// BenchmarkCommit10of2000 commits a tree of 2,000 files of which 10 changed, durably, and brings the
// user's folder to it. The figure to reach: commit-ms at most 20; bare-ms is what writing and syncing
// as many files and folders costs on the same disk in the same run.
func BenchmarkCommit10of2000(b *testing.B) {
	blobs, err := blob.Open(filepath.Join(b.TempDir(), "blobs"))
	must(b, err)
	r, err := Init(b.Context(), filepath.Join(b.TempDir(), "app"), blobs)
	must(b, err)
	trees := NewTrees(blobs, Limits{})
	scratch := b.TempDir()
	content := func(i, round int) string {
		return fmt.Sprintf("package p%d // round %d\n%s", i, round, make([]byte, 2000))
	}
	tree := files{}
	for i := range 2000 {
		tree[fmt.Sprintf("internal/p%02d/q%d/file%d.go", i%50, i%3, i)] = content(i, 0)
	}
	write(b, scratch, tree)
	from, err := trees.Scan(b.Context(), scratch)
	must(b, err)
	parent, err := r.Commit(b.Context(), draft("", from))
	must(b, err)
	_, err = r.Checkout(b.Context(), nil, from)
	must(b, err)
	var scan, commit, checkout, bare time.Duration
	bareDir := b.TempDir()
	round := 0
	for b.Loop() {
		round++
		changed := files{}
		for i := range 10 {
			at := i * 199
			changed[fmt.Sprintf("internal/p%02d/q%d/file%d.go", at%50, at%3, at)] = content(at, round)
		}
		write(b, scratch, changed)
		t0 := time.Now()
		to, err := trees.Scan(b.Context(), scratch)
		must(b, err)
		scan += time.Since(t0)
		t1 := time.Now()
		bareCommit(b, filepath.Join(bareDir, fmt.Sprint(round)))
		t1, bare = time.Now(), bare+time.Since(t1)
		id, err := r.Commit(b.Context(), draft(parent, to))
		must(b, err)
		t2 := time.Now()
		edited, err := r.Checkout(b.Context(), from, to)
		must(b, err)
		if len(edited) > 0 || len(phases.Diff(from, to)) != 10 {
			b.Fatalf("edited %v, %d changes", edited, len(phases.Diff(from, to)))
		}
		commit, checkout = commit+t2.Sub(t1), checkout+time.Since(t2)
		from, parent = to, id
	}
	for name, d := range map[string]time.Duration{"scan-ms": scan, "commit-ms": commit, "checkout-ms": checkout, "bare-ms": bare} {
		b.ReportMetric(float64(d.Microseconds())/1000/float64(b.N), name)
	}
}

// bareCommit writes and syncs what a commit must: a pack, its index, their folder, a reference, its folder.
func bareCommit(b *testing.B, dir string) {
	must(b, os.Mkdir(dir, 0o755))
	for _, size := range []int{12_000, 2_000} {
		must(b, writeSynced(filepath.Join(dir, fmt.Sprint(size)), make([]byte, size), 0o644))
	}
	must(b, syncDirs(dir))
	must(b, writeSynced(filepath.Join(dir, "ref"), make([]byte, 41), 0o644))
	must(b, syncDirs(dir))
}

// BenchmarkMaterialise2000 makes a tree of 2,000 files in an empty folder, and again where it is.
func BenchmarkMaterialise2000(b *testing.B) {
	blobs, err := blob.Open(filepath.Join(b.TempDir(), "blobs"))
	must(b, err)
	tree := files{}
	for i := range 2000 {
		tree[fmt.Sprintf("internal/p%02d/file%d.go", i%50, i)] = fmt.Sprintf("package p // %d\n%s", i, make([]byte, 2000))
	}
	m := manifest(b, blobs, tree)
	trees := NewTrees(blobs, Limits{})
	var fresh, again time.Duration
	for b.Loop() {
		dir := b.TempDir()
		t0 := time.Now()
		must(b, trees.Materialise(b.Context(), m, dir, false))
		t1 := time.Now()
		must(b, trees.Materialise(b.Context(), m, dir, false))
		fresh, again = fresh+t1.Sub(t0), again+time.Since(t1)
	}
	b.ReportMetric(float64(fresh.Microseconds())/1000/float64(b.N), "fresh-ms")
	b.ReportMetric(float64(again.Microseconds())/1000/float64(b.N), "again-ms")
}

// BenchmarkPrepare2000 computes the id of a commit of 2,000 files that are all known: no disk at all.
func BenchmarkPrepare2000(b *testing.B) {
	r, blobs := newRepo(b)
	tree := files{}
	for i := range 2000 {
		tree[fmt.Sprintf("internal/p%02d/q%d/file%d.go", i%50, i%3, i)] = "package p"
	}
	m := manifest(b, blobs, tree)
	parent, err := r.Commit(b.Context(), draft("", m))
	must(b, err)
	for b.Loop() {
		_, err := r.Prepare(b.Context(), draft(parent, m))
		must(b, err)
	}
}
