package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Law L8: what an agent tries outside its tree is refused, told to it, and changes nothing; the
// honest rest of its work still counts.
func TestHostileCalls(t *testing.T) {
	t.Parallel()
	call, raw := agenttest.Call, func(s string) json.RawMessage { return json.RawMessage(s) }
	for name, c := range map[string]struct {
		tries []agent.ToolCall
		told  []string // what the agent must be told
	}{
		"dotdot":         {[]agent.ToolCall{agenttest.Write("../evil.txt", "x"), agenttest.Write("a/../../evil.txt", "x")}, []string{"E_PATH_ESCAPE"}},
		"absolute":       {[]agent.ToolCall{agenttest.Write("@DIR/evil.txt", "x"), call("read_file", map[string]string{"path": "@DIR/home/secret"})}, []string{"E_PATH_ESCAPE"}},
		"symlink out":    {[]agent.ToolCall{agenttest.Run("ln -s @DIR/home dir"), agenttest.Write("dir/evil.txt", "x"), call("read_file", map[string]string{"path": "dir/secret"}), agenttest.Run("rm -r dir")}, []string{"cannot be committed"}},
		"symlink in":     {[]agent.ToolCall{agenttest.Run("mkdir real && ln -s real dir"), agenttest.Write("dir/evil.txt", "x"), agenttest.Run("rm -r real dir")}, []string{"E_PATH_LINK"}},
		"shell writes":   {[]agent.ToolCall{agenttest.Run("echo x > @DIR/evil.txt; echo x > ../evil.txt; echo x > @DIR/home/evil.txt; echo x > @DIR/app/evil.txt; echo x > @DIR/app/.git/hooks/pre-commit")}, nil},
		"shell reads":    {[]agent.ToolCall{agenttest.Run("cat @DIR/home/secret @DIR/app/.builder/current @DIR/plan.yaml; ls -la @DIR ~ /root /home")}, nil},
		"environment":    {[]agent.ToolCall{agenttest.Run("env; cat /proc/self/environ /proc/1/environ /proc/*/environ; cat ~/secret $HOME/.canary")}, nil},
		"protected":      {[]agent.ToolCall{agenttest.Write(".git/hooks/pre-commit", "x"), agenttest.Write("sub/.GIT/config", "x"), agenttest.Write(".builder/current", "x")}, []string{"E_PATH_PROTECTED"}},
		"nested git":     {[]agent.ToolCall{agenttest.Run("mkdir -p .git/hooks sub/.git && echo x > .git/hooks/pre-commit && echo x > sub/.git/config"), agenttest.Finish("x"), agenttest.Run("rm -rf .git sub")}, []string{".git"}},
		"unknown tool":   {[]agent.ToolCall{call("launch", map[string]string{"at": "x"}), call("", map[string]string{}), call("bash", map[string]string{"command": "id"})}, []string{"launch"}},
		"rubbish":        {[]agent.ToolCall{call("write_file", raw(`{"path":`)), call("write_file", raw(`[1,2]`)), call("write_file", map[string]int{"path": 5}), call("run", raw(`null`)), call("finish", raw(`"x`)), call("edit_file", raw(`{}`))}, []string{"write_file"}},
		"finish unready": {[]agent.ToolCall{agenttest.Finish("all is done and tested")}, []string{"hello.txt"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s *site
			s = newSite(t, func(n int, req agenttest.Request) agenttest.Turn {
				rest := append([]agent.ToolCall(nil), c.tries...)
				rest = append(rest, agenttest.Write("hello.txt", "hello\n"), agenttest.Finish("done"))
				call := rest[min(n, len(rest)-1)]
				call.Input = json.RawMessage(strings.ReplaceAll(string(call.Input), "@DIR", s.dir))
				return agenttest.Use(call)
			})
			s.file("home/secret", "canary-of-home-77")
			s.file("home/.canary", "canary-of-home-77")
			s.env = append(s.env, "CANARY=canary-of-env-77", "AWS_SECRET_ACCESS_KEY=canary-of-env-77")
			s.wants(0, s.args()...)
			has(t, s.said(), c.told...)
			s.nothingLeaked()
			if got := s.git("app", "ls-files"); got != "hello.txt" {
				t.Errorf("committed: %s", got)
			}
			if got := s.git("app", "status", "--porcelain"); got != "" {
				t.Errorf("git status: %s", got)
			}
		})
	}
}

