package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

// A checkpoint that is damaged is said to be, with the way back; nothing more is broken by looking
// at it or by trying to resume.
func TestDamagedCheckpoint(t *testing.T) {
	t.Parallel()
	s := newSite(t, script(agenttest.Fail(401, "authentication_error", "invalid x-api-key")))
	s.wants(75, s.args("--build-id", "b-hurt")...)
	whole, err := os.ReadFile(s.journal("app"))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.NewChaCha8([32]byte{7})
	random := make([]byte, len(whole))
	if _, err := rng.Read(random); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	for at, key := 0, []byte("invalid x-api-key"); ; at++ { // wherever it stands: pages that are free hold it, too
		i := bytes.Index(whole[at:], key)
		if i < 0 {
			break
		}
		at += i
		flipped[at] ^= 4
	}
	for name, c := range map[string]struct {
		content []byte // of the journal; nil leaves it
		hurt    func(app string)
		code    int
		says    string
	}{
		"truncated": {whole[:3*os.Getpagesize()], nil, 74, "E_CHECKPOINT_CORRUPT"},
		"cut short": {whole[:100], nil, 74, "E_CHECKPOINT_CORRUPT"},
		"empty":     {[]byte{}, nil, 74, "E_CHECKPOINT_CORRUPT"},
		"random":    {random, nil, 74, "E_CHECKPOINT_CORRUPT"},
		"foreign":   {bytes.Repeat([]byte("SQLite format 3\x00 and more "), 2000), nil, 74, "E_CHECKPOINT_CORRUPT"},
		"one bit":   {flipped, nil, 74, "E_CHECKPOINT_CORRUPT"},
		"gone":      {nil, func(app string) { s.must(os.Remove(s.journal(app))) }, 74, "E_CHECKPOINT_MISSING"},
		"folder": {nil, func(app string) {
			s.must(os.Remove(s.journal(app)))
			s.must(os.Mkdir(s.journal(app), 0o700))
		}, 74, "E_CHECKPOINT_CORRUPT"},
		"pipe": {nil, func(app string) {
			s.must(os.Remove(s.journal(app)))
			s.must(syscall.Mkfifo(s.journal(app), 0o600))
		}, 74, "E_CHECKPOINT_CORRUPT"},
		"no name":   {nil, func(app string) { s.must(os.Remove(s.path(app + "/.builder/current"))) }, 74, "E_CHECKPOINT_CORRUPT"},
		"bad name":  {nil, func(app string) { s.must(os.WriteFile(s.path(app+"/.builder/current"), []byte("../x"), 0o600)) }, 74, "E_CHECKPOINT_CORRUPT"},
		"newer":     {nil, s.newerSchema, 2, "E_CHECKPOINT_NEWER"},
		"no blobs":  {nil, s.loseBlobs, 74, "E_BLOB_LOST|E_CHECKPOINT_CORRUPT"}, // verify lists all that is wrong
		"bad blobs": {nil, s.hurtBlobs, 74, "E_BLOB_CORRUPT|E_CHECKPOINT_CORRUPT"},
		"readable":  {nil, func(app string) { s.must(os.Chmod(s.path(app+"/.builder"), 0o755)) }, 77, "E_STATE_PERMISSIONS"},
	} {
		t.Run(name, func(t *testing.T) { // one after the other: they are quick, and share a cache
			app := "app-" + strings.ReplaceAll(name, " ", "-")
			s.must(os.CopyFS(s.path(app), os.DirFS(s.path("app"))))
			s.must(os.Chmod(s.path(app+"/.builder"), 0o700))
			if c.content != nil {
				s.must(os.WriteFile(s.journal(app), c.content, 0o600))
			}
			if c.hurt != nil {
				c.hurt(app)
			}
			before, sent := s.fingerprint(app), len(s.srv.Requests())
			for _, args := range [][]string{{"resume", app}, {"checkpoint", "verify", app}} {
				out, code := s.run(args...)
				if code != c.code || !regexp.MustCompile("builder: ("+c.says+"): ").MatchString(out) || c.code == 74 && !strings.Contains(out, "builder checkpoint re") && !strings.Contains(out, "echo b-hurt > ") || !strings.Contains(out, "\nhint: ") || strings.Contains(out, "goroutine ") {
					t.Errorf("%v: exit %d, want %d:\n%s", args, code, c.code, out)
				}
			}
			if after := s.fingerprint(app); after != before {
				t.Errorf("something changed:\n%s\nis now\n%s", before, after)
			}
			if len(s.srv.Requests()) != sent {
				t.Error("something was sent")
			}
		})
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) journal(app string) string { return s.path(app + "/.builder/builds/b-hurt/journal.db") }

func (s *site) newerSchema(app string) {
	db, err := bbolt.Open(s.journal(app), 0o600, nil)
	s.must(err)
	s.must(db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("schema"), []byte("99")) }))
	s.must(db.Close())
}

func (s *site) loseBlobs(app string) {
	s.must(filepath.WalkDir(s.path(app+"/.builder/blobs"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			return os.Remove(p)
		}
		return err
	}))
}

func (s *site) hurtBlobs(app string) {
	s.must(filepath.WalkDir(s.path(app+"/.builder/blobs"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			return os.WriteFile(p, []byte("something else"), 0o600)
		}
		return err
	}))
}

// fingerprint lists all files below a folder with the hash of their content, but for the side file
// that names who held the journal last.
func (s *site) fingerprint(top string) string {
	s.t.Helper()
	var b strings.Builder
	s.must(filepath.WalkDir(s.path(top), func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Base(p) == "lock" {
			return err
		}
		raw, err := os.ReadFile(p)
		fmt.Fprintf(&b, "%s %x\n", p, sha256.Sum256(raw))
		return err
	}))
	return b.String()
}
