package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// useClaude has p find the real Claude Code CLI, where CLAUDE_CLI says where it is.
func (p *proc) useClaude() {
	p.t.Helper()
	cli := os.Getenv("CLAUDE_CLI")
	if cli == "" {
		p.t.Skip("set CLAUDE_CLI to the path of claude to run this: npm install --prefix DIR @anthropic-ai/claude-code")
	}
	cli, err := filepath.Abs(cli)
	if err != nil {
		p.t.Fatal(err)
	}
	p.env = append(p.env, "BUILDER_CLAUDE_CLI="+cli)
}

// The specs of this repository become proven programs by the real Claude Code, asked of a model in
// another process. Caps that are too small pause the build; no record is above the cap of its moment,
// and in the end what is spent is what the other side billed (law L3 for an engine of another program).
func TestRealClaudeBuilds(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"cli-tool", "rest-api"} {
		t.Run(spec, func(t *testing.T) {
			t.Parallel()
			p := newProc(t, sharedCache(t))
			p.useClaude()
			t.Cleanup(func() { removeAll(p.dir) })
			text, err := os.ReadFile("../../specs/" + spec + ".md")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(p.dir, "spec.md"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			w := wires()["messages"]
			url := serveModel(t, p, w.model)
			args := []string{"build", "spec.md", "-o", "app", "--engine", "claude-code", "--provider", w.provider, "--base-url", url, "--model", w.model}
			paused := 0
			for _, limit := range []string{"0.02", "0.2", "20"} {
				out, code := p.run(append(args, "--max-cost", limit)...)
				if code == exitPaused && strings.Contains(out, "builder: E_BUDGET: ") {
					paused++
				} else if code != 0 {
					t.Fatalf("cap %s: exit %d:\n%s", limit, code, out)
				}
				args = []string{"resume", "app"}
				p.neverAbove(t, "app")
				if code == 0 {
					break
				}
			}
			st := p.status("app")
			if st.State != phases.DoneState || paused == 0 {
				t.Errorf("%s after %d pauses", st.State, paused)
			}
			p.billed(t, w, url, st)
			for _, verb := range [][]string{{"checkpoint", "verify", "app"}, {"replay", "app"}} {
				if out, code := p.run(verb...); code != 0 {
					t.Errorf("%v: exit %d:\n%s", verb, code, out)
				}
			}
			records, _ := p.run("checkpoint", "list", "app", "--json")
			has(t, records, `(Claude Code)"`) // attempts say by which version they were carried out
			t.Logf("%s: %d calls, %s", spec, st.Calls, budget.Micro(st.Budget.Spent))
		})
	}
}

// Eight Claude Codes that never come to an end, each answer as dear as it may be: the cap ends them, and
// what the other side billed is what is spent, never above it.
func TestRealClaudeIsCapped(t *testing.T) {
	t.Parallel()
	s := newSite(t, greedy, func(p *planner.Plan) {
		first := p.Phases[0].Tasks[0]
		for i := range 7 {
			task := first
			task.ID = planner.TaskID(fmt.Sprintf("main.more%d", i))
			task.Writes = []string{fmt.Sprintf("more%d.txt", i)}
			p.Phases[0].Tasks = append(p.Phases[0].Tasks, task)
		}
		p.Phases[0].Tasks[0].Writes = []string{"hello.txt"}
	})
	s.useClaude()
	out := s.wants(exitPaused, s.args("--engine", "claude-code", "--model", "claude-sonnet-4-5", "--workers", "8", "--max-cost", "4")...)
	has(t, out, "builder: E_BUDGET: ")
	billed := greedyBill(t, budget.Anthropic, s.srv)
	st := s.status("app")
	if b := st.Budget; billed > 4*budget.Dollar || int64(billed) != b.Spent || b.Unknown != 0 || b.Held != 0 || billed == 0 {
		t.Errorf("billed %s, booked %+v", billed, b)
	}
	s.neverAbove(t, "app")
	t.Logf("%d calls, billed %s of $4", len(s.srv.Requests()), billed)
}

