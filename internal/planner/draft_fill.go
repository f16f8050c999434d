package planner

import (
	"slices"
	"strings"
)

// newPlan is a plan of spec without tasks.
func newPlan(spec *Spec) *Plan {
	return &Plan{
		Version: PlanVersion,
		Spec:    SpecRef{Path: spec.Path, SHA256: spec.SHA256},
		Project: spec.Project,
	}
}

// with gives a copy of p with the tasks of an answer for one part of the spec. Of gates that the
// spec gives, the answer fills in only what the spec leaves open.
func (p *Plan) with(a answer, part specPart) *Plan {
	q := *p
	q.Requirements = append(slices.Clip(p.Requirements), part.requirements...)
	q.fillProject(a.Project)
	for _, s := range a.Setup {
		if !slices.ContainsFunc(q.Setup, func(o Setup) bool { return slices.Equal(o.Run, s.Run) }) {
			q.Setup = append(slices.Clip(q.Setup), s)
		}
	}
	for _, s := range a.Shared {
		if !slices.Contains(q.Shared, s) {
			q.Shared = append(slices.Clip(q.Shared), s)
		}
	}
	q.Phases = append(slices.Clip(p.Phases), a.Phases...)
	q.Gates = slices.Clone(p.Gates)
	for _, g := range part.acceptance {
		if i := slices.IndexFunc(a.Gates, func(o Gate) bool { return o.ID == g.ID }); i >= 0 && len(g.Start) == 0 && g.Kind == GateHTTP {
			g.Start, g.Ready = a.Gates[i].Start, a.Gates[i].Ready
		}
		q.Gates = append(q.Gates, g)
	}
	for _, g := range a.Gates {
		if !isAcceptance(g.ID) {
			g.Network = "" // a model grants no network
			q.Gates = append(q.Gates, g)
		}
	}
	q.Phases = q.needFirst(len(p.Phases))
	q.acceptLast(len(p.Phases))
	return &q
}

// fillProject takes what the spec leaves open: the summary, the stack, and a type it does not tell.
func (p *Plan) fillProject(a Project) {
	if p.Project.Type == Other && a.Type.Valid() {
		p.Project.Type = a.Type
	}
	if p.Project.Summary == "" {
		p.Project.Summary = a.Summary
	}
	if len(p.Project.Stack) == 0 {
		p.Project.Stack = a.Stack
	}
}

// needFirst makes tasks of later parts that need nothing need the plan's first task, which makes
// the tree they all build on. from is where the later parts' phases begin; in the first part, 0,
// nothing changes.
func (p *Plan) needFirst(from int) []Phase {
	tasks := p.Tasks()
	if from == 0 || len(tasks) == 0 {
		return p.Phases
	}
	first := tasks[0].ID
	phases := slices.Clone(p.Phases)
	for i := from; i < len(phases); i++ {
		phases[i].Tasks = slices.Clone(phases[i].Tasks)
		for j := range phases[i].Tasks {
			if t := &phases[i].Tasks[j]; len(t.Needs) == 0 {
				t.Needs = []TaskID{first}
			}
		}
	}
	return phases
}

// acceptLast makes tasks of later parts that run acceptance gates wait for all tasks of the parts
// before: those gates look at the whole program. from is where the later part's phases begin.
func (p *Plan) acceptLast(from int) {
	before := &Plan{Phases: p.Phases[:from]}
	g := newGraph(before)
	var ends []TaskID
	for i, t := range g.tasks {
		if len(g.feeds[i]) == 0 {
			ends = append(ends, t.ID)
		}
	}
	for i := from; i < len(p.Phases); i++ {
		for j := range p.Phases[i].Tasks {
			t := &p.Phases[i].Tasks[j]
			if !slices.ContainsFunc(t.Gates, isAcceptance) {
				continue
			}
			for _, id := range ends {
				if !slices.Contains(t.Needs, id) {
					t.Needs = append(slices.Clip(t.Needs), id)
				}
			}
		}
	}
}

// finish puts in what every plan has: default gates and shared files, a build before whatever runs
// its output, the folders that sessions run in, and the acceptance gates that no task runs yet at
// the end of the last task.
func (p *Plan) finish() {
	p.appendAcceptance()
	p.placeSessions()
	if p.usesGo() {
		p.buildFirst()
		p.defaultGates()
	}
	for _, s := range p.defaultShared() {
		if !slices.Contains(p.Shared, s) {
			p.Shared = append(slices.Clip(p.Shared), s)
		}
	}
}

