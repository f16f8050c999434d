package planner

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// reviseWords go to the model with those of a draft.
//
//go:embed revise.md
var reviseWords string

// Revision is a plan whose spec was edited. Spec has the plan's ids, as Compare gives it.
type Revision struct {
	Plan       *Plan
	Spec       *Spec
	Difference Difference
}

// Revise asks a model to change a plan for what is different in its spec, and returns the new plan
// validated. Tasks that the difference does not touch, and the gates they use, are kept word for
// word whatever the model says; requirements and acceptance gates are the spec's. Without a
// difference nobody is asked. Errors are as those of Draft.
func Revise(ctx context.Context, asker Asker, r Revision, o Options) (*Plan, error) {
	if o.PartBytes <= 0 {
		o.PartBytes = DefaultPartBytes
	}
	v := &reviser{Revision: r, touched: r.Difference.Touched(r.Plan)}
	if r.Difference.Empty() {
		next, problems := v.merge(answer{})
		return next, asError(problems)
	}
	q := Question{System: []string{draftWords, reviseWords}, Prompt: v.prompt(o), Schema: json.RawMessage(draftSchema)}
	var problems Problems
	for range maxRepairs + 1 {
		raw, err := asker.Ask(ctx, q)
		if err != nil {
			return nil, err
		}
		var next *Plan
		if next, problems = v.take(raw); len(problems) == 0 {
			return next, nil
		}
		q.Answer, q.Repair = string(raw), repairText(problems)
	}
	return nil, draftFault(r.Spec, problems)
}

func asError(ps Problems) error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// reviser makes one plan of an old one and an answer.
type reviser struct {
	Revision
	touched map[TaskID][]string
}

// take reads an answer and gives the plan with it, or the problems it would have.
func (v *reviser) take(raw json.RawMessage) (*Plan, Problems) {
	a, err := decodeAnswer(raw)
	if err != nil {
		return nil, Problems{{Code: "E_PLAN_PARSE", Where: "answer", What: err.Error(), Hint: "answer with one JSON object that fits the schema"}}
	}
	return v.merge(a)
}

// merge puts an answer into the plan.
func (v *reviser) merge(a answer) (*Plan, Problems) {
	next := *v.Plan
	next.Spec = SpecRef{Path: v.Spec.Path, SHA256: v.Spec.SHA256}
	if len(v.Difference.Project) > 0 {
		next.Project.Name, next.Project.Type = v.Spec.Project.Name, v.Spec.Project.Type
	}
	next.Requirements = v.requirements()
	for _, s := range a.Setup {
		if !slices.ContainsFunc(next.Setup, func(o Setup) bool { return slices.Equal(o.Run, s.Run) }) {
			next.Setup = append(slices.Clip(next.Setup), s)
		}
	}
	for _, s := range a.Shared {
		if !slices.Contains(next.Shared, s) {
			next.Shared = append(slices.Clip(next.Shared), s)
		}
	}
	next.Phases = v.phases(a)
	var problems Problems
	next.Gates, problems = v.gates(a, next.Phases)
	next.finish()
	v.restore(&next)
	next.dropUnused()
	problems = append(problems, Validate(&next, v.Spec)...)
	return &next, problems.Sorted()
}

// requirements are the spec's, and those that the user's plan has besides.
func (v *reviser) requirements() []Requirement {
	out := slices.Clone(v.Spec.Requirements)
	for _, r := range v.Plan.Requirements {
		gone := slices.ContainsFunc(v.Difference.Requirements, func(c RequirementChange) bool { return c.Change == Removed && c.Old.ID == r.ID })
		if !gone && !slices.ContainsFunc(out, func(n Requirement) bool { return n.ID == r.ID }) {
			out = append(out, r)
		}
	}
	return out
}

// phases are those of the plan with the tasks that are answered in their places, and new ones
// behind. Phases that are left without a task go.
func (v *reviser) phases(a answer) []Phase {
	answered := map[TaskID]Task{}
	for _, ph := range a.Phases {
		for _, t := range ph.Tasks {
			answered[t.ID] = t
		}
	}
	var out []Phase
	for _, ph := range v.Plan.Phases {
		old := ph.Tasks
		ph.Tasks = nil
		for _, t := range old {
			now, said := answered[t.ID]
			switch {
			case said && (v.isTouched(t.ID) || v.takesNew(now)):
				ph.Tasks = append(ph.Tasks, now)
			case !v.isTouched(t.ID):
				ph.Tasks = append(ph.Tasks, t)
			}
			delete(answered, t.ID)
		}
		out = append(out, ph)
	}
	for _, ph := range a.Phases {
		ph.Tasks = slices.DeleteFunc(slices.Clone(ph.Tasks), func(t Task) bool { _, fresh := answered[t.ID]; return !fresh })
		if i := slices.IndexFunc(out, func(o Phase) bool { return o.ID == ph.ID }); i >= 0 {
			out[i].Tasks = append(slices.Clip(out[i].Tasks), ph.Tasks...)
		} else {
			out = append(out, ph)
		}
	}
	return slices.DeleteFunc(out, func(ph Phase) bool { return len(ph.Tasks) == 0 })
}

