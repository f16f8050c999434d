package crash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

// finalOracle says what is wrong with a build that has come to its end after all that was done to it.
//
// It is that of the design's part 12: the tree of a build without any fault; money to the
// micro-dollar; one commit a task, in a line, and a repository in which git finds nothing wrong; a
// journal in which `checkpoint verify` finds nothing wrong; no process, no file and no lock left.
func (s *site) finalOracle(ctx context.Context, b *books, want phases.Manifest) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, p := range Alive(ctx, s.dir) {
		bad("a process is left: %s", p)
	}
	if err := s.left(func(path string) { bad("%s is left", path) }); err != nil {
		bad("look for what is left: %s", err)
	}
	wrong = append(wrong, b.check(ctx)...)
	if got, err := s.tree(ctx); err != nil {
		bad("%s", err)
	} else if string(got.Encode()) != string(want.Encode()) {
		bad("the tree is another one: %s", differ(want, got))
	}
	if out, code, err := s.run(ctx, "checkpoint", "verify", "app"); err != nil || code != 0 {
		bad("checkpoint verify: exit %d: %s (%v)", code, lastLines(out), err)
	}
	if err := s.checkBlobs(ctx); err != nil {
		bad("%s", err)
	}
	if git := find("git", s.trial.c.Path); git != "" {
		s.checkGit(ctx, git, bad)
	}
	return wrong
}

// tree is that of the branch's newest commit.
func (s *site) tree(ctx context.Context) (phases.Manifest, error) {
	repo, err := workspace.Open(ctx, s.path("app"), &checkpoint.MemoryBlobs{})
	if err != nil {
		return nil, err
	}
	_, m, err := repo.Head(ctx)
	return m, err
}

// differ names the first path in which two trees differ.
func differ(want, got phases.Manifest) string {
	for _, e := range want {
		if !slices.Contains(got, e) {
			return e.Path + " is missing or another one"
		}
	}
	for _, e := range got {
		if !slices.Contains(want, e) {
			return e.Path + " is too much"
		}
	}
	return "its order"
}

func (s *site) blobs() (*blob.Store, error) { return blob.Open(s.path("app/.builder/blobs")) }

// checkBlobs: every blob is what its name says.
func (s *site) checkBlobs(ctx context.Context) error {
	store, err := s.blobs()
	if err != nil {
		return err
	}
	hashes, err := store.List(ctx)
	if err == nil && len(hashes) == 0 {
		err = errors.New("there are no blobs")
	}
	errs := []error{err}
	for _, h := range hashes {
		_, err := store.Get(ctx, h)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// trailers are those of every commit.
var trailers = []string{"Builder-Build: " + buildID + "\n", "Builder-Task: ", "Builder-Attempt: ", "Builder-Plan: ", "Builder-Op: "}

// checkGit: one commit a task with its trailers, in a line, the folder as the branch has it, and
// nothing that git's own check finds.
func (s *site) checkGit(ctx context.Context, git string, bad tell) {
	if out, err := s.git(ctx, git, "fsck", "--strict", "--no-dangling", "--no-progress"); err != nil || out != "" {
		bad("git fsck: %s (%v)", out, err)
	}
	if out, err := s.git(ctx, git, "status", "--porcelain"); err != nil || out != "" {
		bad("the folder is not as the branch has it: %s (%v)", out, err)
	}
	log, err := s.git(ctx, git, "log", "--format=%P%x00%(trailers:only,unfold)%x01")
	if err != nil {
		bad("git log: %s (%v)", log, err)
		return
	}
	tasks := map[string]int{}
	for commit := range strings.SplitSeq(log, "\x01") {
		if strings.TrimSpace(commit) == "" {
			continue
		}
		parents, lines, _ := strings.Cut(commit, "\x00")
		if len(strings.Fields(parents)) > 1 {
			bad("history is no line: a commit has the parents %s", parents)
		}
		for _, key := range trailers {
			if strings.Count(lines, key) != 1 {
				bad("a commit has no trailer %q: %q", key, lines)
			}
		}
		_, rest, _ := strings.Cut(lines, "Builder-Task: ")
		task, _, _ := strings.Cut(rest, "\n")
		tasks[task]++
	}
	for task, n := range tasks {
		if n != 1 {
			bad("task %s has %d commits", task, n)
		}
	}
	if len(tasks) != s.trial.c.Job.Tasks {
		bad("%d tasks have commits, want %d", len(tasks), s.trial.c.Job.Tasks)
	}
}

func (s *site) git(ctx context.Context, git string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, git, append([]string{"-C", s.path("app")}, args...)...)
	c.Env = s.env(0)
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// left finds what killed processes left on their way to a name, locks, spools and scratch trees.
func (s *site) left(found func(path string)) error {
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, path)
		if err != nil {
			return err
		}
		if rel == "cache/builder/toolchains" {
			return fs.SkipDir // caches of programs that are not ours
		}
		if leftover(rel, d.Name()) {
			found(rel)
		}
		return nil
	})
	return err
}

// leftover says whether a path has no business in the folder of a build that has ended.
func leftover(rel, name string) bool {
	inside := func(dir string) bool { return strings.HasPrefix(rel, dir+"/") }
	for _, part := range []string{".tmp-", "tmp_builder_"} {
		if strings.HasPrefix(name, part) {
			return true
		}
	}
	return strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".lock") || strings.HasSuffix(name, ".sock") ||
		inside("tmp") || inside("run/builder") || inside("cache/builder/"+buildID) || inside("app/.builder/builds/"+buildID+"/spool") || inside("app/.builder/blobs/tmp") ||
		inside("app/.git/builder-tmp") || strings.HasPrefix(rel, "app/.git/builder-") || strings.HasPrefix(rel, "app/.git.builder-")
}

// find is a program's place on a PATH; "" when it is not there.
func find(name, path string) string {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}
