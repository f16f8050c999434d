package planner

import (
	"fmt"
	"slices"
)

// Touched says which tasks of a plan an edited spec concerns at once, and why: those that cover a
// requirement that changed or is gone, and those with a gate that did; all of them when the project
// has another name or type. What is new concerns tasks that only a plan can name.
func (d Difference) Touched(p *Plan) map[TaskID][]string {
	out := map[TaskID][]string{}
	for _, t := range p.Tasks() {
		var why []string
		for _, what := range d.Project {
			why = append(why, "the project's "+what)
		}
		for _, c := range d.Requirements {
			if c.Change != Added && slices.Contains(t.Covers, c.ID()) {
				why = append(why, fmt.Sprintf("it covers %s, which was %s", c.ID(), c.Change))
			}
		}
		for _, c := range d.Acceptance {
			if c.Change != Added && slices.Contains(t.Gates, c.ID) {
				why = append(why, fmt.Sprintf("its gate %s was %s", c.ID, c.Change))
			}
		}
		if len(why) > 0 {
			out[t.ID] = why
		}
	}
	return out
}

// Closure lists the seeds and all tasks that need one of them, directly or through others, in plan
// order.
func (p *Plan) Closure(seeds map[TaskID]bool) []TaskID {
	g := newGraph(p)
	in := make([]bool, len(g.tasks))
	var todo []int
	for i, t := range g.tasks {
		if seeds[t.ID] {
			todo = append(todo, i)
		}
	}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !in[at] {
			in[at] = true
			todo = append(todo, g.feeds[at]...)
		}
	}
	var out []TaskID
	for i, t := range g.tasks {
		if in[i] {
			out = append(out, t.ID)
		}
	}
	return out
}

// Only gives the plan with nothing but some of its tasks: what an estimate of these is made from.
func (p *Plan) Only(ids []TaskID) *Plan {
	q := *p
	q.Phases = nil
	for _, ph := range p.Phases {
		ph.Tasks = slices.DeleteFunc(slices.Clone(ph.Tasks), func(t Task) bool { return !slices.Contains(ids, t.ID) })
		if len(ph.Tasks) > 0 {
			q.Phases = append(q.Phases, ph)
		}
	}
	return &q
}
