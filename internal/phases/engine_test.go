package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/pace"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// world is what survives a crash: journal, blobs, repository, and the counts of what was done.
type world struct {
	journal  checkpoint.Journal
	blobs    *checkpoint.MemoryBlobs
	repo     *memRepo
	gates    *fileGates
	tools    *counter
	sent     *counter
	scratch  string
	clock    func() time.Time
	answer   func(agent.Request) (agent.Message, error)
	set      Settings
	free     int64                     // bytes on the disk; 0: nobody looks
	moves    func()                    // after each commit
	paced    bool                      // by a pacer, in the clock of package time
	anyway   bool                      // a person wants the provider asked
	model    func(*Writer) agent.Model // nil: answer behind a ledger
	plan     *planner.Plan             // given; nil: it is asked for
	check    Gates                     // in place of gates
	loud     bool                      // tools answer otherwise than before
	facts    string                    // what the machine has
	workers  int
	slow     bool      // the first commit takes long
	from     *memRepo  // what the branch was at before the build
	bench    Workbench // nil: writes files
	cost     func(*planner.Plan, planner.Task) Funds
	valve    *Valve   // follows the records; nil: nobody pauses
	programs Programs // carry tasks out in place of the loop
	more     []Fact   // recorded when the next process starts
	revise   func(*planner.Plan) *planner.Plan
}

func newWorld(t *testing.T) *world {
	return &world{
		journal: &checkpoint.Memory{}, blobs: &checkpoint.MemoryBlobs{}, repo: &memRepo{}, gates: &fileGates{},
		tools: &counter{}, sent: &counter{}, scratch: t.TempDir(), clock: tickingClock(), answer: scripted,
		set: Settings{Model: "test", MaxTokens: 2000},
	}
}

// run is one process: it opens the writer, runs the engine, and returns what it ended with.
func (w *world) run(t *testing.T, caps budget.Caps) (*State, error) {
	t.Helper()
	return w.runCtx(t.Context(), t, caps)
}

// runCtx is run under a context of its own, which may end.
func (w *world) runCtx(engineCtx context.Context, t *testing.T, caps budget.Caps) (*State, error) {
	t.Helper()
	ctx := t.Context()
	var obs []Observer
	if w.valve != nil {
		obs = append(obs, w.valve)
	}
	wr, err := OpenWriter(ctx, w.journal, w.clock, obs...)
	if err != nil {
		return nil, err
	}
	var fresh, unplanned bool
	if err := wr.View(ctx, func(s *State) { fresh, unplanned = s.Seq == 0, s.Plan == "" }); err != nil {
		t.Fatal(err)
	}
	start := []Fact{SessionStarted{PID: 1, Anyway: w.anyway}}
	if fresh {
		start = append([]Fact{BuildStarted{Build: "b-1", Model: "test", Author: "A <a@b>", Caps: caps}}, start...)
	}
	start = append(start, w.more...)
	w.more = nil
	err = wr.Record(ctx, start...)
	if err == nil && unplanned && w.plan != nil {
		err = AcceptPlan(ctx, wr, w.blobs, w.plan, "user")
	}
	if err == nil {
		err = Recover(ctx, wr, w.blobs, func(h budget.Hold, _ []byte) budget.Settlement {
			return budget.Settlement{Op: h.Op, Fate: budget.Unknown}
		})
	}
	if err != nil {
		return nil, errors.Join(err, wr.Close(ctx))
	}
	e := &Engine{
		Writer: wr, Blobs: w.blobs, Trees: dirTrees{w.blobs}, Repo: w.repo, Gates: w.gates, Bench: writeBench{w.tools},
		Model: ledgerModel{func() *Writer { return wr }, w.blobs, w.sent, w.answer, w.set.Window > 0},
		Spec:  &planner.Spec{Text: "a spec", Path: "spec.md"},
		Draft: func(ctx context.Context, a planner.Asker, s *planner.Spec, facts string) (*planner.Plan, error) {
			return draft(ctx, a, facts)
		},
		Revise: func(ctx context.Context, a planner.Asker, p *planner.Plan, _ string) (*planner.Plan, error) {
			return revised(ctx, a, w.revise(p))
		},
		Facts:   func(context.Context) string { return w.facts },
		Scratch: w.scratch, Set: w.set, Valve: w.valve,
		Retry: RetryPolicy{Sleep: func(context.Context, time.Duration) error { return nil }},
	}
	if w.model != nil {
		e.Model = w.model(wr)
	}
	if w.paced {
		var until time.Time
		if err := wr.View(ctx, func(s *State) { until = s.NotBefore }); err != nil {
			return nil, err
		}
		e.Retry, e.Pace = RetryPolicy{}, pace.New(pace.Options{NotBefore: until})
	}
	if w.free > 0 {
		e.Space = func(context.Context) (int64, error) { return w.free, nil }
	}
	if w.check != nil {
		e.Gates = w.check
	}
	e.Workers, e.Cost = w.workers, w.cost
	if w.programs != nil {
		e.Program, e.Programs = "clerk", w.programs
	}
	if w.slow {
		e.Repo = &slowRepo{Repo: w.repo}
	}
	if w.bench != nil {
		e.Bench = w.bench
	}
	if w.loud {
		e.Bench = loudBench{e.Bench}
	}
	if w.moves != nil {
		e.Repo = movingRepo{w.repo, w.moves}
	}
	runErr := e.Run(engineCtx)
	var state *State
	verr := wr.View(ctx, func(s *State) { state = s })
	cerr := wr.Close(ctx)
	if verr != nil || cerr != nil {
		return nil, errors.Join(runErr, verr, cerr)
	}
	return state, runErr
}

