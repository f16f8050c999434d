package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
)

// journalName is where an app's journal is, below the site's folder.
func (s *crewed) journalName(app string) string {
	return strings.TrimPrefix(s.journalOf(app), s.dir+"/")
}

// compact frees what no record names and nothing else: a dry run says so and changes nothing, verify
// holds as before, and the build goes on.
func TestCompactFreesTheUnreferenced(t *testing.T) {
	t.Parallel()
	job := agenttest.Job{Tasks: 3, Width: 1, Calls: 4}
	s := newCrewed(t, job)
	goOn := s.stopAfter(6)
	s.wants(75, s.args()...)
	blobs, err := blob.Open(s.path("app/.builder/blobs"))
	s.must(err)
	kept, err := blobs.List(t.Context())
	s.must(err)
	stray, err := blobs.Put(t.Context(), []byte("nobody names this"))
	s.must(err)
	s.file("app/.builder/blobs/tmp/x.tmp", "left by a kill")
	s.file(s.journalName("app")+".9.tmp", "left by a kill")
	left := filepath.Dir(s.journalName("app")) + "/new-1"
	s.file(left+"/journal.db", "left by a kill")
	before, verified := s.fingerprint("app"), s.wants(0, "checkpoint", "verify", "app")

	var dry, did compacted
	s.must(json.Unmarshal([]byte(s.wants(0, "checkpoint", "compact", "app", "--dry-run", "--json")), &dry))
	if dry.Blobs < 1 || dry.BlobBytes < 10 || dry.Temps != 3 || !dry.DryRun || dry.JournalAfter > dry.JournalBefore {
		t.Errorf("%+v", dry)
	}
	if s.fingerprint("app") != before {
		t.Error("a dry run changed something")
	}

	s.must(json.Unmarshal([]byte(s.wants(0, "checkpoint", "compact", "app", "--json")), &did))
	if did.Blobs != dry.Blobs || did.BlobBytes != dry.BlobBytes || did.Freed <= 0 || did.JournalAfter != dry.JournalAfter {
		t.Errorf("did %+v, said %+v", did, dry)
	}
	if ok, err := blobs.Has(t.Context(), stray); err != nil || ok {
		t.Errorf("the stray blob is there: %v", err)
	}
	still, err := blobs.List(t.Context())
	s.must(err)
	if len(still) != len(kept)+1-did.Blobs || len(still) == 0 {
		t.Errorf("%d blobs are left of %d", len(still), len(kept))
	}
	if s.exists(left) {
		t.Errorf("%s is there", left)
	}
	if got := s.wants(0, "checkpoint", "verify", "app"); got != verified {
		t.Errorf("verify says %s, said %s", got, verified)
	}
	goOn()
	s.wants(0, "resume", "app")
	s.wants(0, "checkpoint", "verify", "app")
	if s.crew.Bill().Repeated != 0 {
		t.Error("a call was made again")
	}

	s.must(os.Remove(s.blobFile("app", checkpoint.HashOf([]byte("t0000 is done\n")))))
	now := s.fingerprint("app")
	has(t, s.wants(74, "checkpoint", "compact", "app"), "E_BLOB_LOST", "builder checkpoint rebuild")
	if s.fingerprint("app") != now {
		t.Error("a damaged build was changed")
	}
}