// nothingLeaked holds all that the model was told and all that is kept against the canaries, and
// looks for what the agent wrote outside.
func (s *site) nothingLeaked() {
	s.t.Helper()
	kept := s.kept()
	kept["requests"] = s.said()
	for where, text := range kept {
		for _, secret := range []string{"canary-of-home-77", "canary-of-env-77", "test-key-0123456789"} {
			if strings.Contains(text, secret) {
				s.t.Errorf("%s stands in %s", secret, where)
			}
		}
	}
	for _, evil := range []string{"evil.txt", "home/evil.txt", "app/evil.txt", "app/.git/hooks/pre-commit", "cache/builder/evil.txt"} {
		if s.exists(evil) {
			s.t.Errorf("%s was written", evil)
		}
	}
}

// Law L8: a confined command reaches no listener of this machine.
func TestHostileNetwork(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	line := fmt.Sprintf("bash -c 'echo of-the-agent > /dev/tcp/127.0.0.1/%d'", l.Addr().(*net.TCPAddr).Port)
	next := func() string {
		c, err := l.Accept()
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		buf := make([]byte, 64)
		n, err := c.Read(buf)
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(string(buf[:n]))
	}
	if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil { // unconfined it arrives
		t.Fatalf("%v: %s", err, out)
	}
	if got := next(); got != "of-the-agent" {
		t.Fatalf("the listener got %q", got)
	}
	s := newSite(t, script(append([]agenttest.Turn{agenttest.Use(agenttest.Run(line))}, honest()...)...))
	s.wants(0, s.args()...)
	if out, err := exec.Command("sh", "-c", strings.Replace(line, "of-the-agent", "of-the-test", 1)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := next(); got != "of-the-test" {
		t.Errorf("the listener got %q: a confined command reached it", got)
	}
}

// Law L5: a gate's frozen files are the plan's, whatever the agent does to them in its tree.
func TestHostileGate(t *testing.T) {
	t.Parallel()
	frozen := func(p *planner.Plan) {
		p.Gates = []planner.Gate{{
			ID: "says", Kind: planner.GateCommand, Run: []string{"sh", "test/check.sh"},
			Frozen: []planner.FrozenFile{{Path: "test/check.sh", Content: "grep -q hello hello.txt\n"}},
		}}
	}
	for name, c := range map[string][]agent.ToolCall{
		"edits":    {agenttest.Write("test/check.sh", "exit 0\n")},
		"deletes":  {agenttest.Run("mkdir -p test && echo exit 0 > test/check.sh && rm -r test")},
		"folder":   {agenttest.Run("mkdir -p test/check.sh/deep && echo x > test/check.sh/deep/x")},
		"shadows":  {agenttest.Run("printf '#!/bin/sh\\nexit 0\\n' > grep; printf '#!/bin/sh\\nexit 0\\n' > sh; chmod +x grep sh")},
		"pretends": {agenttest.Run("echo 'grep() { return 0; }' > .env; ln -s /bin/true test || true; rm -f test")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, script(agenttest.Use(c...), agenttest.Use(agenttest.Finish("the gate is green now"))), frozen)
			s.wants(1, s.args()...)
			var told strings.Builder
			for _, r := range s.srv.Requests() {
				told.Write(r.Body)
			}
			if strings.Contains(told.String(), "E_GATE_TAMPERED") != slices.Contains([]string{"edits", "folder"}, name) {
				t.Errorf("told %s", told.String())
			}
			st := s.status("app")
			if st.State != phases.FailedState || st.Tasks[0].State == phases.TaskIsDone || st.Requirements[0].Proven {
				t.Errorf("status %+v", st)
			}
			if s.exists("app/hello.txt") || s.git("app", "rev-list", "--all", "--count") != "0" {
				t.Error("something was committed")
			}
		})
	}
}