// placeSessions lets sessions that run files of the tree run there.
func (p *Plan) placeSessions() {
	p.Gates = slices.Clone(p.Gates)
	for i := range p.Gates {
		if g := &p.Gates[i]; g.Kind == GateTranscript && g.Dir == "" && runsTreeFiles(g.Session) {
			g.Dir = "."
		}
	}
}

// usesGo says whether the program is written in Go, which is what no stack means.
func (p *Plan) usesGo() bool {
	return len(p.Project.Stack) == 0 || slices.ContainsFunc(p.Project.Stack, func(s string) bool {
		s = strings.ToLower(s)
		return s == "go" || s == "golang" || strings.HasPrefix(s, "go ")
	})
}

// defaultShared lists files that many tasks write in such a project.
func (p *Plan) defaultShared() []string {
	shared := []string{".gitignore", "README.md"}
	if p.usesGo() {
		return append([]string{"go.mod", "go.sum"}, shared...)
	}
	return shared
}

// defaultGates defines the gates build and unit where tasks name them and nobody defines them.
func (p *Plan) defaultGates() {
	for _, g := range []Gate{buildGate(), unitGate()} {
		named := slices.ContainsFunc(p.Tasks(), func(t Task) bool { return slices.Contains(t.Gates, g.ID) })
		if _, defined := p.Gate(g.ID); named && !defined {
			p.Gates = append(p.Gates, g)
		}
	}
}

// buildGate builds all programs of a Go tree into bin/.
func buildGate() Gate {
	return Gate{ID: "build", Kind: GateCommand, Title: "It builds", Run: []string{"go", "build", "-trimpath", "-o", "bin/", "./..."}}
}

// unitGate runs the tests of a Go tree and wants at least one to pass.
func unitGate() Gate {
	return Gate{ID: "unit", Kind: GateCommand, Title: "Its own tests pass", Run: []string{"go", "test", "-json", "./..."}, Expect: Expect{Tests: ">=1"}}
}

// buildFirst puts the build before the first gate of a task that runs a built program.
func (p *Plan) buildFirst() {
	p.eachTask(func(t *Task) {
		for i, id := range t.Gates {
			g, ok := p.Gate(id)
			if id == "build" || g.Kind == GateCommand && len(g.Run) > 1 && g.Run[0] == "go" && g.Run[1] == "build" {
				return
			}
			if !ok {
				continue
			}
			if g.Kind == GateTranscript || g.Kind == GateHTTP && len(g.Start) > 0 && strings.HasPrefix(g.Start[0], "bin/") {
				t.Gates = slices.Insert(slices.Clone(t.Gates), i, GateID("build"))
				return
			}
		}
	})
}

// appendAcceptance gives the last task the acceptance gates that no task runs. They look at the
// whole program, so it then waits for all tasks that do not wait for it.
func (p *Plan) appendAcceptance() {
	run := map[GateID]bool{}
	tasks := p.Tasks()
	for _, t := range tasks {
		for _, g := range t.Gates {
			run[g] = true
		}
	}
	var open []GateID
	for _, g := range p.Gates {
		if isAcceptance(g.ID) && !run[g.ID] {
			open = append(open, g.ID)
		}
	}
	if len(open) == 0 || len(tasks) == 0 {
		return
	}
	waitFor := othersBefore(newGraph(p), len(tasks)-1)
	n := len(tasks)
	p.eachTask(func(t *Task) {
		if n--; n > 0 {
			return
		}
		t.Gates = append(slices.Clone(t.Gates), open...)
		for _, id := range waitFor {
			if !slices.Contains(t.Needs, id) {
				t.Needs = append(slices.Clip(t.Needs), id)
			}
		}
	})
}

// othersBefore lists the tasks that feed none but those behind task n, and are not behind it
// themselves: waiting for them is waiting for all.
func othersBefore(g *graph, n int) []TaskID {
	behind := make([]bool, len(g.tasks))
	for todo := []int{n}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if behind[at] {
			continue
		}
		behind[at] = true
		todo = append(todo, g.feeds[at]...)
	}
	var out []TaskID
	for i, t := range g.tasks {
		if !behind[i] && !slices.ContainsFunc(g.feeds[i], func(f int) bool { return !behind[f] }) {
			out = append(out, t.ID)
		}
	}
	return out
}

// eachTask changes tasks in place, in phases of p's own.
func (p *Plan) eachTask(fn func(t *Task)) {
	p.Phases = slices.Clone(p.Phases)
	for i := range p.Phases {
		p.Phases[i].Tasks = slices.Clone(p.Phases[i].Tasks)
		for j := range p.Phases[i].Tasks {
			fn(&p.Phases[i].Tasks[j])
		}
	}
}
