package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// amnesiac is a journal that keeps the n-th append and whose process dies before it hears of it:
// the record is durable, nothing that follows it was done.
type amnesiac struct {
	checkpoint.Journal
	left int
}

func (d *amnesiac) Append(ctx context.Context, last uint64, recs []checkpoint.Record) (uint64, error) {
	if d.left < 0 {
		return 0, errCrash
	}
	d.left--
	end, err := d.Journal.Append(ctx, last, recs)
	if err == nil && d.left < 0 {
		return 0, errCrash
	}
	return end, err
}

func (d *amnesiac) Save(ctx context.Context, s checkpoint.Snapshot) error {
	if d.left < 0 {
		return errCrash
	}
	return d.Journal.Save(ctx, s)
}

// hardPlan has a setup step, a task that needs two attempts, and one that is blocked.
func hardPlan() planner.Plan {
	p := twoTasks()
	p.Setup = []planner.Setup{{Run: []string{"fetch"}, Inputs: []string{"a.txt"}}}
	p.Requirements = append(p.Requirements, planner.Requirement{ID: "R3", Text: "c"})
	p.Gates = append(p.Gates, planner.Gate{ID: "c", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "c.txt", Contains: []string{"good"}}}})
	p.Phases[0].Tasks = append(p.Phases[0].Tasks, planner.Task{ID: "one.c", Title: "Make c", Covers: []planner.RequirementID{"R3"}, Gates: []planner.GateID{"c"}})
	return p
}

// hard answers hardPlan: every question fails on its first send, one.a gives up its first attempt
// without a call, one.c is blocked. It is a pure function of the question but for the failures,
// which are of a provider and not of a conversation.
func hard(sent *counter) func(agent.Request) (agent.Message, error) {
	return func(req agent.Request) (agent.Message, error) {
		raw, err := json.Marshal(req.Messages)
		if err != nil {
			return agent.Message{}, err
		}
		key := fmt.Sprintf("%x", len(raw)) + string(raw[:min(len(raw), 200)])
		sent.add(key)
		if sent.n[key] == 1 {
			return agent.Message{}, &agent.Failure{Class: agent.Retry, Status: 529, Type: "overloaded_error"}
		}
		first := req.Messages[0].Words()
		switch {
		case req.Schema != nil:
			p, err := json.Marshal(hardPlan())
			return agent.Say(agent.Assistant, string(p)), err
		case strings.Contains(first, `<task id="one.c">`):
			return agent.Message{Role: agent.Assistant, Blocks: []agent.Block{use("1", "blocked", map[string]string{"reason": "no c here", "evidence": "none"})}}, nil
		case strings.Contains(first, `<task id="one.a">`) && !strings.Contains(first, "<last_failure>"):
			return agent.Say(agent.Assistant, "I would rather talk."), nil
		}
		return scripted(req)
	}
}

// Laws L1, L2, L4, L6, L9 under what goes wrong: failing sends, a second attempt, setup steps, a
// blocked task; killed before any append, and killed after any append before anybody hears of it.
func TestCrashAroundEveryAppendOfAHardBuild(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) *world {
		w := newWorld(t)
		w.answer = hard(&counter{})
		return w
	}
	whole := start(t)
	want, err := whole.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || want.Run != FailedState || want.Task("one.a").Attempts != 2 || want.Task("one.c").State != TaskIsFail || len(whole.repo.commits) != 2 {
		t.Fatalf("the whole build: %v, %s, %+v, %d commits", err, want.Run, want.Task("one.a"), len(whole.repo.commits))
	}
	for name, dying := range map[string]func(checkpoint.Journal, int) checkpoint.Journal{
		"before": func(j checkpoint.Journal, n int) checkpoint.Journal { return &dyingJournal{Journal: j, left: n} },
		"after":  func(j checkpoint.Journal, n int) checkpoint.Journal { return &amnesiac{Journal: j, left: n} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 0; ; n++ {
				w := start(t)
				real := w.journal
				w.journal = dying(real, n)
				_, err := w.run(t, budget.Caps{USD: budget.Dollar})
				if err == nil {
					if n < 60 {
						t.Fatalf("a build with only %d appends", n)
					}
					return
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("crash %d: got %v", n, err)
				}
				w.journal = real
				s, err := w.run(t, budget.Caps{USD: budget.Dollar})
				if err != nil {
					t.Fatalf("crash %d: resume: %v", n, err)
				}
				if s.Run != FailedState || w.repo.folder.ID() != whole.repo.folder.ID() || len(w.repo.commits) != 2 || s.Task("one.a").Attempts != 2 {
					t.Fatalf("crash %d: %s, %d commits, %+v", n, s.Run, len(w.repo.commits), s.Task("one.a"))
				}
				if a := s.Guard.Account(budget.Build); a.Spent+a.Unknown < want.Guard.Account(budget.Build).Spent || a.Held != 0 || len(s.Guard.Lost) > 1 || s.Repeats != int64(len(s.Guard.Lost)) {
					t.Fatalf("crash %d: account %+v, %d lost, %d repeats", n, a, len(s.Guard.Lost), s.Repeats)
				}
				refold(t, real, s)
			}
		})
	}
}

