package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
)

// streetSpec asks for five files; the tasks of streetPlan make a diamond of four, and one beside it.
const streetSpec = `# Street

## Rules
- The file base.txt names the street.
- The file left.txt lists the houses on the left.
- The file right.txt lists the houses on the right.
- The file top.txt counts all the houses.
- The file side.txt says who sweeps.
`

func streetPlan(t *testing.T) *planner.Plan {
	t.Helper()
	spec, err := markdown.Parse("spec.md", []byte(streetSpec))
	if err != nil {
		t.Fatal(err)
	}
	p := &planner.Plan{
		Version: planner.PlanVersion, Spec: planner.SpecRef{Path: "spec.md", SHA256: spec.SHA256},
		Project: planner.Project{Name: "street", Type: planner.Other, Stack: []string{"text"}}, Requirements: spec.Requirements,
		Phases: []planner.Phase{{ID: "s"}},
	}
	for i, name := range []string{"base", "left", "right", "top", "side"} {
		task := planner.Task{
			ID: planner.TaskID("s." + name), Title: "Write " + name, Goal: "write " + name + ".txt with: old " + name,
			Covers: []planner.RequirementID{spec.Requirements[i].ID}, Gates: []planner.GateID{planner.GateID(name)}, Writes: []string{name + ".txt"},
		}
		switch name {
		case "left", "right":
			task.Needs = []planner.TaskID{"s.base"}
		case "top":
			task.Needs = []planner.TaskID{"s.left", "s.right"}
		}
		p.Phases[0].Tasks = append(p.Phases[0].Tasks, task)
		p.Gates = append(p.Gates, streetGate(name, "old "+name))
	}
	return p
}

func streetGate(name, word string) planner.Gate {
	return planner.Gate{ID: planner.GateID(name), Kind: planner.GateFile, Files: []planner.FileCheck{{Path: name + ".txt", Contains: []string{word}}}}
}

// street plays an agent that writes what its goal says, and a planning model that answers with revised.
func street(revised func() string) func(int, agenttest.Request) agenttest.Turn {
	return func(_ int, req agenttest.Request) agenttest.Turn {
		if req.Planning() {
			return agenttest.Say(revised())
		}
		said := req.Said()
		at := strings.LastIndex(said, "write ")
		_, goal, ok := strings.Cut(said[strings.Index(said, `<task id="`):], "\nwrite ")
		if !ok || at < 0 {
			return agenttest.Say("what is to be written?")
		}
		file, rest, _ := strings.Cut(goal, " with: ")
		text, _, _ := strings.Cut(rest, "\n")
		return agenttest.Use(agenttest.Write(file, text+"\n"), agenttest.Finish("wrote "+file))
	}
}

func newStreet(t *testing.T, revised func() string) *site {
	t.Helper()
	s := newSite(t, street(revised))
	s.file("spec.md", streetSpec)
	s.usePlan(streetPlan(t))
	return s
}

func commitsOf(st phases.Status) map[planner.TaskID]string {
	out := map[planner.TaskID]string{}
	for _, t := range st.Tasks {
		if t.ID != planner.PlanTask {
			out[t.ID] = t.Commit
		}
	}
	return out
}

func (s *site) keepsCommits(before map[planner.TaskID]string, again ...planner.TaskID) phases.Status {
	s.t.Helper()
	st := s.status("app")
	redo := map[planner.TaskID]bool{}
	for _, id := range again {
		redo[id] = true
	}
	for id, commit := range commitsOf(st) {
		if was, ok := before[id]; ok && (was != commit) != redo[id] {
			s.t.Errorf("%s: commit %.10s, was %.10s, done again is to be %v", id, commit, was, redo[id])
		}
	}
	for _, r := range st.Requirements {
		if !r.Proven {
			s.t.Errorf("%s is not proven: %+v", r.ID, r)
		}
	}
	if st.State != phases.DoneState {
		s.t.Errorf("the build is %s", st.State)
	}
	return st
}

