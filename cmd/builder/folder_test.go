package main

import (
	"os"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

// between is an agent for two tasks; fn runs when the second one asks for the first time, so while
// the first task's commit is there and the second's is not.
func between(fn func()) func(int, agenttest.Request) agenttest.Turn {
	done := false // requests come one after the other
	return func(_ int, req agenttest.Request) agenttest.Turn {
		second, first := strings.Contains(req.Said(), `<task id="main.bye">`), len(req.Wire.Messages) == 1
		if second && first && !done {
			done = true
			fn()
		}
		switch {
		case !first:
			return agenttest.Use(agenttest.Finish("wrote it"))
		case second:
			return agenttest.Use(agenttest.Write("bye.txt", "bye\n"), agenttest.Write("hello.txt", "hello again\n"))
		}
		return honest()[0]
	}
}

// Law L4: what a person edits in the folder during a build is left as it is and named; the build
// goes on.
func TestUserEdits(t *testing.T) {
	t.Parallel()
	var s *site
	s = newSite(t, between(func() {
		s.file("app/hello.txt", "mine: hello\n")
		s.file("app/notes-of-mine.txt", "mine")
	}), twoTasks)
	out := s.wants(0, s.args()...)
	has(t, out, "E_USER_EDIT", "hello.txt")
	has(t, s.wants(0, "report", "app"), "as you changed them: hello.txt")
	has(t, s.wants(0, "status", "app", "--json"), `"hello.txt"`)
	for name, want := range map[string]string{"app/hello.txt": "mine: hello\n", "app/notes-of-mine.txt": "mine", "app/bye.txt": "bye\n"} {
		if raw, err := os.ReadFile(s.path(name)); err != nil || string(raw) != want {
			t.Errorf("%s is %q, want %q: %v", name, raw, want, err)
		}
	}
	if got := s.git("app", "show", "HEAD:hello.txt"); got != "hello again" {
		t.Errorf("committed: %q", got)
	}
}

// Law L4: a person's commit on the branch stops the build, and nothing of it is lost; once the branch
// is back the build goes on.
func TestUserCommits(t *testing.T) {
	t.Parallel()
	var s *site
	s = newSite(t, between(func() {
		s.file("app/mine.txt", "mine")
		s.git("app", "add", "mine.txt")
		s.git("app", "-c", "user.name=Me", "-c", "user.email=me@example.com", "commit", "-q", "-m", "Mine")
	}), twoTasks)
	out, code := s.run(s.args()...)
	has(t, out, "builder: E_REPO_DIVERGED: ", "\nhint: ")
	if code != 75 {
		t.Errorf("exit %d", code)
	}
	if got := s.git("app", "log", "-1", "--format=%s"); got != "Mine" {
		t.Fatalf("the branch is at %q", got)
	}
	calls := len(s.srv.Requests())
	out, again := s.run("resume", "app")
	has(t, out, "builder: E_REPO_DIVERGED: ")
	if again != code || len(s.srv.Requests()) != calls {
		t.Errorf("exit %d, %d calls more", again, len(s.srv.Requests())-calls)
	}
	s.git("app", "reset", "-q", "--soft", "HEAD~1")
	s.git("app", "reset", "-q")
	s.wants(0, "resume", "app")
	if len(s.srv.Requests()) != calls {
		t.Error("calls were made again")
	}
	if !s.exists("app/mine.txt") || !s.exists("app/bye.txt") {
		t.Error("files are missing")
	}
}