// A planning whose questions have changed, as by a newer builder, closes its attempt and begins a
// new one; it is never refused for ever.
func TestChangedPlanningBeginsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	real := w.journal
	w.journal = &dyingJournal{Journal: real, left: 3}
	if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	w.journal = real
	w.set.Effort = "high"
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || s.Task(planner.PlanTask).Attempts != 2 {
		t.Fatalf("got %v, %s, %+v", err, s.Run, s.Task(planner.PlanTask))
	}
	refold(t, real, s)
}

// Law L4: a branch that somebody moved is found before the next task costs anything.
func TestMovedBranchIsFoundBeforeMoneyIsSpent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer = func(req agent.Request) (agent.Message, error) {
		if req.Schema == nil && strings.Contains(req.Messages[0].Words(), "one.b") {
			return agent.Message{}, errors.New("one.b was asked for")
		}
		return scripted(req)
	}
	w.moves = func() { w.repo.head = "somebody else's" }
	_, err := w.run(t, budget.Caps{USD: budget.Dollar})
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeDiverged {
		t.Fatalf("got %v", err)
	}
}

// A repository that has commits already is built on, not paid for and then found in the way.
func TestFirstTaskStartsWhereTheBranchIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, err := w.blobs.Put(t.Context(), []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	w.repo.head, w.repo.tree = "old", Manifest{{Path: "old.txt", Mode: ModeFile, Blob: h, Size: 3}}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || len(w.repo.commits) != 2 || s.Task("one.a").Base != "old" {
		t.Fatalf("got %v, %+v", err, s)
	}
	if _, ok := w.repo.folder.Find("old.txt"); !ok {
		t.Error("the file that was there is gone")
	}
}

// A disk below the floor pauses the build before a call is paid for, and names the command that goes on.
func TestFullDiskPausesBeforeTheCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.free = 1 << 20
	_, err := w.run(t, budget.Caps{USD: budget.Dollar})
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeDisk || !strings.Contains(pause.Reason.Hint, "builder resume") || len(w.sent.n) != 0 {
		t.Fatalf("got %v, %d sent", err, len(w.sent.n))
	}
	w.free = 1 << 40
	if s, err := w.run(t, budget.Caps{USD: budget.Dollar}); err != nil || s.Run != DoneState {
		t.Fatalf("got %v", err)
	}
}

