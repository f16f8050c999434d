package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// killSpec is small, so that a build takes few seconds.
const killSpec = `---
name: notes
type: cli-tool
---
# Notes

Keeps short notes.

## Data
- **Note**: title (text, required), done (yes/no, default no)

## Commands
- ` + "`notes add TITLE`" + ` adds a note and prints ` + "`added TITLE`" + `

## Acceptance
` + "```console" + `
$ notes add Milk
added Milk
` + "```" + `
`

// proc is builder as a real process, run from the test binary.
type proc struct {
	t   *testing.T
	dir string
	env []string
	exe string
}

func newProc(t *testing.T, cache string) *proc {
	t.Helper()
	dir := t.TempDir()
	exe := filepath.Join(dir, "builder")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, exe); err != nil {
		t.Fatal(err)
	}
	mods, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	home, tmp := filepath.Join(dir, "home"), filepath.Join(dir, "tmp")
	for _, d := range []string{home, tmp} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return &proc{t: t, dir: dir, exe: exe, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + tmp, "XDG_CACHE_HOME=" + cache, "XDG_STATE_HOME=" + filepath.Join(dir, "state"),
		"GOMODCACHE=" + strings.TrimSpace(string(mods)), "ANTHROPIC_API_KEY=test-key-0123456789", "SOURCE_DATE_EPOCH=1790000000", "TERM=dumb",
	}}
}

func (p *proc) command(args ...string) (*exec.Cmd, *bytes.Buffer) {
	c := exec.Command(p.exe, args...)
	c.Dir, c.Env = p.dir, p.env
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	return c, &out
}

func (p *proc) run(args ...string) (string, int) {
	c, out := p.command(args...)
	err := c.Run()
	if err != nil && c.ProcessState == nil {
		p.t.Fatal(err)
	}
	return out.String(), c.ProcessState.ExitCode()
}

func (p *proc) status(dir string) phases.Status {
	p.t.Helper()
	c := exec.Command(p.exe, "status", dir, "--json")
	c.Dir, c.Env = p.dir, p.env
	raw, err := c.Output()
	if err != nil {
		p.t.Fatalf("status: %v", err)
	}
	var st phases.Status
	if err := json.Unmarshal(raw, &st); err != nil {
		p.t.Fatal(err)
	}
	return st
}