// One requirement edited in a finished build of many tasks: the planning model amends the plan, its
// closure runs again, the others keep their commit ids, and nothing else is asked.
func TestOneRequirementOfMany(t *testing.T) {
	t.Parallel()
	var answer string
	s := newStreet(t, func() string { return answer })
	s.wants(0, s.args()...)
	before, calls := commitsOf(s.status("app")), len(s.srv.Requests())
	s.file("spec.md", strings.Replace(streetSpec, "the houses on the left", "the houses and gardens on the left", 1))
	out := s.wants(2, "resume", "app")
	has(t, out, "E_SPEC_CHANGED", "changed  R2", "task s.left (done)", "task s.top (done): it needs s.left", "3 done task(s) stay")
	if len(s.srv.Requests()) != calls {
		t.Error("a call was made before the user said so")
	}
	raw, err := json.Marshal(map[string]any{
		"project": map[string]any{"name": "street", "type": "other", "summary": "", "stack": []string{"text"}}, "setup": []any{}, "shared": []any{},
		"phases": []planner.Phase{{ID: "s", Tasks: []planner.Task{{
			ID: "s.left", Title: "Write left", Goal: "write left.txt with: old left and gardens", Covers: []planner.RequirementID{"R2"},
			Needs: []planner.TaskID{"s.base"}, Gates: []planner.GateID{"left"}, Writes: []string{"left.txt"},
		}}}},
		"gates": []planner.Gate{streetGate("left", "gardens")},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer = string(raw)
	out = s.wants(0, "resume", "app", "--accept-spec")
	has(t, out, "plan amended by model: done again: s.left, s.top, 0 new, 0 dropped")
	s.keepsCommits(before, "s.left", "s.top")
	if got := len(s.srv.Requests()) - calls; got != 3 {
		t.Errorf("%d calls, want one for the plan and one for each task", got)
	}
	if got := s.git("app", "show", "HEAD:left.txt"); got != "old left and gardens" {
		t.Errorf("left.txt is %q", got)
	}
	has(t, s.said(), "<changed>", "This task was done before, in commit "+before["s.left"][:10], "was: The file left.txt lists the houses on the left.")
	has(t, s.wants(0, "checkpoint", "verify", "app"), "commits found")
	s.wants(0, "replay", "app")
	has(t, s.wants(0, "resume", "app"), "done already")
}

// An edited plan is taken without a call: what is the same stays, what is new is done, what is gone is
// dropped; the plan's hash says that it is the same one.
func TestEditedPlan(t *testing.T) {
	t.Parallel()
	s := newStreet(t, nil)
	s.wants(0, s.args()...)
	before, calls := commitsOf(s.status("app")), len(s.srv.Requests())
	p := streetPlan(t)
	tasks := p.Phases[0].Tasks
	tasks[4].Goal = "write side.txt with: old side, on Fridays"
	p.Gates[4] = streetGate("side", "Fridays")
	p.Phases[0].Tasks = append(tasks, planner.Task{
		ID: "s.extra", Title: "Write extra", Goal: "write extra.txt with: more", Covers: []planner.RequirementID{"R4"}, Needs: []planner.TaskID{"s.top"},
		Gates: []planner.GateID{"extra"}, Writes: []string{"extra.txt"},
	})
	p.Gates = append(p.Gates, streetGate("extra", "more"))
	s.usePlan(p)
	has(t, s.wants(0, "resume", "app", "--plan", "plan.yaml", "--dry-run"), "task s.side (done)", "task s.extra (pending): it is new", "4 done task(s) stay")
	has(t, s.wants(0, "resume", "app", "--plan", "plan.yaml"), "plan amended by user: done again: s.side, 1 new, 0 dropped")
	s.keepsCommits(before, "s.side")
	if got := len(s.srv.Requests()) - calls; got != 2 {
		t.Errorf("%d calls", got)
	}
	has(t, s.wants(0, "resume", "app", "--plan", "plan.yaml"), "the plan is as it was", "done already")
	p.Phases[0].Tasks = p.Phases[0].Tasks[:4]
	s.usePlan(p)
	has(t, s.wants(2, "resume", "app", "--plan", "plan.yaml"), "E_PLAN_UNCOVERED")
}

// A build that is only paused takes a new spec too: what is done stays, what was to come is planned anew.
func TestSpecOfAPausedBuild(t *testing.T) {
	t.Parallel()
	var answer string
	s := stoppedStreet(t, func() string { return answer })
	before := commitsOf(s.status("app"))
	s.file("spec.md", strings.Replace(streetSpec, "- The file top.txt counts all the houses.\n", "", 1))
	has(t, s.wants(2, "resume", "app"), "removed  R4", "task s.top (pending)")
	answer = `{"project":{"name":"street","type":"other","summary":"","stack":["text"]},"setup":[],"phases":[],"shared":[],"gates":[]}`
	has(t, s.wants(0, "resume", "app", "--accept-spec"), "0 new, 1 dropped")
	for id, commit := range commitsOf(s.status("app")) {
		if before[id] != "" && before[id] != commit {
			t.Errorf("%s was done again", id)
		}
	}
	if s.exists("app/top.txt") || !s.exists("app/side.txt") {
		t.Error("the wrong tasks ran")
	}
}

// Without a difference in what is built nothing is asked and nothing is done again.
func TestSpecIsElsewhere(t *testing.T) {
	t.Parallel()
	s := newStreet(t, nil)
	s.wants(0, s.args()...)
	s.file("other/spec2.md", streetSpec)
	has(t, s.wants(0, "resume", "app", "--spec", "other/spec2.md"), "done already")
	s.file("other/spec2.md", streetSpec+"- The file bins.txt says when bins are emptied.\n")
	has(t, s.wants(2, "resume", "app", "--spec", "other/spec2.md"), "added    R6", "--spec other/spec2.md --accept-spec")
	has(t, s.wants(2, "resume", "app", "--accept-spec", "--keep-spec"), "E_USAGE")
	has(t, s.wants(0, "resume", "app", "--spec", "other/spec2.md", "--keep-spec"), "spec kept")
	var v changeView
	out, code := s.run("resume", "app", "--spec", "other/spec2.md", "--dry-run", "--json")
	if code != 0 || json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &v) != nil || len(v.Difference.Requirements) != 1 || len(v.Kept) != 5 || v.Estimate == nil {
		t.Errorf("exit %d: %s", code, out)
	}
	if v.Estimate != nil && v.Estimate.Total.Likely.Calls < 1 {
		t.Error(fmt.Sprint("a new requirement costs nothing: ", v.Estimate.Total))
	}
}