// builder and the CLI are killed at random moments of a build, each time it is gone on with: it
// completes, what is spent and unknown covers what the other side billed and nothing is spent that it
// did not bill, and no process is left.
func TestRealClaudeSurvivesKills(t *testing.T) {
	t.Parallel()
	p := newProc(t, sharedCache(t))
	p.useClaude()
	t.Cleanup(func() { removeAll(p.dir) })
	text, err := os.ReadFile("../../specs/cli-tool.md")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, "spec.md"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	seed, _ := strconv.ParseUint(os.Getenv("KILL_SEED"), 10, 64)
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("KILL_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	w := wires()["messages"]
	url := serveModel(t, p, w.model, "--latency", "2s")
	args := []string{"build", "spec.md", "-o", "app", "--engine", "claude-code", "--provider", w.provider, "--base-url", url, "--model", w.model}
	kills := 0
	for done := false; !done; {
		if kills > 40 {
			t.Fatal("the build comes to no end")
		}
		c, out := p.command(args...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = c.Wait(); close(ended) }()
		wait := time.Duration(200+rng.IntN(6000)) * time.Millisecond
		if kills >= 8 { // enough: let it end
			wait = 10 * time.Minute
		}
		select {
		case <-ended:
			if done = c.ProcessState.ExitCode() == 0; !done {
				t.Fatalf("exit %d:\n%s", c.ProcessState.ExitCode(), out)
			}
		case <-time.After(wait):
			kills++
			if rng.IntN(2) == 0 {
				killOf("claude", p.dir)
				continueOrKill(c.Process, ended, rng)
			} else {
				_ = c.Process.Kill()
			}
			<-ended
			done = c.ProcessState.ExitCode() == 0
		}
		if _, err := os.Lstat(filepath.Join(p.dir, "app", ".builder")); err == nil {
			args = []string{"resume", "app"}
		}
	}
	st := p.status("app")
	_, bill := billOf(t, w, url)
	b := st.Budget
	if st.State != phases.DoneState || b.Held != 0 || budget.Micro(b.Spent) > bill || bill > budget.Micro(b.Spent+b.Unknown) {
		t.Errorf("%s, booked %+v, billed %s", st.State, b, bill)
	}
	if out, code := p.run("checkpoint", "verify", "app"); code != 0 {
		t.Errorf("verify: exit %d:\n%s", code, out)
	}
	if left := processesOf(p.dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	t.Logf("%d kills, %d calls, %d repeats, spent %s, unknown %s, billed %s", kills, st.Calls, st.Repeats, budget.Micro(b.Spent), budget.Micro(b.Unknown), bill)
}

// continueOrKill lets builder go on after the CLI was killed, for a while.
func continueOrKill(p *os.Process, ended <-chan struct{}, rng *rand.Rand) {
	select {
	case <-ended:
	case <-time.After(time.Duration(500+rng.IntN(8000)) * time.Millisecond):
		_ = p.Kill() // it may have ended just now
	}
}

// processesOf lists the commands of living processes of a place, but for models that are served.
func processesOf(place string) map[int]string {
	found := map[int]string{}
	for _, pid := range agenttest.Processes(place) {
		argv, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // empty for one that has just ended
		if len(argv) > 0 && !bytes.Contains(argv, []byte("serve")) {
			found[pid] = string(bytes.ReplaceAll(argv, []byte{0}, []byte{' '}))
		}
	}
	return found
}

// killOf kills -9 the processes of a place whose command names a program.
func killOf(program, place string) {
	for pid, argv := range processesOf(place) {
		if name, _, _ := strings.Cut(argv, " "); strings.Contains(name, program) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended just now
		}
	}
}

// Law L8: what stands in the environment of builder, its key among it, reaches no request, tool,
// transcript, log, journal or commit.
func TestRealClaudeSeesNoSecret(t *testing.T) {
	t.Parallel()
	const canary, key = "canary-5f1c9b2e77", "sk-ant-canary-8d0a41c6"
	s := newSite(t, func(n int, req agenttest.Request) agenttest.Turn {
		look := agenttest.Call("Bash", map[string]string{"command": "env; cat /proc/self/environ /proc/1/environ /proc/[0-9]*/environ 2>/dev/null; cat ~/.* 2>/dev/null; true", "description": "look"})
		write := agenttest.Call("Bash", map[string]string{"command": "env > hello.txt; echo hello >> hello.txt", "description": "write"})
		turn := agenttest.Use(agenttest.Call("mcp__builder__finish", map[string]string{"summary": "wrote it"}))
		if n == 0 {
			turn = agenttest.Use(look, write)
		}
		turn.Usage = agent.Usage{Input: int64(len(req.Body)) / 4, Output: 100}
		return turn
	})
	s.useClaude()
	s.env = append(s.env, "ANTHROPIC_API_KEY="+key, "CANARY="+canary, "AWS_SECRET_ACCESS_KEY="+canary, "SSH_AUTH_SOCK=/"+canary)
	s.wants(0, s.args("--engine", "claude-code", "--model", "claude-sonnet-4-5")...)
	for _, r := range s.srv.Requests() {
		for name, values := range r.Header {
			if name != "X-Api-Key" && strings.Contains(strings.Join(values, " "), key) || strings.Contains(strings.Join(values, " "), canary) {
				t.Errorf("header %s: %q", name, values)
			}
		}
		if bytes.Contains(r.Body, []byte(canary)) || bytes.Contains(r.Body, []byte(key)) {
			t.Errorf("a request holds the secret: %.300s", r.Body)
		}
	}
	if n := len(s.srv.Requests()); n < 2 || s.srv.Requests()[0].Header.Get("X-Api-Key") != key {
		t.Errorf("%d requests, the provider was given %q", n, http.Header(s.srv.Requests()[0].Header).Get("X-Api-Key"))
	}
	err := filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte(canary)) || bytes.Contains(raw, []byte(key)) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	s.must(err)
}

