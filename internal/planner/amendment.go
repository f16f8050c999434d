package planner

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Amendment compares a plan with the one that takes its place. The rules are: a task is the same
// when its words, claims and gates are and it covers the same requirements, told by their texts; its
// estimate, its needs and the numbers of requirements are no part of that. What a task needs counts
// by what becomes of it: see Plan.Closure.
type Amendment struct {
	Changes map[TaskID][]string // of tasks in both plans that are not the same: what differs, for people and agents
	Added   []TaskID            // in the new plan's order
	Dropped []TaskID            // in the old plan's order

	old, next *Plan
	texts     map[string]RequirementID // of the new plan, by text
}

// Amend compares two plans.
func Amend(old, next *Plan) *Amendment {
	a := &Amendment{Changes: map[TaskID][]string{}, old: old, next: next, texts: map[string]RequirementID{}}
	for _, r := range next.Requirements {
		a.texts[folded(r.Text)] = r.ID
	}
	for _, t := range next.Tasks() {
		was, ok := old.Task(t.ID)
		if !ok {
			a.Added = append(a.Added, t.ID)
			continue
		}
		if what := a.differences(was, t); len(what) > 0 {
			a.Changes[t.ID] = what
		}
	}
	for _, t := range old.Tasks() {
		if _, ok := next.Task(t.ID); !ok {
			a.Dropped = append(a.Dropped, t.ID)
		}
	}
	return a
}

// differences lists what is not the same in a task of both plans.
func (a *Amendment) differences(was, t Task) []string {
	out := a.coverage(was, t)
	for _, f := range []struct{ name, was, is string }{
		{"title", was.Title, t.Title}, {"goal", was.Goal, t.Goal}, {"role", was.Role, t.Role},
	} {
		if folded(f.was) != folded(f.is) {
			out = append(out, fmt.Sprintf("Its %s is new. It was: %q", f.name, f.was))
		}
	}
	if !sameSet(was.Writes, t.Writes) {
		out = append(out, "What it may write is new.")
	}
	for _, id := range t.Gates {
		g, _ := a.next.Gate(id)
		o, ok := a.old.Gate(id)
		switch {
		case !slices.Contains(was.Gates, id) || !ok:
			out = append(out, fmt.Sprintf("Gate %s is new.", id))
		case !sameGate(o, g):
			out = append(out, fmt.Sprintf("Gate %s has changed.", id))
		}
	}
	for _, id := range was.Gates {
		if !slices.Contains(t.Gates, id) {
			out = append(out, fmt.Sprintf("Gate %s is gone.", id))
		}
	}
	return out
}

// coverage lists the requirements of a task that are not as they were.
func (a *Amendment) coverage(was, t Task) []string {
	before, after := a.old.covered(was), a.next.covered(t)
	var out []string
	for _, r := range after {
		if slices.ContainsFunc(before, func(o Requirement) bool { return folded(o.Text) == folded(r.Text) }) {
			continue
		}
		i := slices.IndexFunc(before, func(o Requirement) bool { return o.ID == r.ID })
		if i >= 0 && !a.still(before[i]) {
			out = append(out, fmt.Sprintf("%s has changed. It was: %q It is now: %q", r.ID, before[i].Text, r.Text))
		} else {
			out = append(out, fmt.Sprintf("%s is new to this task: %q", r.ID, r.Text))
		}
	}
	for _, o := range before {
		switch {
		case slices.ContainsFunc(after, func(r Requirement) bool { return folded(o.Text) == folded(r.Text) }):
		case a.still(o):
			out = append(out, fmt.Sprintf("%s is no longer this task's: %q", o.ID, o.Text))
		case !slices.ContainsFunc(after, func(r Requirement) bool { return r.ID == o.ID }):
			out = append(out, fmt.Sprintf("%s was removed. It was: %q", o.ID, o.Text))
		}
	}
	return out
}

// still says whether the new plan has a requirement with the same text.
func (a *Amendment) still(o Requirement) bool {
	_, ok := a.texts[folded(o.Text)]
	return ok
}

// covered are the requirements of a task.
func (p *Plan) covered(t Task) []Requirement {
	var out []Requirement
	for _, r := range p.Requirements {
		if slices.Contains(t.Covers, r.ID) {
			out = append(out, r)
		}
	}
	return out
}

// SameGates lists the gates of a task that are the same in both plans.
func (a *Amendment) SameGates(id TaskID) []GateID {
	was, _ := a.old.Task(id)
	t, _ := a.next.Task(id)
	var out []GateID
	for _, g := range t.Gates {
		o, ok := a.old.Gate(g)
		n, _ := a.next.Gate(g)
		if ok && slices.Contains(was.Gates, g) && sameGate(o, n) {
			out = append(out, g)
		}
	}
	return out
}

// SameRequirements gives the requirements that a task covers in both plans with the same text: the
// new plan's id by the old one's.
func (a *Amendment) SameRequirements(id TaskID) map[RequirementID]RequirementID {
	was, _ := a.old.Task(id)
	t, _ := a.next.Task(id)
	out := map[RequirementID]RequirementID{}
	for _, o := range a.old.covered(was) {
		if n, ok := a.texts[folded(o.Text)]; ok && slices.Contains(t.Covers, n) {
			out[o.ID] = n
		}
	}
	return out
}

// SameRun says whether a task that is going on can go on under the new plan: nothing that its
// records were made from differs.
func (a *Amendment) SameRun(id TaskID) bool {
	if len(a.Changes[id]) > 0 {
		return false
	}
	was, _ := a.old.Task(id)
	t, _ := a.next.Task(id)
	same := slices.Equal(was.Gates, t.Gates) && equalJSON(a.old.Setup, a.next.Setup)
	for _, g := range t.Gates {
		o, _ := a.old.Gate(g)
		n, _ := a.next.Gate(g)
		same = same && equalJSON(o, n)
	}
	return same
}

// sameGate says whether two gates check the same, wherever the spec has them. What a gate proves is
// the plan's word and is looked at where it counts.
func sameGate(a, b Gate) bool {
	a.Title, a.Source, a.Proves = "", "", nil
	b.Title, b.Source, b.Proves = "", "", nil
	return equalJSON(a, b)
}

func equalJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

func sameSet(a, b []string) bool {
	set := func(list []string) []string {
		m := map[string]bool{}
		for _, s := range list {
			m[s] = true
		}
		return slices.Sorted(maps.Keys(m))
	}
	return slices.Equal(set(a), set(b))
}

// Renamed gives the requirements that have another id in the new plan, by the old one.
func (a *Amendment) Renamed() map[RequirementID]RequirementID {
	out := map[RequirementID]RequirementID{}
	for _, r := range a.old.Requirements {
		if n, ok := a.texts[folded(r.Text)]; ok && n != r.ID {
			out[r.ID] = n
		}
	}
	return out
}
