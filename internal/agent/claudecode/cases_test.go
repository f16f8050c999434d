package claudecode_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/claudecode"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// eachCLI runs a test with the stand-in, and with the real CLI where there is one.
func eachCLI(t *testing.T, test func(t *testing.T, path string)) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("fake", func(t *testing.T) { t.Parallel(); test(t, exe) })
	if path := os.Getenv("CLAUDE_CLI"); path != "" {
		t.Run("real", func(t *testing.T) { t.Parallel(); test(t, path) })
	}
}

// one is a task, and its job in a tree of its own.
func one(t *testing.T, foreman agent.Foreman) (agent.Task, agent.Job) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	task := agent.Task{ID: "p1.t1", Model: "claude-sonnet-4-5", MaxTokens: 8000, System: []string{"You are an engineer."}, First: agent.Say(agent.User, "Write the heron.")}
	return task, agent.Job{Task: task, Dir: dir, Session: cli.NewID(), Foreman: foreman}
}

func finish(p agenttest.Program) agenttest.Turn {
	return agenttest.Use(p.Own("finish", map[string]string{"summary": "done"}))
}

// A CLI that says nothing is started again once; the session goes on. The second time it is the failure of a call.
func TestSilence(t *testing.T) {
	t.Parallel()
	eachCLI(t, func(t *testing.T, path string) {
		open := make(chan struct{})
		t.Cleanup(func() { close(open) })
		p := program(path, confined(t), func(c *claudecode.Config) { c.Silence, c.Grace = 3*time.Second, 5*time.Second })(t)
		hold := agenttest.Turn{Text: "hm", Fault: &agenttest.Fault{Pause: open}}
		h := agenttest.Script(hold, finish(p))
		task, job := one(t, &agenttest.Foreman{})
		if r, err := p.New(job, agenttest.Open(t, h)).Run(t.Context(), task); err != nil || r.Outcome != agent.Accepted {
			t.Errorf("got %+v, %v", r, err)
		}
		if got := h.Requests(); len(got) != 2 || !strings.Contains(got[1].Said(), "Write the heron.") {
			t.Errorf("%d requests", len(got))
		}

		h = agenttest.Script(hold, hold, finish(p))
		task, job = one(t, &agenttest.Foreman{})
		r, err := p.New(job, agenttest.Open(t, h)).Run(t.Context(), task)
		var f *agent.Failure
		if !errors.As(err, &f) || f.Class != agent.Retry || len(h.Requests()) != 2 {
			t.Errorf("got %+v, %v after %d requests", r, err, len(h.Requests()))
		}
		if said := strings.Join(p.Told(), "\n"); !strings.Contains(said, "said nothing for 3s") {
			t.Errorf("told %q", said)
		}
	})
}

// Another model than the one that was asked for ends the attempt; another name of the same one does not.
func TestModel(t *testing.T) {
	t.Parallel()
	eachCLI(t, func(t *testing.T, path string) {
		p := program(path, confined(t), nil)(t)
		for model, want := range map[string]agent.Outcome{
			"claude-haiku-4-5": agent.Declined, "claude-sonnet-4-5-20250929": agent.Accepted, "anthropic/claude-sonnet-4-5": agent.Accepted,
		} {
			turn := finish(p)
			turn.Model, turn.Text = model, "Now."
			task, job := one(t, &agenttest.Foreman{})
			r, err := p.New(job, agenttest.Open(t, agenttest.Script(turn))).Run(t.Context(), task)
			if err != nil || r.Outcome != want {
				t.Errorf("%s: got %+v, %v", model, r, err)
			}
			if want == agent.Declined && !strings.Contains(r.Reason, model) {
				t.Errorf("got %q", r.Reason)
			}
		}
	})
}

// A session that the CLI has lost begins anew, with all that is known; one that it has already goes on.
func TestLostSession(t *testing.T) {
	t.Parallel()
	eachCLI(t, func(t *testing.T, path string) {
		p := program(path, confined(t), nil)(t)
		h := agenttest.Script(agenttest.Use(p.Own("blocked", map[string]string{"reason": "r", "evidence": "e"})), finish(p))
		way := agenttest.Open(t, h)
		task, job := one(t, &agenttest.Foreman{})
		job.Begun, job.Said = true, []string{"Grey."}
		if r, err := p.New(job, way).Run(t.Context(), task); err != nil || r.Outcome != agent.Blocked {
			t.Fatalf("got %+v, %v", r, err)
		}
		for _, want := range []string{"Write the heron.", "worked on this task before you", "Grey."} {
			if said := h.Requests()[0].Said(); !strings.Contains(said, want) {
				t.Errorf("the first request does not say %q: %s", want, said)
			}
		}
		job.Begun, job.Said = false, nil // as if the record of its begin had been lost
		if r, err := p.New(job, way).Run(t.Context(), task); err != nil || r.Outcome != agent.Accepted {
			t.Fatalf("got %+v, %v", r, err)
		}
		if said := h.Requests()[1].Said(); !strings.Contains(said, "Grey.") {
			t.Errorf("the session did not go on: %s", said)
		}
	})
}

