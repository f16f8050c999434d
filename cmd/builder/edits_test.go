package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// edited changes, adds and deletes a file of a finished street.
func (s *site) edited() {
	s.t.Helper()
	s.file("app/left.txt", "old left, and mine\n")
	s.file("app/notes.txt", "mine\n")
	if err := os.Remove(s.path("app/right.txt")); err != nil {
		s.t.Fatal(err)
	}
}

// Law L4: what a person changed between runs is named and left alone; kept, it is a commit of their
// own from which the build goes on, and what it broke is done again.
func TestKeepEdits(t *testing.T) {
	t.Parallel()
	s := newStreet(t, nil)
	s.wants(0, s.args("--author", "Ann <ann@example.org>")...)
	before := commitsOf(s.status("app"))
	s.edited()
	out := s.wants(0, "resume", "app")
	has(t, out, "E_USER_EDIT: not as in the newest commit: left.txt (changed), notes.txt (added), right.txt (deleted)", "--keep-edits", "--discard-edits", "done already")
	if s.exists("app/right.txt") || s.git("app", "rev-list", "--count", "HEAD") != "5" {
		t.Fatal("edits were not left alone")
	}
	out = s.wants(0, "resume", "app", "--keep-edits")
	has(t, out, "your edits are a commit of their own now: ", "1 gate(s) of done tasks are red on your edits; done again: s.right")
	s.keepsCommits(before, "s.right")
	if got := s.git("app", "log", "-3", "--format=%s|%an|%ae"); !strings.HasPrefix(got, "Write right|Ann|ann@example.org\nKeep the user's edits|Ann|") {
		t.Errorf("log: %s", got)
	}
	has(t, s.git("app", "log", "-1", "--skip=1", "--format=%B"), `- "notes.txt" added`, `- "right.txt" deleted`, keptTrailer)
	if got := s.git("app", "show", "HEAD:left.txt"); got != "old left, and mine" {
		t.Errorf("left.txt: %q", got)
	}
	if got := s.git("app", "status", "--porcelain"); got != "" {
		t.Errorf("status: %s", got)
	}
	has(t, s.said(), "gate right is red")
	has(t, s.wants(0, "checkpoint", "verify", "app"), "commits found")
	s.wants(0, "replay", "app")
	has(t, s.wants(0, "resume", "app", "--keep-edits"), "nothing was edited")
}

// Taken back, a person's edits are kept elsewhere, whole, and the folder is as the newest commit.
func TestDiscardEdits(t *testing.T) {
	t.Parallel()
	s := newStreet(t, nil)
	s.wants(0, s.args()...)
	before := commitsOf(s.status("app"))
	s.edited()
	has(t, s.wants(0, "resume", "app", "--discard-edits"), "your edits are taken back; they are kept in ", "left.txt, notes.txt, right.txt")
	s.keepsCommits(before)
	if got := s.git("app", "status", "--porcelain"); got != "" || s.exists("app/notes.txt") || !s.exists("app/right.txt") {
		t.Errorf("status: %q", got)
	}
	kept, err := filepath.Glob(s.path("app/.builder/builds/*/discarded/1/*"))
	if err != nil || len(kept) != 2 {
		t.Fatalf("kept: %v, %v", kept, err)
	}
	if raw, err := os.ReadFile(kept[0]); err != nil || string(raw) != "old left, and mine\n" {
		t.Errorf("%s holds %q, %v", kept[0], raw, err)
	}
	has(t, s.wants(2, "resume", "app", "--discard-edits", "--keep-edits"), "E_USAGE")
}

