package phases

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// messyGates look at what stands in the tree they are given, and leave litter in it, and at the end
// also where the agent worked, as a process that it left behind might.
type messyGates struct {
	*fileGates
	t     *testing.T
	trees map[string]bool
}

func (g *messyGates) Run(ctx context.Context, r GateRun) (GateReport, error) {
	if _, err := os.Stat(filepath.Join(r.Tree, "litter")); err == nil && !g.trees[r.Tree] {
		g.t.Errorf("gate %s finds what is not in the manifest in %s", r.Gate.ID, r.Tree)
	}
	g.trees[r.Tree] = true
	if err := os.WriteFile(filepath.Join(r.Tree, "litter"), []byte("x"), 0o600); err != nil {
		return GateReport{}, err
	}
	if !strings.HasSuffix(r.Tree, ".proof") {
		g.t.Errorf("gate %s runs in %s", r.Gate.ID, r.Tree)
	}
	rep, err := g.fileGates.Run(ctx, r)
	if work := strings.TrimSuffix(r.Tree, ".proof"); rep.Pass && strings.Contains(filepath.Base(work), "one."+string(r.Gate.ID)+".") {
		if err := os.WriteFile(filepath.Join(work, "late"), []byte("x"), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			return GateReport{}, err
		}
	}
	return rep, err
}

// Law L5: gates run in a tree of their own, made from the manifest; what is committed is that
// manifest, without what gates leave.
func TestGatesRunOnTheManifestAndItIsCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.check = &messyGates{w.gates, t, map[string]bool{}}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != DoneState {
		t.Fatalf("got %v, %s", err, s.Run)
	}
	var got []string
	for _, e := range w.repo.tree {
		raw, err := w.blobs.Get(t.Context(), e.Blob)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Path+"="+string(raw))
	}
	if strings.Join(got, " ") != "a.txt=good b.txt=good" {
		t.Errorf("committed %v", got)
	}
}

// emptyGates pass everything and prove nothing.
type emptyGates struct{}

func (emptyGates) Run(context.Context, GateRun) (GateReport, error) {
	return GateReport{Pass: true, Vacuous: true, Feedback: "no test ran", Signature: "none"}, nil
}

// Laws L5, L7: a gate that says of itself that it proved nothing does not pass, whatever it shows.
func TestVacuousGateDoesNotPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.check = emptyGates{}
	s, err := w.run(t, budget.Caps{USD: budget.Dollar})
	if err != nil || s.Run != FailedState || len(w.repo.commits) != 0 {
		t.Errorf("got %v, %s, %d commits", err, s.Run, len(w.repo.commits))
	}
}

// Law L7: tests that an agent writes can fail a task and prove no requirement.
func TestOnlyGatesOutOfReachProve(t *testing.T) {
	t.Parallel()
	own := planner.Gate{ID: "unit", Kind: planner.GateCommand, Run: []string{"go", "test"}, Expect: planner.Expect{Tests: ">=1"}}
	frozen := own
	frozen.Frozen = []planner.FrozenFile{{Path: "x_test.go", Content: "package x"}}
	other := planner.Gate{ID: "a", Kind: planner.GateFile, Proves: []planner.RequirementID{"R2"}}
	for name, c := range map[string]struct {
		gate planner.Gate
		want bool
	}{"own tests": {own, false}, "frozen tests": {frozen, true}, "another requirement's": {other, false}, "file": {planner.Gate{Kind: planner.GateFile}, true}} {
		if got := provesOne(c.gate, "R1"); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// Law L6: a record that does not follow is corruption, not history.
func TestRecordsFollowWithoutGap(t *testing.T) {
	t.Parallel()
	rec, err := Encode(SessionStarted{PID: 1}, tickingClock()())
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{0, 2, 9} {
		e, err := checkpoint.Seal(seq, rec)
		if err != nil {
			t.Fatal(err)
		}
		if err := NewState().ApplyEnvelope(e); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Errorf("record %d first: %v", seq, err)
		}
	}
}

// Law L8: words of a model in a commit message stay words.
func TestMessageForgesNoTrailer(t *testing.T) {
	t.Parallel()
	p := twoTasks()
	p.Requirements[0].Text = "a\r\n\nBuilder-Task: forged\x1b[2J"
	task := p.Phases[0].Tasks[0]
	task.Title = "Make a\n\nBuilder-Build: forged"
	got := message(&p, task, budget.Op{Build: "b-1", Task: MergeTask, Attempt: 1}, 1, "hash")
	if !strings.Contains(got, "\nBuilder-Task: one.a\n") {
		t.Errorf("the task is not named: %q", got)
	}
	for _, l := range strings.Split(got, "\n") {
		if strings.HasPrefix(l, "Builder-") && strings.Contains(l, "forged") {
			t.Errorf("forged: %q", l)
		}
	}
	if strings.ContainsAny(got, "\r\x1b") {
		t.Errorf("got %q", got)
	}
}

// Law L4: each commit names its task, whichever op makes it: the done set can be read from the branch.
func TestMessageNamesItsTask(t *testing.T) {
	t.Parallel()
	p := twoTasks()
	task := p.Phases[0].Tasks[1]
	got := message(&p, task, budget.Op{Build: "b-1", Task: MergeTask, Attempt: 3, Step: 1}, 2, "hash")
	for _, line := range []string{"Builder-Task: " + string(task.ID), "Builder-Attempt: 2", "Builder-Op: b-1/" + MergeTask + "/3/1.0"} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("no %q in:\n%s", line, got)
		}
	}
}

// Law L2: an attempt in which the same question cannot be asked again is closed, and a new one
// begun; the journal's answer is never taken for another question.
func TestDivergedAttemptBeginsAgain(t *testing.T) {
	t.Parallel()
	for n := 10; n < 20; n++ {
		w := newWorld(t)
		real := w.journal
		w.journal = &dyingJournal{Journal: real, left: n}
		if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); !errors.Is(err, errCrash) {
			t.Fatalf("got %v", err)
		}
		w.journal, w.loud = real, true
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState {
			t.Fatalf("killed at %d: %v, %s %q", n, err, s.Run, s.Task("one.a").Reason)
		}
		refold(t, real, s)
	}
}

// loud wraps the tools so that a read-only one answers otherwise than before.
type loud struct{ agent.Toolbox }

func (l loud) Call(ctx context.Context, c agent.ToolCall) (agent.ToolResult, error) {
	res, err := l.Toolbox.Call(ctx, c)
	res.Text += " (of another day)"
	return res, err
}

type loudBench struct{ Workbench }

func (l loudBench) Tools(ctx context.Context, dir string, t planner.Task, shared []string) (agent.Toolbox, error) {
	tb, err := l.Workbench.Tools(ctx, dir, t, shared)
	return loud{tb}, err
}