// Law L7: tests that an agent wrote prove nothing; a run of no tests, of skipped ones, or under a
// TestMain that does not run them does not even pass.
func TestHostileTests(t *testing.T) {
	t.Parallel()
	const prod = "package greeter\n\nfunc Hello() string { return \"\" }\n"
	tests := func(text string) agent.ToolCall { return agenttest.Write("hello_test.go", "package greeter\n\n"+text) }
	s := newSite(t, script(
		agenttest.Use(agenttest.Write("go.mod", "module greeter\n\ngo 1.24\n"), agenttest.Write("hello.go", prod), agenttest.Write("hello.txt", "hello")),
		agenttest.Use(agenttest.Finish("no tests at all")),
		agenttest.Use(tests("import \"testing\"\n\nfunc TestHello(t *testing.T) { t.Skip() }\n")),
		agenttest.Use(agenttest.Finish("skipped")),
		agenttest.Use(tests("import (\"os\"; \"testing\")\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n\nfunc TestHello(t *testing.T) { t.Fatal() }\n")),
		agenttest.Use(agenttest.Finish("not run")),
		agenttest.Use(agenttest.Blocked("out of tricks", "three were refused")),
	), func(p *planner.Plan) {
		p.Gates = append(p.Gates, planner.Gate{ID: "unit", Kind: planner.GateCommand, Run: []string{"go", "test", "./..."}, Expect: planner.Expect{Tests: ">=1"}})
		p.Phases[0].Tasks[0].Gates = append(p.Phases[0].Tasks[0].Gates, "unit")
	})
	for i, e := range s.env {
		if strings.HasPrefix(e, "XDG_CACHE_HOME=") {
			s.env[i] = "XDG_CACHE_HOME=" + sharedCache(t)
		}
	}
	out := s.wants(1, s.args()...)
	has(t, out, "failed: 0 tasks done, 1 not")
	if n := len(s.srv.Requests()); n != 7 {
		t.Errorf("%d requests: a finish was accepted or the task ended early\n%s", n, out)
	}
	if s.git("app", "rev-list", "--all", "--count") != "0" {
		t.Error("something was committed")
	}
}

// An agent keeps to what its task claims.
func TestHostileClaims(t *testing.T) {
	t.Parallel()
	s := newSite(t, script(
		agenttest.Use(agenttest.Write("other.txt", "x")),
		agenttest.Use(agenttest.Write("hello.txt", "hello"), agenttest.Run("echo x > other.txt")),
		agenttest.Use(agenttest.Finish("done")),
		agenttest.Use(agenttest.Run("rm other.txt")),
		agenttest.Use(agenttest.Finish("done")),
	), func(p *planner.Plan) { p.Phases[0].Tasks[0].Writes = []string{"hello.txt"} })
	s.wants(0, s.args()...)
	reqs := s.srv.Requests()
	has(t, reqs[1].Last(), "E_PATH_NOT_IN_TASK")
	has(t, reqs[3].Last(), "E_PATH_NOT_IN_TASK", "other.txt")
	if got := s.git("app", "ls-files"); got != "hello.txt" {
		t.Errorf("committed: %s", got)
	}
}

// An agent that goes on for ever is stopped: one in a circle by the guard, one that always does
// something new by the cap.
func TestHostileForever(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		turn func(n int) agent.ToolCall
		cap  string
		code int
		says string
	}{
		"the same": {func(int) agent.ToolCall { return agenttest.Run("cat nothing") }, "3000000", 1, "failed: "},
		"no tree":  {func(n int) agent.ToolCall { return agenttest.Run(fmt.Sprintf("echo %d", n)) }, "3000000", 1, "failed: "},
		"liar":     {func(int) agent.ToolCall { return agenttest.Finish("done, believe me") }, "3000000", 1, "failed: "},
		"busy":     {func(n int) agent.ToolCall { return agenttest.Write("work.txt", fmt.Sprint(n)) }, "300000", 75, "E_BUDGET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(n int, _ agenttest.Request) agenttest.Turn {
				turn := agenttest.Use(c.turn(n))
				turn.Usage = agent.Usage{Input: 5000, Output: 1000}
				return turn
			})
			has(t, s.wants(c.code, s.args("--max-tokens", c.cap)...), c.says)
			if n := len(s.srv.Requests()); n > 60 {
				t.Errorf("%d requests", n)
			}
			st := s.status("app")
			if fmt.Sprint(st.Budget.CapTokens) != c.cap || st.Budget.Tokens > st.Budget.CapTokens || st.Requirements[0].Proven {
				t.Errorf("status %+v", st)
			}
			has(t, s.wants(0, "report", "app"), "main.hello")
			if _, err := os.Stat(s.path("app/hello.txt")); err == nil {
				t.Error("hello.txt is there")
			}
		})
	}
}
