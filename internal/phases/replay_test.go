package phases

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// replay runs a world's build again, in a repository of its own, with a model that answers nothing new.
func (w *world) replay(t *testing.T) (ReplayReport, *memRepo) {
	t.Helper()
	repo := &memRepo{}
	if w.from != nil {
		repo.head, repo.tree = w.from.head, w.from.tree
	}
	r := Replay{Engine: &Engine{
		Blobs: w.blobs, Trees: dirTrees{w.blobs}, Repo: repo, Gates: w.gates, Bench: w.bench, Scratch: t.TempDir(), Set: w.set,
		Model: ledgerModel{sent: &counter{}}, Spec: &planner.Spec{Text: "a spec", Path: "spec.md"},
		Draft: func(ctx context.Context, a planner.Asker, _ *planner.Spec, facts string) (*planner.Plan, error) {
			return draft(ctx, a, facts)
		},
	}}
	if w.bench == nil {
		r.Engine.Bench = writeBench{w.tools}
	}
	if w.check != nil {
		r.Engine.Gates = w.check
	}
	rep, err := r.Run(t.Context(), w.journal)
	if err != nil {
		t.Fatal(err)
	}
	return rep, repo
}

// A build runs again from its journal alone: the same candidates, merges and commits come out, whatever
// ran side by side, was killed, came back from a merge or failed before; nothing is asked.
func TestReplayGivesTheSameCommits(t *testing.T) {
	t.Parallel()
	for _, kill := range []int{-1, 20, 45} {
		synctest.Test(t, func(t *testing.T) {
			w, _ := wideWorld(t, 7, 4, widely)
			real := w.journal
			if kill >= 0 {
				w.journal = &dyingJournal{Journal: real, left: kill}
				if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err == nil {
					t.Fatal("it was not killed")
				}
				w.journal = real
			}
			if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err != nil {
				t.Fatal(err)
			}
			same(t, w)
		})
	}
	synctest.Test(t, func(t *testing.T) { // with a plan that a model made, and attempts that were mended
		w := newWorld(t)
		if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err != nil {
			t.Fatal(err)
		}
		same(t, w)
	})
	synctest.Test(t, func(t *testing.T) {
		w := conflicting(t)
		if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err != nil {
			t.Fatal(err)
		}
		same(t, w)
	})
}

func same(t *testing.T, w *world) {
	t.Helper()
	rep, repo := w.replay(t)
	if len(rep.Problems) > 0 || len(rep.Notes) > 0 || rep.Head != w.repo.head || rep.Commits != len(w.repo.commits) {
		t.Errorf("got %+v, want head %s", rep, w.repo.head)
	}
	if repo.tree.ID() != w.repo.tree.ID() {
		t.Error("another tree")
	}
}

// What does not come out as it was recorded is a problem: here a candidate's content was changed in
// the blobs, and a gate shows red what it showed green.
func TestReplayTellsWhatCameOutOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.run(t, budget.Caps{USD: budget.Dollar}); err != nil {
		t.Fatal(err)
	}
	w.check = redGates{w.gates}
	rep, _ := w.replay(t)
	if len(rep.Problems) != 1 || !strings.Contains(rep.Problems[0], "one.a attempt 1") {
		t.Errorf("got %+v", rep)
	}
}

// redGates fail whatever they look at.
type redGates struct{ Gates }

func (redGates) Run(context.Context, GateRun) (GateReport, error) {
	return GateReport{Exit: 1, Short: "red", Feedback: "red", Signature: "red"}, nil
}
