package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// wide is a plan of n tasks that need nothing; each writes a file of its own and adds a line to a
// shared one.
func wide(n int) *planner.Plan {
	p := &planner.Plan{Version: 1, Project: planner.Project{Name: "app"}, Shared: []string{"shared.txt"}}
	ph := planner.Phase{ID: "w"}
	for i := range n {
		name := fmt.Sprintf("f%02d", i)
		p.Requirements = append(p.Requirements, planner.Requirement{ID: planner.RequirementID("R" + name), Text: name})
		p.Gates = append(p.Gates, planner.Gate{ID: planner.GateID(name), Kind: planner.GateFile, Files: []planner.FileCheck{{Path: name + ".txt", Contains: []string{"good"}}}})
		ph.Tasks = append(ph.Tasks, planner.Task{
			ID: planner.TaskID("w." + name), Title: "Make " + name, Goal: "goal:" + name, Covers: []planner.RequirementID{planner.RequirementID("R" + name)},
			Writes: []string{name + ".txt"}, Gates: []planner.GateID{planner.GateID(name)},
		})
	}
	p.Phases = []planner.Phase{ph}
	return p
}

// taskIn finds which of a wide plan's tasks a conversation is about, by its goal.
func taskIn(req agent.Request) string {
	_, after, ok := strings.Cut(req.Messages[0].Words(), "goal:")
	if !ok {
		panic("a brief without a goal:\n" + req.Messages[0].Words())
	}
	return after[:3]
}

// widely answers a wide plan in two turns.
func widely(req agent.Request) (agent.Message, error) {
	name := taskIn(req)
	if len(req.Messages) == 1 {
		return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{
			use("1", "write_file", map[string]string{"path": name + ".txt", "content": "good"}),
			use("2", "write_file", map[string]string{"path": "shared.txt", "add": name + "\n"}),
		}}, nil
	}
	return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{use("3", "finish", map[string]string{"summary": name})}}, nil
}

// addBench has a write_file that can also add a line to what is there.
type addBench struct{ calls *counter }

func (b addBench) Tools(_ context.Context, dir string, _ planner.Task, _ []string) (agent.Toolbox, error) {
	return addTools{writeTools{dir, b.calls}}, nil
}

type addTools struct{ writeTools }

func (a addTools) Call(ctx context.Context, c agent.ToolCall) (agent.ToolResult, error) {
	var in struct{ Path, Add string }
	if err := json.Unmarshal(c.Input, &in); err != nil || in.Add == "" {
		return a.writeTools.Call(ctx, c)
	}
	old, err := os.ReadFile(filepath.Join(a.dir, in.Path))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return agent.ToolResult{}, err
	}
	return agent.ToolResult{Text: "added"}, os.WriteFile(filepath.Join(a.dir, in.Path), append(old, in.Add...), 0o600)
}

// overlap counts how many calls are under way at the same time; each takes a while.
type overlap struct{ now, most atomic.Int64 }

func (o *overlap) answer(inner func(agent.Request) (agent.Message, error)) func(agent.Request) (agent.Message, error) {
	return func(req agent.Request) (agent.Message, error) {
		o.most.Store(max(o.most.Load(), o.now.Add(1)))
		defer o.now.Add(-1)
		time.Sleep(50 * time.Millisecond) // of the bubble's clock
		return inner(req)
	}
}

// wideWorld carries out a wide plan, answered by answer.
func wideWorld(t *testing.T, n, workers int, answer func(agent.Request) (agent.Message, error)) (*world, *overlap) {
	t.Helper()
	w, o := newWorld(t), &overlap{}
	w.plan, w.workers, w.bench, w.answer = wide(n), workers, addBench{w.tools}, o.answer(answer)
	return w, o
}

