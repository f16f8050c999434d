package bench

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/agent/tools"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/verify"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
)

// built, in a child, is the number of tasks to build.
var built = flag.Int("built", 0, "build this many tasks and nothing else")

// buildRows carries a plan of many tasks out by the whole engine: agents' loops, tools, trees, gates,
// merges, commits and checkouts, on the real journal, blobs and repository.
func buildRows(t *testing.T, s sizes) []row {
	d := inChild(t, s, "TestBuilt", "-built")
	if want := int64(s.tasks * parallelCalls); d.Answered != want || d.After > d.Before+2 || d.FilesAfter > d.FilesBefore+2 { // the runtime polls with two
		t.Errorf("%d of %d calls answered, goroutines %d before and %d after, descriptors %d and %d", d.Answered, want, d.Before, d.After, d.FilesBefore, d.FilesAfter)
	}
	bound := time.Duration(max(float64(s.tasks)/parallelWorkers, longest(s.tasks)) * parallelCalls * float64(s.answer))
	what := fmt.Sprintf("6 whole builds: %d tasks, %d workers, %d calls of %s each, with trees, gates, merges, commits", s.tasks, parallelWorkers, parallelCalls, s.answer)
	return []row{
		{what, fmt.Sprintf("%s (%.1f s)", ratio(d.Wall, bound), d.Wall.Seconds()), fmt.Sprintf("bound by the critical path: %.1f s", bound.Seconds()), "at most 1.25 x"},
		{"6 the same: peak memory", fmt.Sprintf("%d MiB", d.PeakKiB/1024), fmt.Sprintf("goroutines %d and %d, descriptors %d and %d", d.Before, d.After, d.FilesBefore, d.FilesAfter), "at most 512 MiB"},
	}
}

func TestBuilt(t *testing.T) {
	if *built == 0 {
		t.Skip("runs as a child only")
	}
	debug.SetGCPercent(400) // as cmd/builder does
	debug.SetMemoryLimit(400 << 20)
	d := drive{Before: runtime.NumGoroutine(), FilesBefore: descriptors(t)}
	h := newHouse(t, 0)
	crew := &agenttest.Crew{Latency: *slow}
	h.meter.Base, h.meter.Origin = endpoint.Patience{Base: offline.NewTransport(crew)}, "http://crew.localhost"
	table, err := budget.LoadTable()
	must(t, err)
	h.meter.Prices = func(m string) (budget.Price, error) { return table.Lookup(m, time.Now()) }
	e := h.engine(t, agenttest.Job{Tasks: *built, Calls: parallelCalls, Phases: 4})
	start := time.Now()
	must(t, e.Run(t.Context()))
	d.Wall = time.Since(start)
	must(t, h.writer.View(t.Context(), func(s *phases.State) {
		d.Answered = s.Guard.Account(budget.Build).Answered
		if s.Run != phases.DoneState {
			t.Errorf("it is %s", s.Run)
		}
	}))
	h.close()
	http.DefaultClient.CloseIdleConnections()
	d.After, d.FilesAfter, d.PeakKiB = runtime.NumGoroutine(), descriptors(t), peak()
	d.tell(t)
}

// engine joins an engine for a job, as cmd/builder does, with files as gates and no sandbox: nothing is run.
func (h *house) engine(t *testing.T, job agenttest.Job) *phases.Engine {
	spec, err := markdown.Parse(agenttest.SpecFile, []byte(job.Spec()))
	must(t, err)
	path := filepath.Join(h.dir, "plan.yaml")
	must(t, os.WriteFile(path, []byte(job.Plan()), 0o600))
	plan, err := planfile.Read(t.Context(), path)
	must(t, err)
	layered(plan)
	must(t, phases.AcceptPlan(t.Context(), h.writer, h.blobs, plan, "user"))
	model, err := anthropic.New(anthropic.Config{HTTPClient: meter.NewClient(h.meter), BaseURL: "http://crew.localhost", Key: endpoint.Secret("none")})
	must(t, err)
	repo, err := workspace.Init(t.Context(), filepath.Join(h.dir, "app"), h.blobs)
	must(t, err)
	return &phases.Engine{
		Writer: h.writer, Blobs: h.blobs, Trees: workspace.NewTrees(h.blobs, workspace.Limits{}), Repo: repo,
		Gates: checks{verify.New(verify.Config{Runner: ladder.Unconfined()})}, Bench: hands{}, Model: model, Spec: spec,
		Scratch: filepath.Join(h.dir, "scratch"), Set: phases.Settings{Model: "claude-sonnet-5-5"}, Workers: parallelWorkers, Throttle: &phases.Throttle{},
	}
}

// The parts of a layered plan: ten roots, two layers of five each below them, three chains, a diamond;
// what is left needs nothing.
const (
	roots, fan   = 10, 5
	chains, link = 3, 100
	diamond      = 200
	layeredTasks = roots + roots*fan + roots*fan*fan + chains*link + diamond
)

// layered gives the tasks of a large plan needs in layers, chains and a diamond.
func layered(p *planner.Plan) {
	var tasks []*planner.Task
	for i := range p.Phases {
		for k := range p.Phases[i].Tasks {
			tasks = append(tasks, &p.Phases[i].Tasks[k])
		}
	}
	if len(tasks) < layeredTasks {
		return
	}
	needs := func(n int, of ...int) {
		for _, o := range of {
			tasks[n].Needs = append(tasks[n].Needs, tasks[o].ID)
		}
	}
	n := roots
	for ; n < roots+roots*fan+roots*fan*fan; n++ {
		needs(n, (n-roots)/fan)
	}
	for range chains {
		for i := n + 1; i < n+link; i++ {
			needs(i, i-1)
		}
		n += link
	}
	for i := n + 1; i < n+diamond-1; i++ {
		needs(i, n)
		needs(n+diamond-1, i)
	}
}

// longest is how many tasks of a job of n follow one another at least.
func longest(n int) float64 {
	if n < layeredTasks {
		return 1
	}
	return link
}

// checks are gates in the words of phases.
type checks struct{ *verify.Verifier }

func (c checks) Run(ctx context.Context, r phases.GateRun) (phases.GateReport, error) {
	rep, err := c.Verifier.Run(ctx, verify.Request{Gate: r.Gate, Tree: r.Tree, Project: r.Project})
	return phases.GateReport{Pass: rep.Pass, Exit: rep.Exit, Short: rep.Summary, Feedback: rep.Feedback, Signature: rep.Signature, Log: rep.Log}, err
}

type hands struct{}

func (hands) Tools(_ context.Context, scratch string, task planner.Task, shared []string) (agent.Toolbox, error) {
	return tools.New(tools.Config{Root: scratch, Writes: task.Writes, Shared: shared}), nil
}

func descriptors(t *testing.T) int {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(open)
}
