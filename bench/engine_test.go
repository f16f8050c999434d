package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/claudecode"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

const (
	mostLean     = 5000            // tokens of an engine's first request, besides the task's own texts
	bytesOfToken = 4               // as the figures of the bare CLI were taken that this one answers to
	engineTime   = 2 * time.Minute // after which a run is given up
)

// engineRows run one small task by the real CLI, by the engine and bare, in turn: how long the first request takes to
// arrive, what memory the processes have used by the second, and how much the first one holds. The model reads a file
// and is done. CLAUDE_CLI names the CLI; that our first request is lean is asserted.
func engineRows(t *testing.T, s sizes) []row {
	path := os.Getenv("CLAUDE_CLI")
	if path == "" {
		return []row{{"8 a task by Claude Code: start, memory, tokens", "not measured: CLAUDE_CLI is not set", "", ""}}
	}
	task := smallTask()
	runner, report := ladder.Measure(t.Context())
	program, err := claudecode.New(claudecode.Config{
		CLI: path, Folder: realDir(t), Runner: runner, Profile: sandbox.Profile{Env: map[string]string{"PATH": os.Getenv("PATH")}},
	})
	must(t, err)
	var ours, bare visits
	for i := range s.engines + s.warm {
		o, b := byEngine(t, program, task), byCLI(t, path, task)
		if i >= s.warm { // what comes before warms the caches
			ours, bare = append(ours, o), append(bare, b)
		}
	}
	return []row{
		{
			"8 an engine task to its first request, by Claude Code", fmt.Sprintf("%s (%s)", ratio(median(ours.starts()), median(bare.starts())), ours.times()),
			"the bare CLI: " + bare.times(), fmt.Sprintf("none promised; sandbox: %s", report.Mechanism),
		},
		{"8 the same: peak memory of all its processes", ours.memory(), "the bare CLI: " + bare.memory(), "none promised"},
		leanRow(t, task, ours[0].body, bare[0].body),
	}
}

// leanRow counts what the first requests hold. It is no figure of a machine, so it is asserted too.
func leanRow(t *testing.T, task agent.Task, ours, bare []byte) row {
	own := len(ours)
	for _, text := range append(slices.Clone(task.System), promptOf(task)) {
		told := inside(t, text)
		if bytes.Count(ours, told) != 1 {
			t.Errorf("the first request does not hold once what the task says: %s", told)
		}
		own -= len(told)
	}
	if own/bytesOfToken >= mostLean {
		t.Errorf("the first request holds %d tokens besides the task's texts, less than %d were promised: %s", own/bytesOfToken, mostLean, ours)
	}
	return row{
		"8 the same: tokens of its first request", fmt.Sprintf("%d; %d without system and task text", len(ours)/bytesOfToken, own/bytesOfToken),
		fmt.Sprintf("the bare CLI: %d, its prompt being %d", len(bare)/bytesOfToken, len(inside(t, promptOf(task)))/bytesOfToken),
		fmt.Sprintf("less than %d without", mostLean),
	}
}

// inside is a text as it stands within a body of JSON.
func inside(t *testing.T, text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	must(t, e.Encode(text))
	return bytes.TrimSuffix(b.Bytes()[1:], []byte("\"\n"))
}

// smallTask is a task with an engineer's rules and hardly more.
func smallTask() agent.Task {
	system, first := agent.Brief{Role: agent.Engineer, TaskID: "p1.t1", Title: "Say done", Goal: "Read notes.txt and say that you are done."}.Render()
	return agent.Task{ID: "p1.t1", Model: "claude-sonnet-4-5", MaxTokens: 8000, System: system, First: first}
}

// promptOf is what the task says to begin with.
func promptOf(task agent.Task) string {
	var b strings.Builder
	for _, block := range task.First.Blocks {
		b.WriteString(block.Text)
	}
	return b.String()
}

// byEngine carries the task out as a build does, but for gates, money and journal.
func byEngine(t *testing.T, program *claudecode.Program, task agent.Task) visit {
	dir, finish := site(t), agenttest.Call("mcp__builder__finish", map[string]string{"summary": "done"})
	h := newHost(dir, agenttest.Use(finish))
	job := agent.Job{Task: task, Dir: dir, Session: cli.NewID(), Foreman: &agenttest.Foreman{}}
	ctx, cancel := context.WithTimeout(t.Context(), engineTime)
	defer cancel()
	engine := program.Engine(job, agenttest.Open(t, h))
	at := time.Now()
	r, err := engine.Run(ctx, task)
	if err != nil || r.Outcome != agent.Accepted {
		t.Fatalf("the engine's run: %+v, %v", r, err)
	}
	return h.visited(t, at)
}

