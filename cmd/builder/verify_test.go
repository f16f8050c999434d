package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// rewrite makes the journal of an app anew, from its records as change leaves them; a snapshot goes.
func (s *crewed) rewrite(app string, change func([]phases.Fact) []phases.Fact) {
	s.t.Helper()
	ctx, path := context.Background(), s.journalOf(app)
	var facts []phases.Fact
	var last checkpoint.Envelope
	j, err := bolt.OpenReadOnly(ctx, path, bolt.Options{})
	s.must(err)
	s.must(j.Read(ctx, 0, func(e checkpoint.Envelope) error {
		f, err := phases.Decode(e.Kind, e.Payload)
		facts, last = append(facts, f), e
		return err
	}))
	s.must(j.Close())
	var recs []checkpoint.Record
	for _, f := range change(facts) {
		r, err := phases.Encode(f, last.Time)
		s.must(err)
		recs = append(recs, r)
	}
	s.must(os.Remove(path))
	s.must(bolt.Make(ctx, path, recs))
}

func (s *crewed) journalOf(app string) string {
	s.t.Helper()
	f := folder{s.path(app)}
	id, err := f.currentBuild()
	s.must(err)
	return f.journal(id)
}

// each changes the records of one kind.
func each[T phases.Fact](change func(n int, f *T)) func([]phases.Fact) []phases.Fact {
	return func(facts []phases.Fact) []phases.Fact {
		n := 0
		for i := range facts {
			if f, ok := facts[i].(T); ok {
				change(n, &f)
				facts[i] = f
				n++
			}
		}
		return facts
	}
}

// must runs git in an app.
func (s *crewed) gitAs(app string, args ...string) {
	s.t.Helper()
	c := exec.Command("git", append([]string{"-C", s.path(app), "-c", "user.name=A", "-c", "user.email=a@b"}, args...)...)
	if out, err := c.CombinedOutput(); err != nil {
		s.t.Fatalf("git %v: %v: %s", args, err, out)
	}
}

// copyOf copies an app as it lies there.
func (s *crewed) copyOf(from, to string) {
	s.t.Helper()
	if out, err := exec.Command("cp", "-a", s.path(from), s.path(to)).CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
}

// blobFile is the file of a blob.
func (s *crewed) blobFile(app string, h checkpoint.Hash) string {
	s.t.Helper()
	found, err := filepath.Glob(s.path(app+"/.builder/blobs/"+string(h[:2])) + "/" + string(h) + "*")
	if err != nil || len(found) != 1 {
		s.t.Fatalf("blob %s: %v %v", h, found, err)
	}
	return found[0]
}

