//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/crash"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// oracle says what is wrong with a build that has come to its end after faults: nothing may be. head is
// the newest commit of one that ran through, tree that of its tree.
func (f *faultSite) oracle(tree, head string) []string {
	f.t.Helper()
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	f.checkCommits(tree, head, bad)
	f.checkBooks(bad)
	f.checkVerify(bad)
	f.checkLeft(bad)
	f.checkTold(bad)
	return wrong
}

type tellWrong func(format string, args ...any)

// checkCommits: the tree of a fault-free build, one commit a task with its trailers, a line of history,
// nothing broken, the user's folder as the branch has it.
func (f *faultSite) checkCommits(tree, head string, bad tellWrong) {
	f.t.Helper()
	if got := f.git("app", "rev-parse", "HEAD^{tree}", "HEAD"); !strings.HasPrefix(got, tree) || !f.wide && got != tree+"\n"+head {
		bad("tree and commit are %q, want %s and %s", got, tree, head)
	}
	var tasks []string
	for _, c := range strings.Split(strings.TrimSpace(f.git("app", "log", "--format=%P%x00%(trailers:only,unfold)%x01")), "\x01") {
		if strings.TrimSpace(c) == "" {
			continue
		}
		parents, trailers, _ := strings.Cut(c, "\x00")
		if len(strings.Fields(parents)) > 1 {
			bad("history is no line: a commit has the parents %s", parents)
		}
		for _, key := range []string{"Builder-Build: b-fault\n", "Builder-Task: ", "Builder-Attempt: ", "Builder-Plan: ", "Builder-Op: "} {
			if strings.Count(trailers, key) != 1 {
				bad("a commit has no trailer %q: %q", key, trailers)
			}
		}
		_, rest, _ := strings.Cut(trailers, "Builder-Task: ")
		task, _, _ := strings.Cut(rest, "\n")
		tasks = append(tasks, task)
	}
	if f.wide {
		slices.Sort(tasks[:min(2, len(tasks))]) // in either order
	}
	if want := []string{"main.three", "main.two", "main.one"}; !slices.Equal(tasks, want) {
		bad("commits of %v, want %v", tasks, want)
	}
	if got := f.git("app", "fsck", "--strict", "--no-dangling"); got != "" {
		bad("git fsck: %s", got)
	}
	if got := f.git("app", "status", "--porcelain"); got != "" {
		bad("the user's folder is not the tree: %s", got)
	}
}

// checkBooks folds the journal: the cap holds after every record; what is spent is what the serving
// side billed for one answer each; an answer that came whole is never asked for again.
func (f *faultSite) checkBooks(bad tellWrong) {
	f.t.Helper()
	ctx := context.WithoutCancel(f.t.Context())
	store, err := viewStore(ctx, folder{f.path("app")})
	if err != nil {
		bad("open: %s", err)
		return
	}
	defer func() { _ = store.Close() }() // opened for reading only
	s, unknown := phases.NewState(), 0
	err = store.journal.Read(ctx, 0, func(e checkpoint.Envelope) error {
		if err := s.ApplyEnvelope(e); err != nil {
			return err
		}
		if a, limit := s.Guard.Account(budget.Build), s.Guard.Limit(budget.Build); a.Spent+a.Unknown+a.Held > limit.USD {
			bad("record %d: %s spent, %s unknown, %s held of %s", e.Seq, a.Spent, a.Unknown, a.Held, limit.USD)
		}
		fact, err := phases.Decode(e.Kind, e.Payload)
		if call, ok := fact.(phases.CallAnswered); ok && call.Fate == budget.Unknown {
			unknown++
			f.checkLost(ctx, store, call.Settlement, bad)
		}
		return err
	})
	if err != nil {
		bad("fold: %s", err)
	}
	b, a := f.bill(), s.Guard.Account(budget.Build)
	if a.Spent != b.once {
		bad("spent %s, one answer to each question costs %s", a.Spent, b.once)
	}
	if b.total < a.Spent || b.total > a.Spent+a.Unknown {
		bad("billed %s, booked are %s spent and %s unknown", b.total, a.Spent, a.Unknown)
	}
	if b.again > unknown {
		bad("%d calls were made again, %d are booked as unknown", b.again, unknown)
	}
	if a.Held != 0 || len(s.Guard.Holds) != 0 {
		bad("%s are still held, by %d calls", a.Held, len(s.Guard.Holds))
	}
}