// byCLI gives the CLI the same prompt, with what it does by itself, unconfined.
func byCLI(t *testing.T, path string, task agent.Task) visit {
	dir, home := site(t), realDir(t)
	h := newHost(dir, agenttest.Say("done"))
	ctx, cancel := context.WithTimeout(t.Context(), engineTime)
	defer cancel()
	c := exec.CommandContext(ctx, path, "-p", promptOf(task), "--output-format", "stream-json", "--verbose", "--model", task.Model)
	c.Dir = dir
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "CLAUDE_CONFIG_DIR=" + filepath.Join(home, "claude"), "CLAUDE_CODE_TMPDIR=" + home,
		"ANTHROPIC_BASE_URL=" + agenttest.Open(t, h).URL(), "ANTHROPIC_API_KEY=no-key", "IS_SANDBOX=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
	}
	at := time.Now()
	if raw, err := c.CombinedOutput(); err != nil {
		t.Fatalf("the bare CLI's run: %v: %s", err, raw)
	}
	return h.visited(t, at)
}

// site is a folder with the one file that is read.
func site(t *testing.T) string {
	dir := realDir(t)
	must(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("Herons.\n"), 0o600))
	return dir
}

// realDir is a folder of the test's by its real path.
func realDir(t *testing.T) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return dir
}

// visit is what one run of the CLI showed to the serving side.
type visit struct {
	start time.Duration // until the first request arrived
	body  []byte        // of the first request
	used  []int64       // peak KiB of each process that lived at the second request, the biggest first
}

// visits are those of several runs.
type visits []visit

func (v visits) starts() (all []time.Duration) {
	for _, one := range v {
		all = append(all, one.start)
	}
	return all
}

// times are the median start and, less moved by what else runs, the best.
func (v visits) times() string {
	return fmt.Sprintf("%s, best %s", ms(median(v.starts())), ms(slices.Min(v.starts())))
}

// memory is the median of all processes' together, with the biggest one's of that run. Pages that processes share
// count for each.
func (v visits) memory() string {
	sum := func(v visit) (all int64) {
		for _, kib := range v.used {
			all += kib
		}
		return all
	}
	sorted := slices.SortedFunc(slices.Values(v), func(a, b visit) int { return int(sum(a) - sum(b)) })
	m := sorted[len(sorted)/2]
	if len(m.used) == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d MiB, %d processes, the biggest %d MiB", sum(m)/1024, len(m.used), m.used[0]/1024)
}

// host is the serving side of one run.
type host struct {
	script *agenttest.Handler

	mu      sync.Mutex
	arrived time.Time
	used    []int64
}

// newHost plays a call that reads the file in dir, and then the last turn.
func newHost(dir string, last agenttest.Turn) *host {
	h := &host{}
	read := agenttest.Use(agenttest.Call("Read", map[string]string{"file_path": filepath.Join(dir, "notes.txt")}))
	h.script = &agenttest.Handler{Next: func(n int, _ agenttest.Request) agenttest.Turn {
		if n == 0 {
			return read
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.used = family()
		return last
	}}
	return h
}

// ServeHTTP implements [http.Handler].
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	if r.Method == http.MethodPost && r.URL.Path == "/v1/messages" {
		h.mu.Lock()
		if h.arrived.IsZero() {
			h.arrived = at
		}
		h.mu.Unlock()
	}
	h.script.ServeHTTP(w, r)
}

// visited is what came of a run that began at a time.
func (h *host) visited(t *testing.T, at time.Time) visit {
	asked := h.script.Requests()
	if len(asked) != 2 {
		t.Fatalf("%d requests came, want 2", len(asked))
	}
	if said := asked[1].Last(); !strings.Contains(said, "Herons.") {
		t.Errorf("the file was not read: %s", said)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return visit{start: h.arrived.Sub(at), body: asked[0].Body, used: h.used}
}
