//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// faulty is builder with its fault points, built once for all tests of a run; who removes it is TestMain.
var faulty = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "builder-faults-")
	if err != nil {
		return "", err
	}
	exe := filepath.Join(dir, "builder")
	out, err := exec.Command("go", "build", "-tags", "faults", "-o", exe, ".").CombinedOutput()
	if err != nil {
		return "", errors.Join(fmt.Errorf("build with fault points: %w: %s", err, out), os.RemoveAll(dir))
	}
	faultyDir = dir
	return exe, nil
})

// faultSite is a build of three small tasks by builder with its fault points, asked of a scripted
// model of this process, which keeps its own ledger and outlives every kill.
type faultSite struct {
	*site
	wide  bool     // two of the tasks at the same time
	under []string // what the next process of builder runs under; nil for nothing
}

func newFaultSite(t *testing.T) *faultSite {
	t.Helper()
	exe, err := faulty()
	if err != nil {
		t.Fatal(err)
	}
	f := &faultSite{site: newSite(t, func(_ int, req agenttest.Request) agenttest.Turn { return faultTurn(req) }, faultPlan)}
	f.exe = exe
	f.fewPrograms("sh", "grep", "sort", "rm", "make")
	return f
}

// newWideSite is the same build with its last two tasks side by side: they end in one tree, in either order.
func newWideSite(t *testing.T) *faultSite {
	t.Helper()
	f := newFaultSite(t)
	f.wide = true
	p := f.plan()
	faultPlan(p)
	p.Phases[0].Tasks[2].Needs = p.Phases[0].Tasks[1].Needs
	f.usePlan(p)
	return f
}

// fewPrograms leaves few programs on PATH: a build asks every toolchain that it finds for its version.
func (f *faultSite) fewPrograms(names ...string) {
	f.t.Helper()
	bin := f.path("bin")
	f.must(os.Mkdir(bin, 0o755))
	for _, name := range names {
		file, err := exec.LookPath(name)
		if err != nil {
			f.t.Skipf("needs %s: %s", name, err)
		}
		f.must(os.Symlink(file, filepath.Join(bin, name)))
	}
	f.env = append(f.env, "PATH="+bin)
}

// faultPlan makes, edits and deletes files, runs a setup step, and is proven by files and commands.
func faultPlan(p *planner.Plan) {
	file := func(id planner.GateID, path string, says ...string) planner.Gate {
		return planner.Gate{ID: id, Kind: planner.GateFile, Files: []planner.FileCheck{{Path: path, Contains: says}}}
	}
	task := func(id planner.TaskID, goal string, gates ...planner.GateID) planner.Task {
		return planner.Task{ID: id, Title: goal, Goal: goal, Gates: gates}
	}
	p.Setup = []planner.Setup{{Run: []string{"sort", "-o", "sorted.tmp", "hello.txt"}, Inputs: []string{"hello.txt"}}}
	p.Gates = []planner.Gate{
		file("says", "hello.txt", "hello"), file("leaves", "bye.txt", "bye"), file("ends", "end.txt", "end"),
		{ID: "greets", Kind: planner.GateCommand, Run: []string{"grep", "-q", "hello", "hello.txt"}},
		{ID: "old", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "old.txt", Absent: true}, {Path: "hello.txt", Contains: []string{"hello again"}}}},
	}
	first := task("main.one", "Task one: write hello.txt.", "says", "greets")
	second := task("main.two", "Task two: write bye.txt, drop old.txt.", "leaves", "old")
	third := task("main.three", "Task three: write end.txt.", "ends", "greets")
	second.Needs, third.Needs = []planner.TaskID{first.ID}, []planner.TaskID{second.ID}
	first.Covers = p.Phases[0].Tasks[0].Covers
	p.Phases[0].Tasks = []planner.Task{first, second, third}
}