func (p *proc) git(dir string, args ...string) string {
	p.t.Helper()
	out, err := exec.Command("git", append([]string{"-C", filepath.Join(p.dir, dir)}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Law L1 to L4 from outside: killed at random moments and resumed, a build ends with the tree and
// the commits of one that ran through; no answered call is made again, by the serving side's count;
// what was spent is what that side billed, and the rest is booked as unknown.
func TestKillAndResume(t *testing.T) {
	if testing.Short() {
		t.Skip("builds real programs")
	}
	t.Parallel()
	cache := sharedCache(t)
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("KILL_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("KILL_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	whole := newProc(t, cache)
	tree, head, took := runWhole(t, whole)
	rounds := 3
	if os.Getenv("KILL_ROUNDS") != "" {
		if _, err := fmt.Sscan(os.Getenv("KILL_ROUNDS"), &rounds); err != nil {
			t.Fatal(err)
		}
	}
	for i := range rounds {
		killedBuild(t, newProc(t, cache), rng, took, i, tree, head)
	}
}

func runWhole(t *testing.T, p *proc) (tree, head string, took time.Duration) {
	srv := httptest.NewServer(offline.Handler(offline.Options{As: "claude-sonnet-5-5"}))
	defer srv.Close()
	writeSpec(t, p)
	for _, dir := range []string{"warm", "app"} { // the first fills the caches
		start := time.Now()
		out, code := p.run("build", "notes.md", "-o", dir, "--build-id", "b-kill", "--base-url", srv.URL)
		if code != 0 {
			t.Fatalf("exit %d:\n%s", code, out)
		}
		took = time.Since(start)
	}
	if p.git("warm", "rev-parse", "HEAD") != p.git("app", "rev-parse", "HEAD") {
		t.Error("the same build twice gave two commits")
	}
	return p.git("app", "rev-parse", "HEAD^{tree}"), p.git("app", "rev-parse", "HEAD"), took
}

func writeSpec(t *testing.T, p *proc) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, "notes.md"), []byte(killSpec), 0o600); err != nil {
		t.Fatal(err)
	}
}

func killedBuild(t *testing.T, p *proc, rng *rand.Rand, took time.Duration, round int, tree, head string) {
	t.Helper()
	handler := offline.Handler(offline.Options{As: "claude-sonnet-5-5"})
	srv := httptest.NewServer(handler)
	defer srv.Close()
	writeSpec(t, p)
	args := []string{"build", "notes.md", "-o", "app", "--build-id", "b-kill", "--base-url", srv.URL}
	kills := 0
	for try := 0; ; try++ {
		if try > 3*mostKills {
			t.Fatalf("round %d: no end after %d kills", round, kills)
		}
		c, out := p.command(args...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		limit := time.Duration(float64(took) * 0.7 * rng.Float64())
		if kills >= mostKills {
			limit = time.Hour
		}
		timer := time.AfterFunc(limit, func() { _ = c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		if err == nil {
			break
		}
		if c.ProcessState.ExitCode() != -1 {
			if begun(p) || !strings.Contains(out.String(), "E_NO_BUILD") {
				t.Fatalf("round %d: exit %d after %d kills:\n%s", round, c.ProcessState.ExitCode(), kills, out)
			}
		}
		kills++
		if begun(p) {
			args = []string{"resume", "app"}
		} else {
			removeAll(filepath.Join(p.dir, "app"))
		}
	}
	checkAfterKills(t, p, handler, kills, round, tree, head)
}

// mostKills is how often one build is killed before it may end.
const mostKills = 4

// begun says whether there is a build to resume: its journal has a first record.
func begun(p *proc) bool {
	out, code := p.run("status", "app")
	return code == 0 && !strings.Contains(out, "E_") || strings.Contains(out, "E_KILLED") && strings.Contains(out, "b-kill")
}

func checkAfterKills(t *testing.T, p *proc, handler *offline.Server, kills, round int, tree, head string) {
	t.Helper()
	st := p.status("app")
	if got := p.git("app", "rev-parse", "HEAD^{tree}"); got != tree {
		t.Errorf("round %d, %d kills: tree %s, want %s", round, kills, got, tree)
	}
	if got := p.git("app", "rev-parse", "HEAD"); got != head {
		t.Errorf("round %d, %d kills: commit %s, want %s", round, kills, got, head)
	}
	if got := p.git("app", "status", "--porcelain"); got != "" {
		t.Errorf("round %d: git status is not clean: %s", round, got)
	}
	if out, code := p.run("checkpoint", "verify", "app"); code != 0 {
		t.Errorf("round %d: verify: %s", round, out)
	}
	if left, err := os.ReadDir(filepath.Join(p.dir, "app", ".builder", "builds", "b-kill", "spool")); err != nil || len(left) > 0 {
		t.Errorf("round %d: spools are left: %v %v", round, left, err)
	}
	if left, err := os.ReadDir(filepath.Join(p.dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("round %d, %d kills: temporary folders are left: %v %v", round, kills, left, err)
	}
	checkLedger(t, handler, st, kills, round)
}

// checkLedger holds the build's books against the serving side's.
func checkLedger(t *testing.T, handler *offline.Server, st phases.Status, kills, round int) {
	t.Helper()
	table, err := budget.LoadTable()
	if err != nil {
		t.Fatal(err)
	}
	price, err := table.Lookup("claude-sonnet-5-5", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l := handler.Ledger()
	var billed budget.Micro
	for _, r := range l.Requests {
		billed += price.Cost(budget.Usage{Input: r.Usage.Input, CacheWrite5m: r.Usage.CacheWrite5m, CacheWrite1h: r.Usage.CacheWrite1h, CacheRead: r.Usage.CacheRead, Output: r.Usage.Output})
	}
	spent, unknown := budget.Micro(st.Budget.Spent), budget.Micro(st.Budget.Unknown)
	t.Logf("round %d: %d kills, %d sent, %d repeated; billed %s, spent %s, unknown %s", round, kills, l.Sent, l.Repeated, billed, spent, unknown)
	if billed < spent || billed > spent+unknown {
		t.Errorf("round %d: billed %s is not between spent %s and spent and unknown %s", round, billed, spent, spent+unknown)
	}
	if unknown == 0 && (billed != spent || l.Repeated != 0) {
		t.Errorf("round %d: nothing is unknown, and yet %d calls were repeated, billed %s, spent %s", round, l.Repeated, billed, spent)
	}
	if l.Repeated > int64(kills) {
		t.Errorf("round %d: %d calls repeated with %d kills: more than were in flight", round, l.Repeated, kills)
	}
	if st.Budget.Held != 0 || st.Budget.Spent+st.Budget.Unknown > st.Budget.Cap {
		t.Errorf("round %d: budget %+v", round, st.Budget)
	}
}
