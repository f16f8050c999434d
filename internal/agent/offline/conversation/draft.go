package conversation

import (
	"encoding/json"
	"path"
	"slices"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// The rules are:
//   - One unit is one task, each needing the one before it; all gates that prove requirements hang
//     on the last of them, where the program is whole.
//   - Requirements that a rule covers go to the last task; those about data, and rules, to the first
//     as well, when there is more than one: its files follow from them, so that it is done again when
//     one of them is edited. All others go to the task open.needs-model, which is blocked,
//     and with them the given gates that check what no rule covers.
//   - Where the spec has no acceptance section, gates are derived (gates.go), so that expectations
//     lie outside the agent's reach in any case.

// plan is a plan draft as the planner reads it.
type plan struct {
	Project project  `json:"project"`
	Setup   []setup  `json:"setup"`
	Phases  []phase  `json:"phases"`
	Shared  []string `json:"shared"`
	Gates   []gate   `json:"gates"`
}

type project struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	Summary string   `json:"summary"`
	Stack   []string `json:"stack"`
}

type setup struct {
	Run     []string `json:"run"`
	Inputs  []string `json:"inputs"`
	Network string   `json:"network"`
}

type phase struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Tasks []task `json:"tasks"`
}

type task struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Role     string   `json:"role"`
	Goal     string   `json:"goal"`
	Covers   []string `json:"covers"`
	Needs    []string `json:"needs"`
	Writes   []string `json:"writes"`
	Gates    []string `json:"gates"`
	Estimate estimate `json:"estimate"`
}