// L6 and L3: `checkpoint verify` recomputes everything, and names what is not as recorded; it changes
// nothing. Each damage shows.
func TestVerifyNames(t *testing.T) {
	t.Parallel()
	s := newCrewed(t, agenttest.Job{Tasks: 3, Width: 1, Calls: 2})
	s.wants(0, s.args("--build-id", "b-verify", "--max-cost", "1")...)
	var done []phases.TaskDone
	var logs []checkpoint.Hash
	s.rewrite("app", func(facts []phases.Fact) []phases.Fact {
		for _, f := range facts {
			switch f := f.(type) {
			case phases.TaskDone:
				done = append(done, f)
			case phases.EffectFinished:
				if f.Gate != nil {
					logs = append(logs, f.Gate.Log)
				}
			}
		}
		return facts
	})
	out := s.wants(0, "checkpoint", "verify", "app", "--json")
	var v verification
	if err := json.Unmarshal([]byte(out), &v); err != nil || v.Version != 1 || v.Build != "b-verify" || v.Commits != 3 || v.Calls != 6 || len(v.Problems) != 0 || v.Objects < 9 || v.Blobs < 20 {
		t.Fatalf("%v: %s", err, out)
	}
	work := checkpoint.HashOf([]byte("t0001 is done\n"))
	for name, c := range map[string]struct {
		hurt func(app string)
		says []string
	}{
		"snapshot": {func(app string) { s.lyingSnapshot(app) }, []string{"the snapshot is not the fold", "money of build", "the snapshot says"}},
		"log lost": {func(app string) { s.must(os.Remove(s.blobFile(app, logs[0]))) }, []string{"blob " + string(logs[0]), "not found"}},
		"file of a tree lost": {
			func(app string) { s.must(os.Remove(s.blobFile(app, work))) },
			[]string{"blob " + string(work), "a file of a recorded tree"},
		},
		"blob altered": {
			func(app string) { s.must(os.WriteFile(s.blobFile(app, work), []byte("something else"), 0o600)) },
			[]string{"blob " + string(work), "corrupt"},
		},
		"cost": {
			func(app string) { s.rewrite(app, each(func(n int, f *phases.CallAnswered) { f.Cost += 1 })) },
			[]string{"is booked at", "its usage costs", "money of build"},
		},
		"cap": {
			func(app string) { s.rewrite(app, each(func(_ int, f *phases.BuildStarted) { f.Caps.USD = 100 })) },
			[]string{"call.intended", "the cap of build is broken"},
		},
		"done twice": {
			func(app string) {
				s.rewrite(app, func(fs []phases.Fact) []phases.Fact { return append(fs, done[0]) })
			},
			[]string{"has a commit more than it has starts", "is that of two tasks"},
		},
		"tree": {
			func(app string) { s.rewrite(app, each(func(n int, f *phases.TaskDone) { f.Tree = done[0].Tree })) },
			[]string{"the recorded manifest is tree"},
		},
		"tasks swapped": {
			func(app string) {
				s.rewrite(app, each(func(n int, f *phases.TaskDone) { f.Commit, f.Tree = done[2-n].Commit, done[2-n].Tree }))
			},
			[]string{"says that it is of build", "stands before that of a task that was done earlier"},
		},
		"branch moved": {func(app string) { s.gitAs(app, "reset", "--hard", "-q", "HEAD~1") }, []string{done[2].Commit, "is not in the history of the branch"}},
		"branch grown": {
			func(app string) {
				s.gitAs(app, "commit", "-q", "--allow-empty", "-m", "Forged\n\nBuilder-Build: b-verify\nBuilder-Task: p1.t0002")
			},
			[]string{"no record knows it"},
		},
		"repository gone": {func(app string) { s.must(os.RemoveAll(s.path(app + "/.git"))) }, []string{"there is no repository", string(done[1].Task), "back from a copy"}},
		"object altered":  {s.alterObject, []string{"it is not what its name says", "back from a copy"}},
	} {
		t.Run(name, func(t *testing.T) { // one after the other: they are quick
			app := "app-" + strings.ReplaceAll(name, " ", "-")
			s.copyOf("app", app)
			c.hurt(app)
			code := 74
			if c.says == nil {
				code = 0
			}
			before := s.fingerprint(app)
			out, got := s.run("checkpoint", "verify", app)
			if got != code {
				t.Errorf("exit %d, want %d:\n%s", got, code, out)
			}
			has(t, out, c.says...)
			if after := s.fingerprint(app); after != before {
				t.Errorf("verify changed something:\n%s\nis now\n%s", before, after)
			}
		})
	}
}

// lyingSnapshot keeps a snapshot in which a dollar less is spent.
func (s *crewed) lyingSnapshot(app string) {
	s.t.Helper()
	ctx := context.Background()
	j, err := bolt.Open(ctx, s.journalOf(app), bolt.Options{})
	s.must(err)
	state, _, err := phases.Load(ctx, j)
	s.must(err)
	a := state.Guard.Accounts["build"]
	a.Spent /= 2
	state.Guard.Accounts["build"] = a
	raw, err := json.Marshal(state)
	s.must(err)
	s.must(j.Save(ctx, checkpoint.Snapshot{Seq: state.Seq, State: raw}))
	s.must(j.Close())
}

// alterObject puts the content of one file of the repository under the name of another.
func (s *crewed) alterObject(app string) {
	s.t.Helper()
	packs, err := filepath.Glob(s.path(app + "/.git/objects/pack/*"))
	s.must(err)
	for _, p := range packs {
		if strings.HasSuffix(p, ".pack") {
			moved := s.path("moved.pack")
			s.must(os.Rename(p, moved))
			in, err := os.Open(moved)
			s.must(err)
			c := exec.Command("git", "-C", s.path(app), "unpack-objects", "-q")
			c.Stdin = in
			if out, err := c.CombinedOutput(); err != nil {
				s.t.Fatalf("%v: %s", err, out)
			}
			s.must(in.Close())
		}
	}
	for _, p := range packs {
		_ = os.Remove(p)
	}
	object := func(file string) string {
		id := s.git(app, "rev-parse", "HEAD:"+file)
		return s.path(app + "/.git/objects/" + id[:2] + "/" + id[2:])
	}
	raw, err := os.ReadFile(object(s.job.File(0)))
	s.must(err)
	s.must(os.Remove(object(s.job.File(1))))
	s.must(os.WriteFile(object(s.job.File(1)), raw, 0o444))
}