// movingRepo is moved by somebody else after each checkout.
type movingRepo struct {
	Repo
	moves func()
}

func (m movingRepo) Checkout(ctx context.Context, from, to Manifest) ([]string, error) {
	edits, err := m.Repo.Checkout(ctx, from, to)
	m.moves()
	return edits, err
}

func draft(ctx context.Context, a planner.Asker, facts string) (*planner.Plan, error) {
	raw, err := a.Ask(ctx, planner.Question{System: []string{"plan"}, Prompt: "plan it " + facts, Schema: json.RawMessage(`{}`)})
	if err != nil {
		return nil, err
	}
	var p planner.Plan
	return &p, json.Unmarshal(raw, &p)
}

func twoTasks() planner.Plan {
	return planner.Plan{
		Version: 1, Project: planner.Project{Name: "app"},
		Requirements: []planner.Requirement{{ID: "R1", Text: "a"}, {ID: "R2", Text: "b"}},
		Phases: []planner.Phase{{ID: "one", Tasks: []planner.Task{
			{ID: "one.a", Title: "Make a", Covers: []planner.RequirementID{"R1"}, Gates: []planner.GateID{"a"}},
			{ID: "one.b", Title: "Make b", Covers: []planner.RequirementID{"R2"}, Needs: []planner.TaskID{"one.a"}, Gates: []planner.GateID{"a", "b"}},
		}}},
		Gates: []planner.Gate{
			{ID: "a", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "a.txt", Contains: []string{"good"}}}},
			{ID: "b", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "b.txt", Contains: []string{"good"}}}},
		},
	}
}

// scripted plans two tasks; for each it first looks and writes a bad file and says it is finished,
// and mends it when told.
func scripted(req agent.Request) (agent.Message, error) {
	if req.Schema != nil {
		raw, err := json.Marshal(twoTasks())
		return agent.Say(agent.Assistant, string(raw)), err
	}
	file := "a.txt"
	if strings.Contains(req.Messages[0].Words(), "one.b") {
		file = "b.txt"
	}
	content := "bad"
	if len(req.Messages) > 1 {
		content = "good"
	}
	return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{
		use("1", "look", map[string]string{}),
		use("2", "write_file", map[string]string{"path": file, "content": content}),
		use("3", "finish", map[string]string{"summary": "wrote " + file}),
	}}, nil
}

func use(id, name string, in map[string]string) agent.Block {
	raw, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	return agent.Block{Kind: agent.UseBlock, ID: id, Name: name, Input: raw}
}

func TestBuildEndsProven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil {
		t.Fatal(err)
	}
	plan := twoTasks()
	st := StatusOf(&plan, s)
	if st.State != DoneState || len(w.repo.commits) != 2 || st.Head != w.repo.head {
		t.Fatalf("got %s with %d commits: %+v", st.State, len(w.repo.commits), st)
	}
	for _, r := range st.Requirements {
		if !r.Proven {
			t.Errorf("%s is not proven: %+v", r.ID, r)
		}
	}
	if got := st.Budget; got.Spent != 5*200 || got.Unknown != 0 || got.Held != 0 {
		t.Errorf("got budget %+v, want 5 calls of 200", got)
	}
	if len(s.Task("one.b").Notes) != 2 {
		t.Errorf("got notes %q", s.Task("one.b").Notes)
	}
}

// errCrash stands for kill -9: from the n-th append on nothing reaches the journal any more.
var errCrash = errors.New("killed")

type dyingJournal struct {
	checkpoint.Journal
	left int
}

func (d *dyingJournal) Append(ctx context.Context, last uint64, recs []checkpoint.Record) (uint64, error) {
	if d.left == 0 {
		return 0, errCrash
	}
	d.left--
	return d.Journal.Append(ctx, last, recs)
}

