package main

import (
	"os"
	"path/filepath"
	"testing"
)

// loseBlobs removes all blobs.
func (r *rescueSite) loseBlobs() {
	r.t.Helper()
	fans, err := filepath.Glob(r.path("app/.builder/blobs/*"))
	r.must(err)
	for _, fan := range fans {
		r.must(os.RemoveAll(fan))
	}
}

// The trees of done tasks stand in their commits: where their blobs are lost, all blobs among them, a
// rebuild puts them back, and the build verifies and goes on.
func TestLostTreesComeBack(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]bool{"half done": true, "done": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRescueSite(t, pause)
			r.loseBlobs()
			r.wants(exitStorage, "checkpoint", "verify", "app")
			has(t, r.wants(0, "checkpoint", "rebuild", "app"), "b-hurt is back")
			r.wants(0, "checkpoint", "verify", "app")
			if !r.isMended() {
				close(r.mended)
			}
			r.wants(0, "resume", "app", "--no-sandbox")
			r.wants(0, "checkpoint", "verify", "app")
		})
	}
}

// A newest tree that its commit does not give back is told before anything is put in place.
func TestLostTreeWithoutItsCommit(t *testing.T) {
	t.Parallel()
	r := newRescueSite(t, false)
	r.loseBlobs()
	r.must(os.Rename(r.path("app/.git"), r.path("git")))
	has(t, r.wants(exitStorage, "checkpoint", "rebuild", "app"), "builder: E_BLOB_LOST: ", "bring the repository back as it was, then: builder checkpoint rebuild ")
	r.must(os.Rename(r.path("git"), r.path("app/.git")))
	has(t, r.wants(0, "checkpoint", "rebuild", "app"), "b-hurt is back")
	r.wants(0, "checkpoint", "verify", "app")
}
