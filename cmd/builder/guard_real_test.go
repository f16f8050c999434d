package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// realCLI is the command line of an agent as it is sold: variable names the program, and the test is
// skipped without it. `npm install --prefix DIR @anthropic-ai/claude-code @openai/codex opencode-ai` puts all
// three into DIR/node_modules/.bin.
type realCLI struct {
	variable, name, provider, seller string
	args                             []string
}

func realCLIs() []realCLI {
	claude := []string{"-p", "go on", "--model", "claude-sonnet-4-5"}
	return []realCLI{
		{"CLAUDE_CLI", "claude", providerAnthropic, budget.Anthropic, claude},
		{"CODEX_CLI", "codex", providerOpenAI, budget.OpenAI, []string{"exec", "--skip-git-repo-check", "-c", "analytics.enabled=false", "-m", "gpt-5.4", "go on"}},
		{"OPENCODE_CLI", "opencode", providerAnthropic, budget.Anthropic, []string{"run", "-m", "anthropic/claude-sonnet-4-5", "go on"}},
	}
}

// greedy never comes to an end, and every answer costs all that it may.
func greedy(_ int, req agenttest.Request) agenttest.Turn {
	turn := agenttest.Use(agenttest.Call("no_such_tool", map[string]string{"a": "b"}))
	turn.Text, turn.Usage = "once more", agent.Usage{Input: int64(len(req.Body)) / 4, Output: req.Wire.MaxTokens}
	return turn
}

// greedyBill is what a greedy model has billed.
func greedyBill(t *testing.T, seller string, srv *agenttest.Server) (billed budget.Micro) {
	t.Helper()
	table, err := budget.LoadTable(seller)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range srv.Requests() {
		price, err := table.Lookup(r.Wire.Model, time.Now()) // some ask a smaller one for a title
		if err != nil {
			t.Fatal(err)
		}
		billed += price.Cost(budget.Usage{Input: int64(len(r.Body)) / 4, Output: r.Wire.MaxTokens})
	}
	return billed
}

// world is a guard's world with the real program in it.
func (c realCLI) world(t *testing.T) *guardWorld {
	t.Helper()
	path := os.Getenv(c.variable)
	if path == "" {
		t.Skipf("set %s to the path of %s to run this", c.variable, c.name)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newGuardWorld(t, greedy)
	if err := os.Symlink(path, filepath.Join(w.dir, c.name)); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(w.dir, "home")
	w.env = append(w.env, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "CODEX_HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	return w
}

// capped wants that the cap ended it, and that what the other side billed is what was spent.
func (c realCLI) capped(t *testing.T, w *guardWorld, usd budget.Micro, out string, code int) {
	t.Helper()
	billed := greedyBill(t, c.seller, w.srv)
	sum := w.summary(filepath.Join(w.dir, "sum.json"))
	if code != exitPaused || !strings.Contains(out, "builder: E_BUDGET: ") || sum.Calls == 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	if b := sum.Budget; billed > usd || int64(billed) != b.Spent || b.Unknown != 0 || b.Held != 0 || sum.Calls != int64(len(w.srv.Requests())) {
		t.Errorf("billed %s of %s by %d calls, summary %+v", billed, usd, len(w.srv.Requests()), sum)
	}
	t.Logf("%s: %d calls, billed %s of %s, %d refused, %.1f s", c.name, sum.Calls, billed, usd, sum.Refused, sum.Seconds)
}

// Law L3 with the agents people have: whatever they do, what the serving side billed is what was spent,
// and never above the cap; they end at once when a call does not fit.
func TestGuardCapsRealCLIs(t *testing.T) {
	for _, c := range realCLIs() {
		t.Run(c.name, func(t *testing.T) {
			w := c.world(t)
			args := append(w.guard(c.provider, "2"), c.args...)
			args[len(args)-len(c.args)-1] = c.name
			out, code := w.run(args...)
			c.capped(t, w, 2*budget.Dollar, out, code)
		})
	}
}

// The same with eight Claude Codes behind one guard.
func TestGuardCapsEightRealCLIs(t *testing.T) {
	c := realCLIs()[0]
	w := c.world(t)
	args := w.guard(c.provider, "3")
	args = append(args[:len(args)-1], "sh", "-c", `for i in 1 2 3 4 5 6 7 8; do HOME="$HOME/$i" claude -p "worker $i" --model claude-sonnet-4-5 < /dev/null & done; wait`)
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		if err := os.Mkdir(filepath.Join(w.dir, "home", n), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	out, code := w.run(args...)
	c.capped(t, w, 3*budget.Dollar, out, code)
}

// Settings of the user and the project that name another address do not lead past the guard, and a
// login of the user's own passes when builder holds no key.
func TestGuardBeforeRealClaude(t *testing.T) {
	c := realCLIs()[0]
	w := c.world(t)
	past := agenttest.Serve(t)
	home := filepath.Join(w.dir, "home")
	settings := `{"env":{"ANTHROPIC_BASE_URL":"` + past.URL + `","ANTHROPIC_API_KEY":"of-the-settings"}}`
	login := `{"claudeAiOauth":{"accessToken":"sk-ant-oat01-fake","refreshToken":"sk-ant-ort01-fake","expiresAt":4102444800000,"scopes":["user:inference"],"subscriptionType":"max"}}`
	write := func(path, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(home, ".claude", "settings.json"), settings)
	write(filepath.Join(w.dir, ".claude", "settings.local.json"), settings)
	args := append(w.guard(c.provider, "2"), c.args...)
	args[len(args)-len(c.args)-1] = c.name
	out, code := w.run(args...)
	c.capped(t, w, 2*budget.Dollar, out, code)
	if n := len(past.Requests()); n != 0 {
		t.Errorf("%d calls went past the guard", n)
	}
	for _, path := range []string{filepath.Join(home, ".claude", "settings.json"), filepath.Join(w.dir, ".claude", "settings.local.json")} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(home, ".claude", ".credentials.json"), login)
	before := len(w.srv.Requests())
	w.env = append(w.env, "ANTHROPIC_API_KEY=", "SOURCE_DATE_EPOCH=1790000200")
	if out, code = w.run(args...); code != exitPaused {
		t.Errorf("exit %d: %s", code, out)
	}
	for _, r := range w.srv.Requests()[before:] {
		if r.Header.Get("Authorization") != "Bearer sk-ant-oat01-fake" || r.Header.Get("X-Api-Key") != "" {
			t.Errorf("sent with %v", r.Header)
		}
	}
	if len(w.srv.Requests()) == before {
		t.Errorf("nothing was sent with the login: %s", out)
	}
}