type estimate struct {
	Calls        int64 `json:"calls"`
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

// drafter turns one question into one plan.
type drafter struct {
	work       Work
	spec       string
	understood []string // ids of the requirements that go to the units
	data       []string // those of them that are about data
	open       []string // ids of the requirements that need a model
	proving    []gate   // of the last unit: given or derived
	unmet      []gate   // of what is open
}

// draft answers the planner's question as one JSON object.
func draft(t told, author Author) json.RawMessage {
	d := drafter{work: author(t.spec), spec: t.spec}
	for _, r := range requirements(t.rest) {
		ok, _ := d.work.understands(r)
		switch {
		case !ok:
			d.open = append(d.open, r.ID)
			continue
		case d.aboutData(r):
			d.data = append(d.data, r.ID)
		}
		d.understood = append(d.understood, r.ID)
	}
	d.divide(acceptance(t.rest))
	return compact(d.plan())
}

// plan joins the parts.
func (d *drafter) plan() plan {
	p := plan{Project: d.project(), Setup: []setup{}, Shared: []string{}, Gates: []gate{}}
	used := map[string]bool{}
	if len(d.work.Units) > 0 {
		p.Phases = append(p.Phases, d.written(used))
		p.Setup = append(p.Setup, setup{Run: []string{"go", "mod", "download"}, Inputs: []string{"go.mod", "go.sum"}, Network: "registries"})
		p.Shared = d.shared()
	}
	if len(d.open) > 0 || len(p.Phases) == 0 || d.unmet[0].ID != unprovenID {
		p.Phases = append(p.Phases, d.unwritten(used))
	}
	for _, g := range slices.Concat(commands(), d.proving, d.unmet) {
		if used[g.ID] {
			p.Gates = append(p.Gates, g.whole())
		}
	}
	return p
}

func (d *drafter) project() project {
	p := project{Name: "app", Type: "other", Stack: []string{"go"}}
	if bp := d.work.Blueprint; bp != nil {
		p.Summary = bp.Summary
		if bp.Name != "" {
			p.Name = bp.Name
		}
		if slices.Contains([]string{"cli-tool", "rest-api", "full-stack", "enterprise", "library"}, bp.Type) {
			p.Type = bp.Type
		}
	}
	return p
}

// written is the phase of the units.
func (d *drafter) written(used map[string]bool) phase {
	ph := phase{ID: "app", Title: "Application"}
	var tree []unit.File
	for i, u := range d.work.Units {
		last := i == len(d.work.Units)-1
		tree = append(tree, u.Files...)
		t := task{
			ID: ph.ID + "." + u.Name, Title: title(u), Role: "engineer", Goal: u.Goal,
			Covers: []string{}, Needs: []string{}, Writes: claims(u.Files), Gates: checks(tree), Estimate: d.cost(u),
		}
		if i > 0 {
			t.Needs = append(t.Needs, ph.Tasks[i-1].ID)
		}
		switch {
		case last:
			t.Covers = append(t.Covers, d.understood...)
			for _, g := range d.proving {
				t.Gates = append(t.Gates, g.ID)
			}
		case i == 0:
			t.Covers = append(t.Covers, d.data...)
		}
		mark(used, t.Gates)
		ph.Tasks = append(ph.Tasks, t)
	}
	return ph
}

// unwritten is the phase of what needs a model.
func (d *drafter) unwritten(used map[string]bool) phase {
	t := task{
		ID: "open." + NeedsModel, Title: "What needs a language model", Role: "engineer",
		Goal:   "Carry out the requirements that no rule covers.",
		Covers: append([]string{}, d.open...), Needs: []string{}, Writes: []string{}, Gates: []string{},
		Estimate: estimate{Calls: 1, InputTokens: Tokens(len(d.spec)) + overhead, OutputTokens: 200},
	}
	if n := len(d.work.Units); n > 0 {
		t.Needs = append(t.Needs, "app."+d.work.Units[n-1].Name)
	}
	for _, g := range d.unmet {
		t.Gates = append(t.Gates, g.ID)
	}
	mark(used, t.Gates)
	return phase{ID: "open", Title: "Open requirements", Tasks: []task{t}}
}

// overhead is about how many tokens rules, tools and the task's own words take in a request.
const overhead = 4000

// cost estimates the calls of u: all its files in as few answers as they fit.
func (d *drafter) cost(u unit.Unit) estimate {
	const answer = 32_000 // tokens that a caller usually allows
	n := 0
	for _, f := range u.Files {
		n += len(f.Path) + len(compact(f.Content)) + 64
	}
	out := Tokens(n) + 64
	calls := (out + answer - 1) / answer
	in := calls*(Tokens(len(d.spec))+overhead) + (calls-1)*out/2
	return estimate{Calls: calls, InputTokens: in, OutputTokens: out}
}

// shared lists the files that more than one unit writes.
func (d *drafter) shared() []string {
	seen, out := map[string]int{}, []string{}
	for _, u := range d.work.Units {
		for _, f := range u.Files {
			if seen[f.Path]++; seen[f.Path] == 2 {
				out = append(out, f.Path)
			}
		}
	}
	slices.Sort(out)
	return out
}

// claims are the globs of files: those at the root by name, all others by their folder.
func claims(files []unit.File) []string {
	out := []string{}
	for _, f := range files {
		c := f.Path
		if dir := path.Dir(f.Path); dir != "." {
			c = dir + "/**"
		}
		out = append(out, c)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mark notes the gates that are used.
func mark(used map[string]bool, ids []string) {
	for _, id := range ids {
		used[id] = true
	}
}

// aboutData says whether r lies where the spec describes its entities and fields, or is a rule that
// the storage keeps.
func (d *drafter) aboutData(r Requirement) bool {
	if d.work.Blueprint == nil || r.First == 0 {
		return false
	}
	within := func(line int) bool { return r.First <= line && line <= r.Last }
	for _, e := range d.work.Blueprint.Entities {
		if within(e.Line) || slices.ContainsFunc(e.Fields, func(f blueprintField) bool { return within(f.Line) }) {
			return true
		}
	}
	return slices.ContainsFunc(d.work.Blueprint.Rules, func(rule blueprint.Rule) bool { return within(rule.Line) })
}