// What a call breaks because a person stopped the build is a stop, not a bug.
func TestStopIsNoFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	wr, err := OpenWriter(t.Context(), &checkpoint.Memory{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel(ErrInterrupted)
	e := &Engine{Writer: wr, Again: "builder resume /x"}
	err = e.pause(ctx, fmt.Errorf("keep blob: %w", context.Canceled))
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeInterrupted || pause.Reason.Hint != "go on with: builder resume /x" {
		t.Errorf("got %v", err)
	}
	if err := e.pause(ctx, checkpoint.ErrPoisoned); errors.As(err, &pause) && pause.Err == checkpoint.ErrPoisoned || !errors.Is(err, checkpoint.ErrPoisoned) {
		t.Errorf("a failing store became %v", err)
	}
	if err := wr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Law L4: what a killed call left in the scratch tree, and no record tells of, is gone before the
// attempt goes on.
func TestCrashLeavesNothingUnrecorded(t *testing.T) {
	t.Parallel()
	strays := 0
	for n := 0; ; n++ {
		w := newWorld(t)
		real := w.journal
		w.journal = &dyingJournal{Journal: real, left: n}
		if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err == nil {
			break
		}
		w.journal = real
		dir := filepath.Join(w.scratch, "one.a.1")
		if _, err := os.Lstat(dir); err == nil {
			strays++
			if err := os.WriteFile(filepath.Join(dir, "stray.txt"), []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState {
			t.Fatalf("crash %d: %v, %s", n, err, s.Run)
		}
		if _, there := w.repo.tree.Find("stray.txt"); there {
			t.Errorf("crash %d: what no record tells of was committed", n)
		}
	}
	if strays < 5 {
		t.Errorf("only %d crashes left a tree", strays)
	}
}

// Law L4: a call that leaves what has no manifest is undone, so that a crash after it loses nothing
// that the transcript tells of.
func TestUnrecordableCallIsUndone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	wr, err := OpenWriter(t.Context(), w.journal, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := wr.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	trees := &pickyTrees{dirTrees{w.blobs}}
	b := newBench(writeTools{dir, w.tools}, Door{Writer: wr, Blobs: w.blobs}, trees, &attempt{build: "b-1", task: "t", number: 1}, dir, "", 0)
	call := func(path string) agent.ToolResult {
		raw, err := json.Marshal(map[string]string{"path": path, "content": "x"})
		if err != nil {
			t.Fatal(err)
		}
		res, err := b.Call(t.Context(), agent.ToolCall{Name: "write_file", Input: raw})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := call("good.txt"); res.Error {
		t.Fatalf("got %+v", res)
	}
	before := b.tree
	if res := call("bad.txt"); !res.Error || !strings.Contains(res.Text, "undone") {
		t.Errorf("got %+v", res)
	}
	if _, err := os.Stat(filepath.Join(dir, "bad.txt")); !os.IsNotExist(err) || b.tree != before {
		t.Errorf("the scratch tree is not as it was recorded: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "good.txt")); err != nil {
		t.Error(err)
	}
}

// pickyTrees take no file named bad.txt.
type pickyTrees struct{ dirTrees }

func (p *pickyTrees) Scan(ctx context.Context, dir string) (Manifest, error) {
	m, err := p.dirTrees.Scan(ctx, dir)
	if slices.ContainsFunc(m, func(e Entry) bool { return filepath.Base(e.Path) == "bad.txt" }) && err == nil {
		return nil, &TreeProblem{Path: "bad.txt", What: "not wanted"}
	}
	return m, err
}

func (p *pickyTrees) Rescan(ctx context.Context, dir string, base Manifest, paths []string, store bool) (Manifest, bool, error) {
	if slices.Contains(paths, "bad.txt") {
		return nil, false, nil
	}
	return p.dirTrees.Rescan(ctx, dir, base, paths, store)
}

// What a planning model was told of the machine stays with its attempt: another machine, or newer
// tools, ask the same questions and pay for none again.
func TestPlanningKeepsItsFacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	real := w.journal
	w.journal = &dyingJournal{Journal: real, left: 3}
	w.facts = "go 1.26.8"
	w.answer = func(req agent.Request) (agent.Message, error) {
		if asked := req.Messages[0].Words(); req.Schema != nil && asked != "plan it go 1.26.8" {
			t.Errorf("asked %q", asked)
		}
		return scripted(req)
	}
	if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); !errors.Is(err, errCrash) {
		t.Fatalf("got %v", err)
	}
	w.journal, w.facts = real, "go 1.27.0"
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState || s.Task(planner.PlanTask).Attempts != 1 {
		t.Fatalf("got %v, %s, %+v", err, s.Run, s.Task(planner.PlanTask))
	}
}

// What a tool's result was shortened from is kept for people, is found by an audit, and is nothing
// that a model is told.
func TestFullOutputIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err != nil {
		t.Fatal(err)
	}
	kept, audit := 0, NewAudit()
	err := w.journal.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		f, err := Decode(e.Kind, e.Payload)
		if err != nil {
			return err
		}
		if done, ok := f.(EffectFinished); ok && done.Name == "look" {
			raw, err := w.blobs.Get(t.Context(), done.Full)
			if err != nil || string(raw) != "nothing at all to see" || strings.Contains(string(done.Result), "at all") {
				t.Errorf("kept %q beside %s: %v", raw, done.Result, err)
			}
			kept++
		}
		return audit.Add(e)
	})
	if err != nil || kept == 0 || !slices.Contains(audit.Blobs(), checkpoint.HashOf([]byte("nothing at all to see"))) {
		t.Errorf("%v, %d kept, audited %v", err, kept, audit.Blobs())
	}
}
