package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

// stoppedStreet is a street whose build stopped after two tasks; the next resume ends it.
func stoppedStreet(t *testing.T, answer func() string) *site {
	t.Helper()
	n := 0
	play := street(answer)
	s := newSite(t, func(i int, req agenttest.Request) agenttest.Turn {
		if n++; n == 3 {
			return agenttest.Turn{Fault: &agenttest.Fault{Status: 401, Type: "authentication_error", Message: "no"}}
		}
		return play(i, req)
	})
	s.file("spec.md", streetSpec)
	s.usePlan(streetPlan(t))
	s.wants(75, s.args()...)
	return s
}

// me are git's arguments for a person's commit.
func me(args ...string) []string {
	return append([]string{"-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q"}, args...)
}

// follow runs the commands of a line between two texts, to the letter.
func (s *site) follow(out, after, before string) {
	s.t.Helper()
	_, rest, ok := strings.Cut(out, after)
	commands, _, end := strings.Cut(rest, before)
	if !ok || !end {
		s.t.Fatalf("no %q with %q after it in:\n%s", after, before, out)
	}
	c := exec.Command("sh", "-c", commands)
	c.Dir = s.dir
	if said, err := c.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", commands, err, said)
	}
}

// A build whose repository a person has left in another state says how to bring it back: the hint's
// commands work to the letter, and lose no commit.
func TestHintsOfRepositories(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		do   func(s *site)
		says string
		code int
	}{
		"another branch": {func(s *site) { s.git("app", "checkout", "-q", "-b", "feature") }, "E_REPO_STATE", 75},
		"detached": {func(s *site) {
			s.git("app", "checkout", "-q", "--detach")
			s.git("app", me("--allow-empty", "-m", "Mine")...)
			s.git("app", "branch", "mine", "main")
		}, "E_REPO_STATE", 75},
		"junk HEAD":    {func(s *site) { s.file("app/.git/HEAD", "junk\n") }, "E_REPO_STATE", 75},
		"junk branch":  {func(s *site) { s.file("app/.git/refs/heads/main", "junk\n") }, "E_REPO_STATE", 75},
		"empty branch": {func(s *site) { s.file("app/.git/refs/heads/main", "") }, "E_REPO_STATE", 75},
		"no HEAD": {func(s *site) {
			if err := os.Remove(s.path("app/.git/HEAD")); err != nil {
				t.Fatal(err)
			}
		}, "E_REPO_STATE", 75},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stoppedStreet(t, nil)
			c.do(s)
			out := s.wants(c.code, "resume", "app")
			has(t, out, c.says, "; then: builder resume "+s.path("app"))
			s.follow(out, "hint: ", "; then: ")
			s.wants(0, "resume", "app")
			if name == "detached" && s.git("app", "log", "-1", "--format=%s", "mine-2") != "Mine" {
				t.Error("a commit is on no branch")
			}
		})
	}
}

// What git knows and the builder does not is said with the way on, not with another folder.
func TestUnknownRepositoriesStop(t *testing.T) {
	t.Parallel()
	s := stoppedStreet(t, nil)
	s.git("app", "config", "extensions.worktreeConfig", "true")
	out := s.wants(75, "resume", "app")
	has(t, out, "E_REPO_STATE", "worktreeConfig", "take that back", "builder resume "+s.path("app"))
	s.git("app", "config", "--unset", "extensions.worktreeConfig")
	s.wants(0, "resume", "app")
}

