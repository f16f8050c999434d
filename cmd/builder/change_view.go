package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// changeView is a change as it is shown: by requirement, by task, with its cost. Fields are only ever
// added.
type changeView struct {
	Version    int                `json:"version"`
	Spec       string             `json:"spec"`
	SHAWas     string             `json:"sha256_was"`
	SHA        string             `json:"sha256"`
	Plan       bool               `json:"plan_given,omitempty"`
	Difference planner.Difference `json:"difference"`
	Affected   []affectedTask     `json:"affected"`
	Dropped    []planner.TaskID   `json:"dropped,omitempty"`
	Kept       []keptTask         `json:"kept"` // done, and with their commits
	Estimate   *estimate          `json:"estimate,omitempty"`
	Accept     string             `json:"accept"`
	Keep       string             `json:"keep,omitempty"`
}

type affectedTask struct {
	ID    planner.TaskID   `json:"id"`
	State phases.TaskPhase `json:"state"`
	Why   []string         `json:"why"`
}

type keptTask struct {
	ID     planner.TaskID `json:"id"`
	Commit string         `json:"commit"`
}

// viewChange puts together what is to be shown of a change; nil is no change.
func (a *app) viewChange(ctx context.Context, st *store, state *phases.State, c *change, set settings) (changeView, error) {
	again := "builder resume " + word(st.app)
	v := changeView{
		Version: 1, Spec: state.Build.SpecPath, SHAWas: state.Build.SpecSHA, SHA: state.Build.SpecSHA,
		Difference: planner.Difference{Requirements: []planner.RequirementChange{}, Acceptance: []planner.GateChange{}},
		Affected:   []affectedTask{}, Kept: []keptTask{}, Accept: again,
	}
	if c == nil {
		return v, nil
	}
	v.Difference, v.Plan = c.diff, c.plan != nil
	v.Accept, v.Keep = again+" --accept-spec", again+" --keep-spec"
	if c.spec != nil {
		v.Spec, v.SHA = c.spec.Path, c.spec.SHA256
	}
	p := c.old
	if v.Plan {
		v.Accept, v.Keep, v.Dropped, p = again+" --plan FILE", "", planner.Amend(c.old, c.plan).Dropped, c.plan
		v.Difference = planner.Difference{Requirements: []planner.RequirementChange{}, Acceptance: []planner.GateChange{}}
	}
	if p == nil {
		return v, nil
	}
	ids, why := c.concerned()
	for _, t := range p.Tasks() {
		ts := state.Task(t.ID)
		switch {
		case slices.Contains(ids, t.ID):
			v.Affected = append(v.Affected, affectedTask{t.ID, ts.State, why[t.ID]})
		case ts.State == phases.TaskIsDone:
			v.Kept = append(v.Kept, keptTask{t.ID, ts.Commit})
		}
	}
	e, err := a.changeCost(ctx, st, state, c, ids, set)
	v.Estimate = &e
	return v, err
}

// changeCost estimates the tasks that a change concerns, and the planning where a model does it.
// Requirements that are new count as a task of their own.
func (a *app) changeCost(ctx context.Context, st *store, state *phases.State, c *change, ids []planner.TaskID, set settings) (estimate, error) {
	past, err := a.pastBuilds(set.Model)
	if err != nil {
		return estimate{}, err
	}
	spec, p := c.spec, c.old
	if spec == nil {
		if spec, err = specOf(ctx, st, state); err != nil {
			return estimate{}, err
		}
	}
	if c.plan != nil {
		return priced(planner.EstimatePlan(c.plan.Only(ids), spec, past), set.price), nil
	}
	part := p.Only(ids)
	extra := planner.Task{ID: "new.requirements"}
	for _, r := range c.diff.Requirements {
		if r.Change == planner.Added {
			extra.Covers = append(extra.Covers, r.New.ID)
		}
	}
	if len(extra.Covers) > 0 {
		part.Phases = append(part.Phases, planner.Phase{ID: "new", Tasks: []planner.Task{extra}})
	}
	q := planner.EstimatePlan(part, spec, past)
	for _, ph := range planner.Estimate(p.Project.Type, planner.SizeOf(spec), past).Phases {
		if ph.Phase == planner.PhaseID(planner.PlanTask) {
			q = q.With(ph)
		}
	}
	return priced(q, set.price), nil
}

// write says it for people.
func (v changeView) write(w io.Writer, secrets []string) {
	p := func(format string, args ...any) { fmt.Fprintln(w, tidy(fmt.Sprintf(format, args...), secrets)) }
	switch {
	case v.Plan:
		p("The plan that is given differs from the build's:")
	case v.SHA == v.SHAWas:
		p("%s is the spec that this build was planned for: nothing differs", v.Spec)
		return
	case v.Difference.Empty():
		p("%s reads differently (sha256 %.10s, was %.10s), but no requirement and no acceptance block differs", v.Spec, v.SHA, v.SHAWas)
		return
	default:
		p("%s has changed (sha256 %.10s, was %.10s):", v.Spec, v.SHA, v.SHAWas)
	}
	v.differences(p)
	for _, t := range v.Affected {
		p("  task %s (%s): %s", t.ID, t.State, strings.Join(t.Why, "; "))
	}
	for _, id := range v.Dropped {
		p("  task %s is dropped", id)
	}
	if n := len(v.Kept); n > 0 {
		p("  %d done task(s) stay with their commits", n)
	}
	if e := v.Estimate; e != nil {
		what := "planning included"
		if v.Plan {
			what = "no planning"
		}
		p("  estimated: %d calls (%d to %d), %s (%s to %s), %s, with %s; basis: %s", e.Total.Likely.Calls, e.Total.Low.Calls, e.Total.High.Calls,
			cents(e.Cost.Likely), cents(e.Cost.Low), cents(e.Cost.High), what, e.Model, e.Basis)
	}
}

func (v changeView) differences(p func(string, ...any)) {
	for _, c := range v.Difference.Requirements {
		switch c.Change {
		case planner.Added:
			p("  added    %s, line %s", c.New.ID, c.New.Source)
		case planner.Removed:
			p("  removed  %s, line %s", c.Old.ID, c.Old.Source)
		default:
			p("  changed  %s, line %s, was line %s", c.Old.ID, c.New.Source, c.Old.Source)
		}
		if c.Change != planner.Added {
			p("    was: %s", c.Old.Text)
		}
		if c.Change != planner.Removed {
			p("    is:  %s", c.New.Text)
		}
	}
	for _, c := range v.Difference.Acceptance {
		p("  %-8s %s, line %s, was line %s", c.Change, c.ID, orDash(c.New), orDash(c.Old))
	}
	for _, what := range v.Difference.Project {
		p("  changed  project %s", what)
	}
}

// showChange answers a dry run: nothing is recorded and nothing sent.
func (a *app) showChange(ctx context.Context, st *store, state *phases.State, o changeFlags, set settings) error {
	c, err := a.changeOf(ctx, st, state, o)
	if err != nil {
		return err
	}
	v, err := a.viewChange(ctx, st, state, c, set)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(a.out, v)
	}
	v.write(a.out, a.secrets())
	return nil
}