func (v *reviser) isTouched(id TaskID) bool { return len(v.touched[id]) > 0 }

// takesNew says whether a task covers what is new or other in the spec.
func (v *reviser) takesNew(t Task) bool {
	return slices.ContainsFunc(v.Difference.Requirements, func(c RequirementChange) bool {
		return c.Change != Removed && slices.Contains(t.Covers, c.New.ID)
	})
}

// gates are the plan's, with the spec's own as they now are and those that are answered. One that an
// untouched task uses cannot be given another meaning.
func (v *reviser) gates(a answer, phases []Phase) ([]Gate, Problems) {
	fixed := map[GateID]TaskID{}
	for _, ph := range phases {
		for _, t := range ph.Tasks {
			if v.isTouched(t.ID) || v.takesNew(t) {
				continue
			}
			for _, id := range t.Gates {
				fixed[id] = t.ID
			}
		}
	}
	var out []Gate
	for _, g := range v.Plan.Gates {
		if i := slices.IndexFunc(v.Difference.Acceptance, func(c GateChange) bool { return c.ID == g.ID }); i < 0 {
			out = append(out, g)
		}
	}
	for _, c := range v.Difference.Acceptance {
		i := slices.IndexFunc(v.Spec.Acceptance, func(g Gate) bool { return g.ID == c.ID })
		if c.Change == Removed || i < 0 {
			continue
		}
		out = append(out, v.acceptance(v.Spec.Acceptance[i], a))
	}
	var problems Problems
	for _, g := range a.Gates {
		if isAcceptance(g.ID) {
			continue
		}
		g.Network = "" // a model grants no network
		i := slices.IndexFunc(out, func(o Gate) bool { return o.ID == g.ID })
		switch {
		case i < 0:
			out = append(out, g)
		case sameGate(out[i], g):
		case fixed[g.ID] != "" && !defaultGate(g.ID):
			problems = append(problems, Problem{
				Code: "E_PLAN_AMEND", Where: "gates " + shown(string(g.ID)), What: "it is a gate of " + string(fixed[g.ID]) + ", which is not affected",
				Hint: "leave it out, or give the new check an id of its own",
			})
		case fixed[g.ID] == "":
			out[i] = g
		}
	}
	return out, problems
}

// defaultGate says whether the builder defines a gate itself: a model that spells it out means that one.
func defaultGate(id GateID) bool { return id == "build" || id == "unit" }

// acceptance is a block of the spec, started as the plan or the answer says where the spec does not.
func (v *reviser) acceptance(g Gate, a answer) Gate {
	if g.Kind != GateHTTP || len(g.Start) > 0 {
		return g
	}
	if i := slices.IndexFunc(a.Gates, func(o Gate) bool { return o.ID == g.ID && len(o.Start) > 0 }); i >= 0 {
		g.Start, g.Ready = a.Gates[i].Start, a.Gates[i].Ready
		return g
	}
	for _, o := range v.Plan.Gates {
		if o.Kind == GateHTTP && isAcceptance(o.ID) && len(o.Start) > 0 && (o.ID == g.ID || len(g.Start) == 0) {
			g.Start, g.Ready = o.Start, o.Ready
		}
	}
	return g
}

// restore takes back what finishing the plan did to untouched tasks, but for acceptance gates that
// nobody else runs and what these wait for.
func (v *reviser) restore(next *Plan) {
	next.eachTask(func(t *Task) {
		old, ok := v.Plan.Task(t.ID)
		if !ok || v.isTouched(t.ID) || v.takesNew(*t) {
			return
		}
		added := slices.DeleteFunc(slices.Clone(t.Gates), func(id GateID) bool { return slices.Contains(old.Gates, id) || !isAcceptance(id) })
		if len(added) == 0 {
			*t = old
			return
		}
		t.Gates = append(slices.Clone(old.Gates), added...)
	})
}

// dropUnused leaves out the gates that no task runs any more.
func (p *Plan) dropUnused() {
	used := map[GateID]bool{}
	for _, t := range p.Tasks() {
		for _, id := range t.Gates {
			used[id] = true
		}
	}
	p.Gates = slices.DeleteFunc(slices.Clone(p.Gates), func(g Gate) bool { return !used[g.ID] })
}