func (d *dyingJournal) Save(ctx context.Context, s checkpoint.Snapshot) error {
	if d.left == 0 {
		return errCrash
	}
	return d.Journal.Save(ctx, s)
}

// Laws L1, L2, L4: killed before any append and resumed, a build ends with the same tree and the
// same number of commits, and asks no answered question again.
func TestCrashBeforeEveryAppend(t *testing.T) {
	t.Parallel()
	whole := newWorld(t)
	if _, err := whole.run(t, budget.Caps{USD: budget.Dollar}); err != nil {
		t.Fatal(err)
	}
	want := whole.repo.folder.ID()
	for n := 0; ; n++ {
		w := newWorld(t)
		real := w.journal
		w.journal = &dyingJournal{Journal: real, left: n}
		_, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err == nil {
			if n < 40 {
				t.Fatalf("a build with only %d appends", n)
			}
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("crash %d: got %v", n, err)
		}
		w.journal = real
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil {
			t.Fatalf("crash %d: resume: %v", n, err)
		}
		if s.Run != DoneState || w.repo.folder.ID() != want || len(w.repo.commits) != 2 {
			t.Fatalf("crash %d: state %s, tree %s, commits %d", n, s.Run, w.repo.folder.ID(), len(w.repo.commits))
		}
		again := 0
		for _, k := range w.sent.n {
			again += k - 1
		}
		if again > 1 || again != len(s.Guard.Lost) {
			t.Fatalf("crash %d: %d calls made again, %d booked as unknown", n, again, len(s.Guard.Lost))
		}
		refold(t, real, s)
	}
}

// Law L6: the state is the fold of the journal.
func refold(t *testing.T, j checkpoint.Journal, want *State) {
	t.Helper()
	got := NewState()
	if err := j.Read(t.Context(), 0, got.ApplyEnvelope); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Fatalf("fold differs from state:\n%s", cmp.Diff(string(b), string(a)))
	}
}

// Law L3: a cap that does not suffice pauses with what was done kept; a higher one goes on from there.
func TestBudgetPausesAndResumes(t *testing.T) {
	t.Parallel()
	for cap := budget.Micro(0); cap < 8000; cap += 400 {
		w := newWorld(t)
		caps := budget.Caps{USD: cap, PlanShare: 100}
		s, err := w.run(t, caps)
		var pause *PauseError
		if err != nil && (!errors.As(err, &pause) || pause.Reason.Code != CodeBudget) {
			t.Fatalf("cap %d: %v", cap, err)
		}
		if used := s.Guard.Account(budget.Build).Used(); used > cap {
			t.Fatalf("cap %d: %d used", cap, used)
		}
		if err == nil {
			continue
		}
		if s.Run != PausedState || s.Reason.Code != CodeBudget {
			t.Fatalf("cap %d: state %s %v", cap, s.Run, s.Reason)
		}
		before := len(w.repo.commits)
		wr, err := OpenWriter(t.Context(), w.journal, w.clock)
		if err != nil {
			t.Fatal(err)
		}
		if err := wr.Record(t.Context(), CapsRaised{Caps: budget.Caps{USD: budget.Dollar, PlanShare: 100}}); err != nil {
			t.Fatal(err)
		}
		if err := wr.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err = w.run(t, caps)
		if err != nil || s.Run != DoneState || len(w.repo.commits) != 2 || len(w.repo.commits) < before {
			t.Fatalf("cap %d: resume: %v, %s", cap, err, s.Run)
		}
		for hash, k := range w.sent.n {
			if k != 1 {
				t.Errorf("cap %d: question %s was sent %d times", cap, hash, k)
			}
		}
	}
}

func TestFailedSendsAreRetriedAndBooked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fails := 3
	w.answer = func(req agent.Request) (agent.Message, error) {
		if fails > 0 {
			fails--
			return agent.Message{}, &agent.Failure{Class: agent.Retry, Status: 529, Type: "overloaded_error"}
		}
		return scripted(req)
	}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState {
		t.Fatalf("got %v, %s", err, s.Run)
	}
	if a := s.Guard.Account(budget.Build); a.Calls != 8 || a.Answered != 5 {
		t.Errorf("got %d calls, %d answered; want 8, 5", a.Calls, a.Answered)
	}
}

func TestLongOutagePausesAndResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(agent.Request) (agent.Message, error) {
		return agent.Message{}, &agent.Failure{Class: agent.Retry, Status: 529, Type: "overloaded_error"}
	}
	_, err := w.run(t, budget.Caps{USD: budget.Dollar})
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeProvider {
		t.Fatalf("got %v, want a pause", err)
	}
	w.answer = scripted
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState {
		t.Fatalf("got %v, %s", err, s.Run)
	}
}