// checkLost: what is booked as unknown was not there, whole, to be booked as answered.
func (f *faultSite) checkLost(ctx context.Context, store *store, s budget.Settlement, bad tellWrong) {
	if s.Answer == "" {
		if strings.Contains(s.Error, "could not be kept") {
			bad("the answer to %s came and was thrown away: %s", s.Op, s.Error)
		}
		return
	}
	raw, err := store.blobs.Get(ctx, checkpoint.Hash(s.Answer))
	if err != nil || bytes.Contains(raw, []byte("event: message_stop")) {
		bad("the answer to %s came whole and is booked as unknown (%v)", s.Op, err)
	}
}

// checkVerify: `checkpoint verify` finds nothing, and every blob is what its name says.
func (f *faultSite) checkVerify(bad tellWrong) {
	var out bytes.Buffer
	if code := Main([]string{"builder", "checkpoint", "verify", f.path("app")}, f.env, strings.NewReader(""), &out, &out); code != 0 {
		bad("verify: exit %d: %s", code, out.String())
	}
	ctx := context.WithoutCancel(f.t.Context())
	store, err := viewStore(ctx, folder{f.path("app")})
	if err != nil {
		bad("open: %s", err)
		return
	}
	defer func() { _ = store.Close() }() // opened for reading only
	hashes, err := store.blobs.List(ctx)
	if err != nil || len(hashes) == 0 {
		bad("list blobs: %d, %v", len(hashes), err)
	}
	for _, h := range hashes {
		if _, err := store.blobs.Get(ctx, h); err != nil {
			bad("%s", err)
		}
	}
}

// checkTold: what tells of the build outside its journal tells its end.
func (f *faultSite) checkTold(bad tellWrong) {
	ctx := context.WithoutCancel(f.t.Context())
	store, err := viewStore(ctx, folder{f.path("app")})
	if err != nil {
		bad("open: %s", err)
		return
	}
	defer func() { _ = store.Close() }() // opened for reading only
	last, err := store.journal.Last(ctx)
	if err != nil {
		bad("%s", err)
	}
	md, js := store.reports(store.id)
	for path, says := range map[string]string{
		store.events(store.id): fmt.Sprintf(`{"seq":%d,`, last), store.status(store.id): `"state":"done"`, md: "is **done**", js: `"state": "done"`,
		f.path("state/builder/builds/b-fault.json"): `"state": "done"`,
	} {
		if raw, err := os.ReadFile(path); err != nil || !strings.Contains(string(raw), says) {
			bad("%s does not say %s (%v)", path, says, err)
		}
	}
}

// checkLeft: no process, no temporary file, no lock, no spool and no scratch tree is left.
func (f *faultSite) checkLeft(bad tellWrong) {
	for _, p := range crash.Alive(context.Background(), f.dir) {
		bad("a process is left: %s", p)
	}
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, rel := d.Name(), strings.TrimPrefix(path, f.dir+"/")
		inside := func(dir string) bool { return strings.HasPrefix(rel, dir+"/") }
		switch {
		case strings.HasSuffix(name, ".tmp") || strings.HasPrefix(name, ".tmp-") || strings.HasPrefix(name, "tmp_builder_"),
			strings.HasSuffix(name, ".lock"), inside("app/.git/builder-tmp"), strings.HasPrefix(rel, "app/.git/builder-"), strings.HasPrefix(rel, "app/.git.builder-"),
			inside("app/.builder/builds/b-fault/spool"), inside("tmp"), inside("app/.builder/blobs/tmp"):
			bad("%s is left", rel)
		}
		return nil
	})
	if err != nil {
		bad("look for what is left: %s", err)
	}
	trees, err := os.ReadDir(f.scratch())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		bad("look for scratch trees: %s", err)
	}
	for _, tree := range trees {
		bad("scratch tree %s is left", tree.Name())
	}
}

// scratch is the folder of the build's scratch trees.
func (f *faultSite) scratch() string {
	for _, kv := range f.env {
		if cache, ok := strings.CutPrefix(kv, "XDG_CACHE_HOME="); ok {
			return filepath.Join(cache, "builder", "b-fault")
		}
	}
	return ""
}