// prompt writes the question.
func (v *reviser) prompt(o Options) string {
	d := &drafter{spec: v.Spec, parts: 1, partBytes: o.PartBytes, environment: o.Environment, plan: newPlan(v.Spec)}
	if v.Plan.Project.Type != "" {
		d.plan.Project.Stack = v.Plan.Project.Stack
	}
	part := specPart{number: 1, text: v.Spec.Text, requirements: v.Spec.Requirements, acceptance: v.Spec.Acceptance}
	if len(part.text) > o.PartBytes {
		part.text = v.excerpt()
	}
	var b strings.Builder
	b.WriteString(d.prompt(part))
	b.WriteString("<difference>\n")
	for _, c := range v.Difference.Requirements {
		fmt.Fprintf(&b, "<%s requirement=%s>\n", c.Change, attribute(string(c.ID())))
		if c.Change != Added {
			b.WriteString("was: " + folded(c.Old.Text) + "\n")
		}
		if c.Change != Removed {
			b.WriteString("is: " + folded(c.New.Text) + "\n")
		}
		fmt.Fprintf(&b, "</%s>\n", c.Change)
	}
	for _, c := range v.Difference.Acceptance {
		fmt.Fprintf(&b, "<%s gate=%s was_lines=%s lines=%s></%s>\n", c.Change, attribute(string(c.ID)), attribute(c.Old), attribute(c.New), c.Change)
	}
	for _, what := range v.Difference.Project {
		fmt.Fprintf(&b, "<%s project=%s></%s>\n", Changed, attribute(what), Changed)
	}
	b.WriteString("</difference>\n<plan>\n")
	for _, t := range v.Plan.Tasks() {
		fmt.Fprintf(&b, "<task id=%s covers=%s needs=%s writes=%s gates=%s>%s</task>\n", attribute(string(t.ID)), attribute(joined(t.Covers)),
			attribute(joined(t.Needs)), attribute(strings.Join(t.Writes, " ")), attribute(joined(t.Gates)), folded(t.Title))
	}
	b.WriteString("</plan>\n<affected>\n" + v.affected() + "</affected>\n")
	return b.String()
}

// affected spells out the tasks that the difference touches, with the gates that only they use.
func (v *reviser) affected() string {
	var full answer
	others := map[GateID]bool{}
	for _, ph := range v.Plan.Phases {
		p := Phase{ID: ph.ID, Title: ph.Title}
		for _, t := range ph.Tasks {
			if v.isTouched(t.ID) {
				p.Tasks = append(p.Tasks, t)
				continue
			}
			for _, id := range t.Gates {
				others[id] = true
			}
		}
		if len(p.Tasks) > 0 {
			full.Phases = append(full.Phases, p)
		}
	}
	for _, g := range v.Plan.Gates {
		if !others[g.ID] && !isAcceptance(g.ID) {
			full.Gates = append(full.Gates, g)
		}
	}
	raw, err := json.MarshalIndent(struct {
		Phases []Phase `json:"phases"`
		Gates  []Gate  `json:"gates"`
	}{full.Phases, full.Gates}, "", " ")
	if err != nil {
		return "" // no value in a plan is one that JSON cannot write
	}
	return string(raw) + "\n"
}

// excerpt is a large spec by the sections that differ, with all headings.
func (v *reviser) excerpt() string {
	lines := strings.SplitAfter(v.Spec.Text, "\n")
	keep := make([]bool, len(lines)+1)
	mark := func(first, last int) {
		for i := max(first, 1); i <= min(last, len(lines)); i++ {
			keep[i] = true
		}
	}
	mark(1, 40)
	near := func(source string) {
		at := clampLine(source, len(lines))
		mark(at-3, at+12)
		for _, s := range v.Spec.Sections {
			if s.First <= at && at <= s.Last && s.Last-s.First < 200 {
				mark(s.First, s.Last)
			}
		}
	}
	for _, s := range v.Spec.Sections {
		mark(s.First, s.First)
	}
	for _, c := range v.Difference.Requirements {
		if c.Change != Removed {
			near(c.New.Source)
		}
	}
	for _, c := range v.Difference.Acceptance {
		if c.Change != Removed {
			near(c.New)
		}
	}
	var b strings.Builder
	gap := false
	for i, l := range lines {
		if keep[i+1] {
			b.WriteString(l)
		} else if !gap {
			b.WriteString("[…]\n")
		}
		gap = !keep[i+1]
	}
	return b.String()
}