// History that was rewritten below the build's newest commit comes back by the commands of the line that
// names it; what a person made of it, and what they changed in files, is kept.
func TestRewrittenHistoryComesBack(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		do   func(s *site)
		kept string // the branch that has the person's commit
	}{
		"amended": {func(s *site) {
			s.file("app/base.txt", "old base, and mine\n")
			s.git("app", me("-a", "--amend", "-m", "Mine")...)
		}, "mine"},
		"amended, and files changed": {func(s *site) {
			s.git("app", "branch", "mine/other")
			s.file("app/base.txt", "old base, and mine\n")
			s.git("app", me("-a", "--amend", "-m", "Mine")...)
			s.file("app/base.txt", "old base, mine, and more\n")
			s.file("app/notes.txt", "mine\n")
		}, "mine-2"},
		"branch deleted": {func(s *site) { s.git("app", "update-ref", "-d", "refs/heads/main") }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stoppedStreet(t, nil)
			newest := s.status("app").Head
			c.do(s)
			s.follow(s.wants(75, "resume", "app", "--keep-edits"), "hint: bring the branch back to it: ", "; then: ")
			if got := s.git("app", "rev-parse", "main"); got != newest {
				t.Errorf("main is at %s, want %s", got, newest)
			}
			if c.kept != "" && s.git("app", "log", "-1", "--format=%s", c.kept) != "Mine" {
				t.Error("a person's commit is on no branch")
			}
			out := s.wants(0, "resume", "app")
			if name == "amended, and files changed" {
				has(t, out, "E_USER_EDIT: not as in the newest commit: base.txt (changed), notes.txt (added)")
			} else if strings.Contains(out, "E_USER_EDIT") {
				t.Errorf("edits are named:\n%s", out)
			}
		})
	}
}

// The line at the start of a resume names the same commands.
func TestRewrittenHistoryIsTold(t *testing.T) {
	t.Parallel()
	s := newStreet(t, nil)
	s.wants(0, s.args()...)
	s.git("app", me("--amend", "-m", "Mine")...)
	s.follow(s.wants(0, "resume", "app"), "bring it back with: ", "; then: ")
	if out := s.wants(0, "resume", "app"); strings.Contains(out, "E_USER_EDIT") {
		t.Error(out)
	}
}

// What names a damaged branch brings it back, whatever command met it.
func TestDamagedBranchIsTold(t *testing.T) {
	t.Parallel()
	s := stoppedStreet(t, nil)
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"resume", "app", "--keep-edits"}, 75}, {[]string{"resume", "app", "--discard-edits"}, 75},
		{[]string{"checkpoint", "rebuild", "app"}, 75}, {[]string{"checkpoint", "verify", "app"}, 74},
	} {
		s.file("app/.git/refs/heads/main", "")
		out := s.wants(c.code, c.args...)
		s.follow(out, "hint: ", "; then: builder resume ")
		has(t, s.wants(0, "checkpoint", "verify", "app"), "commits found")
	}
	s.wants(0, "resume", "app")
}

// Commits that are lost are said to be lost by every command that needs them; none promises them. The
// hint's last resort works to the letter.
func TestLostRepositories(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]string{"repository": ".git", "objects": ".git/objects/*"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stoppedStreet(t, nil)
			lost, err := filepath.Glob(s.path("app/" + lose))
			if err != nil || len(lost) == 0 {
				t.Fatalf("%v, %v", lost, err)
			}
			for _, l := range lost {
				removeAll(l)
			}
			for _, args := range [][]string{{"resume", "app"}, {"resume", "app", "--keep-edits"}, {"checkpoint", "rebuild", "app"}, {"checkpoint", "fork", "app", "--at", "s.base", "-o", "f"}, {"checkpoint", "verify", "app"}} {
				out := s.wants(74, args...)
				has(t, out, "put "+s.path("app/.git")+" back from a copy")
				if args[1] != "verify" {
					has(t, out, "E_REPO_LOST")
				}
				if strings.Contains(out, "safe in git") || s.exists("f") {
					t.Errorf("builder %v promises what is lost:\n%s", args, out)
				}
			}
			out, _ := s.run("resume", "app")
			_, last, ok := strings.Cut(out, "paid anew by: builder build ")
			if !ok {
				t.Fatal(out)
			}
			s.wants(0, append(strings.Fields("build "+strings.Replace(last, "PLAN", "plan.yaml", 1)), "--provider", "anthropic", "--base-url", s.srv.URL)...)
			has(t, s.wants(0, "checkpoint", "verify", "app-2"), "5 commits found")
		})
	}
}