// Law L7: an agent that only claims to be finished never gets a commit; its attempts end and the
// build fails honestly.
func TestClaimIsNoEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(req agent.Request) (agent.Message, error) {
		if req.Schema != nil {
			return scripted(req)
		}
		return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{use(fmt.Sprint(len(req.Messages)), "finish", map[string]string{"summary": "all done, trust me"})}}, nil
	}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != FailedState || len(w.repo.commits) != 0 {
		t.Fatalf("got %v, %s, %d commits", err, s.Run, len(w.repo.commits))
	}
	plan := twoTasks()
	if got := StatusOf(&plan, s).Tasks; got[1].State != TaskIsFail || got[1].Attempts != 3 || got[2].State != TaskBlocked {
		t.Errorf("got tasks %+v", got)
	}
}

func TestBlockedFailsTheTaskAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(req agent.Request) (agent.Message, error) {
		if req.Schema != nil {
			return scripted(req)
		}
		return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{use("1", "blocked", map[string]string{"reason": "no such thing", "evidence": "none"})}}, nil
	}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != FailedState {
		t.Fatalf("got %v, %s", err, s.Run)
	}
	if a := s.Task("one.a"); a.Attempts != 1 || !strings.Contains(a.Reason, "no such thing") {
		t.Errorf("got %+v", a)
	}
}

// Law L7: a gate that is green on the base tree proves no requirement.
func TestGreenOnBaseProvesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := twoTasks()
	plan.Phases[0].Tasks[1].Gates = []planner.GateID{"a"}
	w.answer = func(req agent.Request) (agent.Message, error) {
		if req.Schema != nil {
			raw, err := json.Marshal(plan)
			return agent.Say(agent.Assistant, string(raw)), err
		}
		return scripted(req)
	}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState {
		t.Fatalf("got %v, %s", err, s.Run)
	}
	reqs := StatusOf(&plan, s).Requirements
	if !reqs[0].Proven || reqs[1].Proven {
		t.Errorf("got %+v; want R1 proven and R2 not", reqs)
	}
}

func TestClaimsAreHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := twoTasks()
	plan.Phases[0].Tasks = plan.Phases[0].Tasks[:1]
	plan.Requirements = plan.Requirements[:1]
	plan.Phases[0].Tasks[0].Writes = []string{"sub/**"}
	var told string
	w.answer = func(req agent.Request) (agent.Message, error) {
		if req.Schema != nil {
			raw, err := json.Marshal(plan)
			return agent.Say(agent.Assistant, string(raw)), err
		}
		last := req.Messages[len(req.Messages)-1]
		told += last.Blocks[len(last.Blocks)-1].Text
		return scripted(req)
	}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != FailedState || !strings.Contains(told, "E_PATH_NOT_IN_TASK") {
		t.Fatalf("got %v, %s, told %q", err, s.Run, told)
	}
}

func TestNextNeedsAndClaims(t *testing.T) {
	t.Parallel()
	plan := twoTasks()
	s := NewState()
	if got := Next(nil, s, 1); !reflect.DeepEqual(got, []Step{{Kind: StepPlan}}) {
		t.Errorf("without a plan: %v", got)
	}
	if got := Next(&plan, s, 4); !reflect.DeepEqual(got, []Step{{StepTask, "one.a"}}) {
		t.Errorf("at the start: %v", got)
	}
	s.Tasks["one.a"] = &TaskState{ID: "one.a", State: TaskIsFail}
	if got := Next(&plan, s, 4); !reflect.DeepEqual(got, []Step{{Kind: StepFinish}}) {
		t.Errorf("after a failure: %v", got)
	}
	if got := Standings(&plan, s)["one.b"]; got != TaskBlocked {
		t.Errorf("one.b is %s", got)
	}
}

func TestFailedBuildCanBeResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(req agent.Request) (agent.Message, error) {
		if req.Schema != nil {
			return scripted(req)
		}
		return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{use("1", "blocked", map[string]string{"reason": "not today", "evidence": "the clock"})}}, nil
	}
	if s, err := w.run(t, budget.Caps{USD: budget.Dollar}); err != nil || s.Run != FailedState {
		t.Fatalf("got %v", err)
	}
	wr, err := OpenWriter(t.Context(), w.journal, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Reopen(t.Context(), wr); n != 1 || err != nil {
		t.Fatalf("got %d, %v", n, err)
	}
	if err := wr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.answer = scripted
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || s.Task("one.a").Attempts != 2 {
		t.Fatalf("got %v, %s, %+v", err, s.Run, s.Task("one.a"))
	}
}