// faultTurns are the agent's turns of each task; every call has an id that does not depend on when it
// is asked for.
var faultTurns = map[string][]agenttest.Turn{
	"Task one": {
		agenttest.Use(agenttest.Write("hello.txt", "hello\nto all\n"), agenttest.Write("old.txt", "old\n"), agenttest.Write("deep/er/file.txt", "deep\n")),
		agenttest.Use(agenttest.Finish("wrote it")),
	},
	"Task two": {
		agenttest.Use(agenttest.Write("bye.txt", "bye\n"), agenttest.Run("rm old.txt"), agenttest.Call("edit_file", map[string]string{"path": "hello.txt", "old": "hello\n", "new": "hello again\n"})),
		agenttest.Use(agenttest.Call("list_files", map[string]string{}), agenttest.Finish("did it")),
	},
	"Task three": {agenttest.Use(agenttest.Write("end.txt", "end\n"), agenttest.Finish("ended it"))},
}

// faultTurn answers by what is asked and by nothing else: the same request has the same answer.
func faultTurn(req agenttest.Request) agenttest.Turn {
	for name, turns := range faultTurns {
		if !strings.Contains(req.Wire.Messages[0].Text(), "Goal: "+name) && !strings.Contains(req.Wire.Messages[0].Text(), name+":") {
			continue
		}
		said := 0
		for _, m := range req.Wire.Messages {
			if m.Role == "assistant" {
				said++
			}
		}
		if said >= len(turns) {
			break
		}
		turn := turns[said]
		turn.Usage = agent.Usage{Input: int64(1000 + 100*len(name) + 10*said), Output: int64(50 + said)}
		turn.Calls = append([]agent.ToolCall(nil), turn.Calls...)
		for i := range turn.Calls {
			turn.Calls[i].ID = fmt.Sprintf("toolu_%s_%d_%d", strings.ReplaceAll(name, " ", ""), said, i)
		}
		return turn
	}
	return agenttest.Say("that was not foreseen")
}

// ran is how one process of builder ended.
type ran struct {
	out    string
	code   int // of the exit; -1 after a signal
	signal syscall.Signal
}

// carry runs builder on the build, from wherever it is, with faults ordered.
func (f *faultSite) carry(faults string) ran {
	f.t.Helper()
	args := f.args("--build-id", "b-fault", "--model", faultModel)
	if f.exists("app/.builder") {
		args = []string{"resume", "app"}
	}
	if f.wide {
		args = append(args, "--workers", "2")
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	argv := append(append(f.under, f.exe), args...)
	f.under = nil
	c := exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.Dir, c.Env = f.dir, append(append([]string{}, f.env...), "BUILDER_FAULT="+faults, "BUILDER_FAULT_SEEN="+f.path("seen"))
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil && c.ProcessState == nil {
		f.t.Fatal(err)
	}
	if ctx.Err() != nil {
		f.t.Fatalf("builder with %q comes to no end:\n%s", faults, out.String())
	}
	r := ran{out: out.String(), code: c.ProcessState.ExitCode()}
	if ws, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		r.signal = ws.Signal()
	}
	return r
}

const faultModel = "claude-sonnet-5-5"

// seen counts what was reached since the last look.
func (f *faultSite) seen() map[string]int {
	f.t.Helper()
	raw, err := os.ReadFile(f.path("seen"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.t.Fatal(err)
	}
	_ = os.Remove(f.path("seen")) // it may not be there
	out := map[string]int{}
	for _, name := range strings.Fields(string(raw)) {
		out[name]++
	}
	return out
}

// served is the serving side's ledger: what each request costs, and how often it came. Every request
// that came in is billed in full, whether or not its answer arrived.
type served struct {
	total budget.Micro
	once  budget.Micro // each different request once
	again int          // how often one came again
}

func (f *faultSite) bill() served {
	f.t.Helper()
	table, err := budget.LoadTable()
	if err != nil {
		f.t.Fatal(err)
	}
	price, err := table.Lookup(faultModel, time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	var b served
	known := map[[32]byte]bool{}
	for _, r := range f.srv.Requests() {
		raw, err := json.Marshal(r.Wire.Messages)
		if err != nil {
			f.t.Fatal(err)
		}
		u := faultTurn(r).Usage
		cost := price.Cost(budget.Usage{Input: u.Input, Output: u.Output})
		b.total += cost
		if sum := sha256.Sum256(raw); known[sum] {
			b.again++
		} else {
			known[sum] = true
			b.once += cost
		}
	}
	return b
}