// Commits of a person on top of the build's become its head when they say so; a history that was
// rewritten below never does.
func TestUserCommitsAreTaken(t *testing.T) {
	t.Parallel()
	s := stoppedStreet(t, nil)
	before := commitsOf(s.status("app"))
	s.file("app/mine.txt", "mine\n")
	s.git("app", "add", "mine.txt")
	s.git("app", "-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "-m", "Mine")
	mine := s.git("app", "rev-parse", "HEAD")
	has(t, s.wants(75, "resume", "app"), "E_USER_EDIT: commit "+mine[:10]+" on top of the build's: Mine", "E_REPO_DIVERGED", "--keep-edits")
	has(t, s.wants(0, "resume", "app", "--keep-edits"), "your commits are the head of the build now: "+mine[:10], "green on your edits")
	s.keepsCommits(map[planner.TaskID]string{"s.base": before["s.base"], "s.left": before["s.left"]})
	if got := s.git("app", "rev-list", "--count", "HEAD"); got != "6" {
		t.Errorf("%s commits", got)
	}
	s.git("app", "merge-base", "--is-ancestor", mine, "HEAD")

	newest := s.git("app", "rev-parse", "HEAD")
	s.git("app", "-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "--amend", "-m", "Rewritten")
	has(t, s.wants(0, "resume", "app"), "does not hold the build's newest commit "+newest[:10])
	has(t, s.wants(75, "resume", "app", "--keep-edits"), "E_REPO_DIVERGED", "history was rewritten")
	if got := s.git("app", "log", "-1", "--format=%s"); got != "Rewritten" {
		t.Errorf("the branch is at %q", got)
	}
}

// A process that dies between the commit of a person's edits and its record has done no harm: the
// next one knows the commit by its trailer.
func TestKeptEditsOutliveACrash(t *testing.T) {
	t.Parallel()
	s := newStreet(t, nil)
	s.wants(0, s.args()...)
	build := s.status("app").Build
	s.file("app/notes.txt", "mine\n")
	s.git("app", "add", "notes.txt")
	s.git("app", "-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "-m", "Keep the user's edits\n\nBuilder-Build: "+build+"\n"+keptTrailer)
	head := s.git("app", "rev-parse", "HEAD")
	s.file("spec.md", strings.Replace(streetSpec, "# Street\n", "# Street\n\nA quiet place.\n", 1))
	s.wants(0, "resume", "app", "--accept-spec")
	if st := s.status("app"); st.Head != head || st.State != phases.DoneState {
		t.Errorf("head %s, want %s; %s", st.Head, head, st.State)
	}
}

// The index goes with the commit of kept edits also when a lock or a crash came between the two: what
// was kept is not staged as deleted.
func TestKeptEditsBringTheIndex(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"--keep-edits"}} {
		s := newStreet(t, nil)
		s.wants(0, s.args()...)
		s.edited()
		s.file("app/gone.txt", "committed, and deleted then\n")
		s.git("app", "add", "gone.txt")
		s.git("app", "-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "-m", "Mine")
		if err := os.Remove(s.path("app/gone.txt")); err != nil {
			t.Fatal(err)
		}
		s.file("app/.git/index.lock", "")
		s.wants(75, "resume", "app", "--keep-edits")
		if err := os.Remove(s.path("app/.git/index.lock")); err != nil {
			t.Fatal(err)
		}
		has(t, s.git("app", "log", "-1", "--format=%B"), keptTrailer)
		s.wants(0, append([]string{"resume", "app"}, flags...)...)
		if got := s.git("app", "status", "--porcelain"); got != "" {
			t.Errorf("resume %v: status: %s", flags, got)
		}
		if got := s.git("app", "show", "HEAD:notes.txt"); got != "mine" {
			t.Errorf("resume %v: notes.txt: %q", flags, got)
		}
	}
}

// A lock that another git program holds, or left, is no fault of ours: it is named, and the hint goes on.
func TestEditsWaitForGit(t *testing.T) {
	t.Parallel()
	s := newStreet(t, nil)
	s.wants(0, s.args()...)
	s.edited()
	for _, c := range [][2]string{{"index", "--discard-edits"}, {"refs/heads/main", "--keep-edits"}, {"index", "--keep-edits"}} {
		lock := "app/.git/" + c[0] + ".lock"
		s.file(lock, "")
		has(t, s.wants(75, "resume", "app", c[1]), "E_REPO_BUSY", lock+" is there", "remove the lock file it left, then: builder resume "+s.path("app")+" "+c[1])
		if err := os.Remove(s.path(lock)); err != nil {
			t.Fatal(err)
		}
		if c[1] == "--discard-edits" { // the files were back before the index was asked for
			s.edited()
		}
	}
	s.wants(0, "resume", "app", "--keep-edits")
	if got := s.git("app", "status", "--porcelain"); got != "" {
		t.Errorf("status: %s", got)
	}
}

// Edits are named at the start of a resume also when a merge was left half done: the builder's own
// commit and files are not among them.
func TestEditsBesideAMergeAreNamed(t *testing.T) {
	t.Parallel()
	for _, lock := range []string{"app/.git/index.lock", "app/.git/refs/heads/main.lock"} {
		s := stoppedStreet(t, nil)
		s.file(lock, "")
		has(t, s.wants(75, "resume", "app"), "E_REPO_BUSY")
		if err := os.Remove(s.path(lock)); err != nil {
			t.Fatal(err)
		}
		s.file("app/notes.txt", "mine\n")
		s.file("app/base.txt", "old base, and mine\n")
		out := s.wants(0, "resume", "app")
		has(t, out, "E_USER_EDIT: not as in the newest commit: base.txt (changed), notes.txt (added)\nthey are left alone")
		if strings.Contains(out, "on top of the build's") {
			t.Errorf("the builder's own commit is named:\n%s", out)
		}
	}
}

// A file that a half done merge has not brought yet is not the user's.
func TestFilesOfAMergeAreNotEdits(t *testing.T) {
	t.Parallel()
	s := stoppedStreet(t, nil)
	before, err := os.ReadDir(s.path("app"))
	if err != nil {
		t.Fatal(err)
	}
	s.file("app/.git/index.lock", "")
	s.wants(75, "resume", "app")
	after, err := os.ReadDir(s.path("app"))
	if err != nil || len(after) <= len(before) {
		t.Fatalf("the merge brought nothing: %v, %v", after, err)
	}
	for _, f := range after { // as if the kill came before the files
		if !slices.ContainsFunc(before, func(b os.DirEntry) bool { return b.Name() == f.Name() }) {
			if err := os.Remove(s.path("app/" + f.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Remove(s.path("app/.git/index.lock")); err != nil {
		t.Fatal(err)
	}
	if out := s.wants(0, "resume", "app"); strings.Contains(out, "E_USER_EDIT") {
		t.Errorf("the builder's own work is named:\n%s", out)
	}
	if got := s.git("app", "status", "--porcelain"); got != "" {
		t.Errorf("status: %s", got)
	}
}

// A folder that a link took the place of has no files any more, wherever the link leads.
func TestKeepALinkForAFolder(t *testing.T) {
	t.Parallel()
	s := newSite(t, script(agenttest.Use(agenttest.Write("hello.txt", "hello\n"), agenttest.Write("work/a.txt", "a\n")), agenttest.Use(agenttest.Finish("wrote it"))))
	s.wants(0, s.args()...)
	if err := errors.Join(os.Rename(s.path("app/work"), s.path("app/w2")), os.Symlink("w2", s.path("app/work"))); err != nil {
		t.Fatal(err)
	}
	has(t, s.wants(0, "resume", "app"), "w2/a.txt (added), work (added), work/a.txt (deleted)")
	s.wants(0, "resume", "app", "--keep-edits")
	if got := s.git("app", "ls-tree", "-r", "--name-only", "HEAD"); got != "hello.txt\nw2/a.txt\nwork" {
		t.Errorf("tree: %s", got)
	}
	if got := s.git("app", "status", "--porcelain"); got != "" {
		t.Errorf("status: %s", got)
	}
}