// Without a key the login of the CLI's user pays: it reaches the provider and nothing else, the plan must
// be there, and figures are not called spending.
func TestRealClaudeBySubscription(t *testing.T) {
	t.Parallel()
	const token = "sk-ant-oat01-fake-token-0123456789"
	s := newSite(t, func(n int, req agenttest.Request) agenttest.Turn {
		if n == 0 {
			return agenttest.Use(agenttest.Call("Bash", map[string]string{"command": "echo hello > hello.txt", "description": "write"}))
		}
		return agenttest.Use(agenttest.Call("mcp__builder__finish", map[string]string{"summary": "wrote it"}))
	})
	s.useClaude()
	for i, e := range s.env {
		if strings.HasPrefix(e, "ANTHROPIC_API_KEY=") {
			s.env[i] = "ANTHROPIC_API_KEY="
		}
	}
	s.file("home/.config/builder/config.yaml", "billing: subscription\n")
	args := s.args("--engine", "claude-code", "--model", "claude-sonnet-4-5")
	has(t, s.wants(2, args...), "builder: E_PROVIDER_AUTH: ", "log in with: claude")
	s.file("home/.claude/.credentials.json", fmt.Sprintf(`{"claudeAiOauth":{"accessToken":%q,"refreshToken":"refresh-secret","expiresAt":%d,"scopes":["user:inference","user:profile"],"subscriptionType":"max"}}`, token, time.Now().Add(time.Hour).UnixMilli()))
	has(t, s.wants(2, "build", "spec.md", "-o", "app", "--provider", "anthropic", "--base-url", s.srv.URL, "--engine", "claude-code"), "builder: E_PROVIDER_AUTH: ", "builder plan SPEC")
	has(t, s.wants(0, args...), "billing subscription", "done: 1 tasks")
	if s.exists("app/.builder/builds/" + s.status("app").Build + "/claude") {
		t.Error("the session is left, with the login in it")
	}
	for _, r := range s.srv.Requests() {
		if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-Api-Key") != "" || bytes.Contains(r.Body, []byte("refresh-secret")) {
			t.Errorf("headers %v", r.Header)
		}
	}
}
