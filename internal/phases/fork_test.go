package phases_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

func chainPlan(ids ...planner.TaskID) *planner.Plan {
	p := &planner.Plan{Phases: []planner.Phase{{ID: "p"}}}
	for i, id := range ids {
		t := planner.Task{ID: id, Title: string(id), Goal: "Do " + string(id) + ".", Gates: []planner.GateID{"g"}}
		if i > 0 {
			t.Needs = []planner.TaskID{ids[i-1]}
		}
		p.Phases[0].Tasks = append(p.Phases[0].Tasks, t)
	}
	p.Gates = []planner.Gate{{ID: "g", Kind: planner.GateFile, Files: []planner.FileCheck{{Path: "x"}}}}
	return p
}

// journalOfTasks is a build in which tasks were done one after the other, each for a call of its own.
func journalOfTasks(t *testing.T, ids ...planner.TaskID) checkpoint.Journal {
	t.Helper()
	facts := []phases.Fact{
		phases.BuildStarted{Build: "b-1", Model: "m", Provider: "p", Caps: budget.Caps{USD: 1000}},
		phases.PlanAccepted{Plan: "plan", Hash: "plan"},
	}
	for i, id := range ids {
		call := heldCall(i+1, 10, 10)
		call.Hold.Op.Task = string(id)
		done := settled(i+1, budget.Answered, 7)
		done.Op.Task = string(id)
		facts = append(facts,
			phases.TaskStarted{Task: id, Phase: "p", Tree: "base"}, phases.AttemptStarted{Task: id, Attempt: 1, Model: "m"}, call, done,
			phases.AttemptFinished{Task: id, Attempt: 1, Outcome: "accepted", Tree: checkpoint.Hash("tree-" + id), Summary: "did " + string(id)},
			phases.TaskDone{Task: id, Commit: strings.Repeat("a", 39) + string(rune('0'+i)), Tree: checkpoint.Hash("tree-" + id)})
	}
	j := &checkpoint.Memory{}
	var recs []checkpoint.Record
	for _, f := range facts {
		r, err := phases.Encode(f, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		recs = append(recs, r)
	}
	if _, err := j.Append(t.Context(), 0, recs); err != nil {
		t.Fatal(err)
	}
	return j
}

// What a fork shares is done, is not begun again, and has cost the new build nothing.
func TestForkShares(t *testing.T) {
	t.Parallel()
	plan := chainPlan("p.a", "p.b", "p.c")
	f, err := phases.ForkAt(t.Context(), journalOfTasks(t, "p.a", "p.b"), "p.a", plan, nil)
	if err != nil || len(f.Again) != 0 || len(f.Record.Tasks) != 1 || f.Record.Inherited[0].Spent != 7 || f.Record.Inherited[0].Calls != 1 {
		t.Fatalf("%v, %+v", err, f)
	}
	s := phases.NewState()
	for _, fact := range []phases.Fact{phases.BuildStarted{Build: "b-2", Caps: budget.Caps{USD: 5}}, phases.PlanAccepted{Plan: "plan", Hash: "plan"}, f.Record} {
		if err := s.Apply(fact, time.Unix(2, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if steps := phases.Next(plan, s, 8); len(steps) != 1 || steps[0].Task != "p.b" {
		t.Errorf("next %+v", steps)
	}
	task, used := s.Task("p.a"), s.Guard.Account(budget.Build)
	if used != (budget.Account{}) || task.From != "b-1" || task.Summary != "did p.a" || s.Head != f.Record.Commit || s.HeadTree != "tree-p.a" || s.Commits != 1 {
		t.Errorf("%+v, %+v", used, task)
	}
	if err := s.Apply(f.Record, time.Unix(3, 0)); err == nil {
		t.Error("a build was forked twice")
	}
}

// What the edited plan words otherwise is not shared, and neither is what was committed after it.
func TestForkOfAnEditedPlan(t *testing.T) {
	t.Parallel()
	ids := []planner.TaskID{"p.a", "p.b", "p.c"}
	for name, c := range map[string]struct {
		edit func(*planner.Plan)
		want int // tasks that are shared
	}{
		"same":            {func(*planner.Plan) {}, 3},
		"a goal":          {func(p *planner.Plan) { p.Phases[0].Tasks[1].Goal = "Else." }, 1},
		"a gate of all":   {func(p *planner.Plan) { p.Gates[0].Files[0].Path = "y" }, 0},
		"a task is gone":  {func(p *planner.Plan) { p.Phases[0].Tasks = slices.Delete(p.Phases[0].Tasks, 2, 3) }, 2},
		"a task is added": {func(p *planner.Plan) { p.Phases[0].Tasks = append(p.Phases[0].Tasks, planner.Task{ID: "p.d"}) }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edited := chainPlan(ids...)
			c.edit(edited)
			f, err := phases.ForkAt(t.Context(), journalOfTasks(t, ids...), "p.c", chainPlan(ids...), edited)
			if c.want == 0 {
				if !errors.Is(err, phases.ErrNoFork) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || len(f.Record.Tasks) != c.want || len(f.Again) != 3-c.want {
				t.Errorf("%v, %+v", err, f)
			}
		})
	}
	if _, err := phases.ForkAt(t.Context(), journalOfTasks(t, ids...), "p.z", chainPlan(ids...), nil); !errors.Is(err, phases.ErrNoFork) {
		t.Errorf("got %v", err)
	}
}