// contentOf is what a file of the newest commit holds.
func (w *world) contentOf(t *testing.T, path string) string {
	t.Helper()
	e, ok := w.repo.tree.Find(path)
	if !ok {
		return ""
	}
	raw, err := w.blobs.Get(context.Background(), e.Blob)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The final tree does not depend on how many tasks are carried out at the same time; each task is one
// commit; files that are shared are merged.
func TestWorkersMakeTheSameTree(t *testing.T) {
	t.Parallel()
	var want checkpoint.Hash
	for _, workers := range []int{1, 2, 5, 12} {
		synctest.Test(t, func(t *testing.T) {
			w, o := wideWorld(t, 12, workers, widely)
			s, err := w.run(t, budget.Caps{USD: budget.Dollar})
			if err != nil || s.Run != DoneState || len(w.repo.commits) != 12 {
				t.Fatalf("%d workers: %v, %s, %d commits", workers, err, s.Run, len(w.repo.commits))
			}
			if most := int(o.most.Load()); most != workers {
				t.Errorf("%d workers: %d calls at the same time", workers, most)
			}
			if got := strings.Count(w.contentOf(t, "shared.txt"), "\n"); got != 12 {
				t.Errorf("%d workers: the shared file has %d lines", workers, got)
			}
			if got := w.repo.tree.ID(); want == "" {
				want = got
			} else if got != want {
				t.Errorf("%d workers made another tree", workers)
			}
			if w.repo.folder.ID() != w.repo.tree.ID() {
				t.Error("the folder is not at the newest commit")
			}
			for _, r := range StatusOf(w.plan, s).Requirements {
				if !r.Proven {
					t.Errorf("%s is not proven", r.ID)
				}
			}
			if left, err := os.ReadDir(w.scratch); err != nil || len(left) > 0 {
				t.Errorf("left in scratch: %v %v", left, err)
			}
			refold(t, w.journal, s)
		})
	}
}

// Laws L1, L2, L4 with several workers: killed before any append and resumed, a build ends with the
// same tree and one commit a task; calls are made again only where they were in flight, and those are
// booked as unknown.
func TestCrashWithWorkers(t *testing.T) {
	t.Parallel()
	const tasks, workers = 5, 3
	var want checkpoint.Hash
	for n := 0; n >= 0; n++ {
		synctest.Test(t, func(t *testing.T) {
			w, _ := wideWorld(t, tasks, workers, widely)
			real := w.journal
			w.journal = &dyingJournal{Journal: real, left: n}
			_, err := w.run(t, budget.Caps{USD: budget.Dollar})
			if err == nil {
				want, n = w.repo.tree.ID(), -2
				return
			}
			if !errors.Is(err, errCrash) {
				t.Fatalf("crash %d: got %v", n, err)
			}
			w.journal = real
			s, err := w.run(t, budget.Caps{USD: budget.Dollar})
			if err != nil || s.Run != DoneState || len(w.repo.commits) != tasks {
				t.Fatalf("crash %d: resume: %v, %s, %d commits", n, err, s.Run, len(w.repo.commits))
			}
			if got := w.repo.tree.ID(); want != "" && got != want {
				t.Fatalf("crash %d made another tree", n)
			}
			want = w.repo.tree.ID()
			again := 0
			for _, k := range w.sent.n {
				again += k - 1
			}
			if again > workers || again > len(s.Guard.Lost) {
				t.Fatalf("crash %d: %d calls made again, %d booked as unknown", n, again, len(s.Guard.Lost))
			}
			refold(t, real, s)
		})
	}
}

// After a crash one step is taken at a time, until one has ended; after a pause all workers go on.
func TestCarefulAfterACrash(t *testing.T) {
	t.Parallel()
	p, s := wide(4), NewState()
	apply := func(facts ...Fact) {
		t.Helper()
		for _, f := range facts {
			if err := s.Apply(f, time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	apply(BuildStarted{Build: "b-1"}, SessionStarted{PID: 1})
	if got := len(Next(p, s, 3)); got != 3 {
		t.Fatalf("at first %d steps, want 3", got)
	}
	apply(TaskStarted{Task: "w.f00"}, TaskStarted{Task: "w.f01"}, AttemptStarted{Task: "w.f00", Attempt: 1})
	apply(SessionStarted{PID: 2})
	if got := Next(p, s, 3); len(got) != 1 || got[0].Task != "w.f00" {
		t.Fatalf("after a crash: %v, want w.f00 alone", got)
	}
	apply(AttemptFinished{Task: "w.f00", Attempt: 1, Tree: "t"})
	if got := Next(p, s, 3); len(got) != 3 || got[0].Kind != StepMerge {
		t.Fatalf("after a step has ended: %v, want a merge and two tasks", got)
	}
	apply(Paused{}, SessionStarted{PID: 3})
	if got := len(Next(p, s, 3)); got != 3 {
		t.Fatalf("after a pause %d steps, want 3", got)
	}
}

// A call that does not fit while others hold their worst case waits for them, and the build does not pause.
func TestCallsWaitForWhatOthersHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, _ := wideWorld(t, 6, 6, widely)
		// A call holds 3,000 micro-dollars and costs 200: two holds never fit together.
		s, err := w.run(t, budget.Caps{USD: 5500})
		if err != nil || s.Run != DoneState {
			t.Fatalf("got %v, %s", err, s.Run)
		}
		for hash, n := range w.sent.n {
			if n != 1 {
				t.Errorf("question %s was sent %d times", hash, n)
			}
		}
	})
}

// A task that the rest of the budget cannot fund is not begun, what is promised to running ones
// counted; the pause names the task and the command that goes on.
func TestUnfundedTaskIsNotBegun(t *testing.T) {
	t.Parallel()
	cost := func(*planner.Plan, planner.Task) Funds { return Funds{USD: 4000} }
	synctest.Test(t, func(t *testing.T) {
		w, o := wideWorld(t, 6, 6, widely)
		w.cost = cost
		if s, err := w.run(t, budget.Caps{USD: 9000}); err != nil || s.Run != DoneState {
			t.Fatalf("got %v", err)
		}
		if o.most.Load() != 2 {
			t.Errorf("%d calls at the same time; 4,000 each fit 9,000 twice", o.most.Load())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w, _ := wideWorld(t, 6, 6, widely)
		w.cost = cost
		s, err := w.run(t, budget.Caps{USD: 4300})
		var pause *PauseError
		if !errors.As(err, &pause) || pause.Reason.Code != CodeBudget || !strings.Contains(pause.Reason.Message, "task w.f01 is not begun") || !strings.Contains(pause.Reason.Hint, "--max-cost") {
			t.Fatalf("got %v", err)
		}
		if got := s.Task("w.f01").State; got != TaskPending || len(w.repo.commits) != 1 {
			t.Errorf("got %s, %d commits: one task could be funded, and no more", got, len(w.repo.commits))
		}
	})
}