// Where nothing confines, file tools stay in the tree.
func TestFence(t *testing.T) {
	t.Parallel()
	eachCLI(t, func(t *testing.T, path string) {
		p := program(path, ladder.Unconfined(), nil)(t)
		task, job := one(t, &agenttest.Foreman{})
		outside := filepath.Join(t.TempDir(), "outside.txt")
		if err := os.Symlink(filepath.Dir(outside), filepath.Join(job.Dir, "link")); err != nil {
			t.Fatal(err)
		}
		through := filepath.Join(job.Dir, "link", "outside.txt")
		inside := filepath.Join(job.Dir, "new", "inside.txt")
		h := agenttest.Script(agenttest.Use(p.Write(outside, "x")), agenttest.Use(p.Write(through, "x")), agenttest.Use(p.Write(inside, "x")), finish(p))
		if r, err := p.New(job, agenttest.Open(t, h)).Run(t.Context(), task); err != nil || r.Outcome != agent.Accepted {
			t.Fatalf("got %+v, %v", r, err)
		}
		if _, err := os.Stat(outside); err == nil {
			t.Error("a file was written outside of the tree")
		}
		if _, err := os.Stat(inside); err != nil {
			t.Error(err)
		}
		if said := h.Requests()[2].Said(); strings.Count(said, "are in reach") != 2 {
			t.Errorf("the refusals were not told: %s", said)
		}
	})
}

// The user's own login pays without a key; its refresh token stays at home.
func TestLogin(t *testing.T) {
	t.Parallel()
	eachCLI(t, func(t *testing.T, path string) {
		login := filepath.Join(t.TempDir(), "login.json")
		if err := os.WriteFile(login, []byte(`{"claudeAiOauth":{"accessToken":"sk-ant-oat01-mine","refreshToken":"sk-ant-ort01-keep","expiresAt":4102444800000,"scopes":["user:inference","user:profile"],"subscriptionType":"max"}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		var folder string
		p := program(path, confined(t), func(c *claudecode.Config) { c.Credentials, folder = login, c.Folder })(t)
		h := agenttest.Script(finish(p))
		task, job := one(t, &agenttest.Foreman{})
		if r, err := p.New(job, agenttest.Open(t, h)).Run(t.Context(), task); err != nil || r.Outcome != agent.Accepted {
			t.Fatalf("got %+v, %v", r, err)
		}
		head := h.Requests()[0].Header
		if !strings.Contains(path, "claudecode.test") && head.Get("Authorization") != "Bearer sk-ant-oat01-mine" || head.Get("X-Api-Key") != "" {
			t.Errorf("got authorization %q, key %q", head.Get("Authorization"), head.Get("X-Api-Key"))
		}
		err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			if strings.Contains(string(raw), "sk-ant-ort01-keep") {
				t.Errorf("%s holds the refresh token", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// Nobody at the other end of the way is a failure of the network.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	eachCLI(t, func(t *testing.T, path string) {
		p := program(path, ladder.Unconfined(), nil)(t)
		task, job := one(t, &agenttest.Foreman{})
		r, err := p.New(job, relay{"http://127.0.0.1:1"}).Run(t.Context(), task)
		var f *agent.Failure
		if !errors.As(err, &f) || f.Class != agent.Retry || f.Cause != agent.CauseNetwork {
			t.Errorf("got %+v, %v", r, err)
		}
	})
}

// The first request of the real CLI is lean: less than 5,000 tokens besides the task's own texts.
func TestRealLean(t *testing.T) {
	t.Parallel()
	path := os.Getenv("CLAUDE_CLI")
	if path == "" {
		t.Skip("CLAUDE_CLI names no real CLI")
	}
	p := program(path, confined(t), nil)(t)
	h := agenttest.Script(finish(p))
	task, job := one(t, &agenttest.Foreman{})
	if r, err := p.New(job, agenttest.Open(t, h)).Run(t.Context(), task); err != nil || r.Outcome != agent.Accepted {
		t.Fatalf("got %+v, %v", r, err)
	}
	first := h.Requests()[0]
	var tools []string
	for _, tool := range first.Wire.Tools {
		tools = append(tools, tool.Name)
	}
	t.Logf("%d bytes, tools %q", len(first.Body), tools)
	if len(first.Body) > 20_000 || len(tools) != 9 || first.Wire.MaxTokens != 8000 {
		t.Errorf("%d bytes, tools %q, %d tokens at most", len(first.Body), tools, first.Wire.MaxTokens)
	}
}
