package planner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
)

func read(t *testing.T, text string) *planner.Spec {
	t.Helper()
	s, err := markdown.Parse("spec.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const shop = `# Shop

## Rules
- A book has a title of at most 80 characters.
- A book that is lent cannot be sold.
- Prices are shown with two digits.

## Acceptance
` + "```console\n$ shop add Emma\nadded Emma\n```\n\n```console\n$ shop list\nno books\n```\n"

// Each case edits the spec; the difference tells what it asks for otherwise, by the ids that were there.
func TestCompare(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		edit *strings.Replacer
		want []string // change and id, of requirements and blocks
		ids  []string // of the new spec
	}{
		{"nothing", strings.NewReplacer(), nil, []string{"R1", "R2", "R3"}},
		{"white space and moved lines", strings.NewReplacer("# Shop\n", "# Shop\n\nProse in between.\n\n", "a title  of", "a title of", "that is lent", "that   is\n  lent"), nil, []string{"R1", "R2", "R3"}},
		{"another order", strings.NewReplacer("- A book has a title of at most 80 characters.\n- A book that is lent cannot be sold.\n", "- A book that is lent cannot be sold.\n- A book has a title of at most 80 characters.\n"), nil, []string{"R2", "R1", "R3"}},
		{"one reworded", strings.NewReplacer("at most 80", "at most 120"), []string{"changed R1"}, []string{"R1", "R2", "R3"}},
		{"one in front", strings.NewReplacer("## Rules\n", "## Rules\n- Nothing is ever deleted from the ledger.\n"), []string{"added R4"}, []string{"R4", "R1", "R2", "R3"}},
		{"one gone", strings.NewReplacer("- A book that is lent cannot be sold.\n", ""), []string{"removed R2"}, []string{"R1", "R3"}},
		{"one gone, one come", strings.NewReplacer("- A book that is lent cannot be sold.\n", "- Gift wrapping costs extra in December.\n"), []string{"added R4", "removed R2"}, []string{"R1", "R4", "R3"}},
		{"a block edited", strings.NewReplacer("no books", "nothing here"), []string{"changed acceptance-2"}, []string{"R1", "R2", "R3"}},
		{"a block in front", strings.NewReplacer("## Acceptance\n", "## Acceptance\n```console\n$ shop prices --of 2026\n! exit 1\nshop: unknown year\n```\n"), []string{"added acceptance-3"}, []string{"R1", "R2", "R3"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			next, d := planner.Compare(read(t, shop), read(t, c.edit.Replace(shop)))
			var got, ids []string
			for _, r := range d.Requirements {
				got = append(got, string(r.Change)+" "+string(r.ID()))
			}
			for _, g := range d.Acceptance {
				got = append(got, string(g.Change)+" "+string(g.ID))
			}
			for _, r := range next.Requirements {
				ids = append(ids, string(r.ID))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(c.ids, ids); diff != "" {
				t.Errorf("ids: -want +got\n%s", diff)
			}
			if d.Empty() != (len(c.want) == 0) {
				t.Errorf("Empty is %v", d.Empty())
			}
		})
	}
}

// A difference goes both ways, and of a spec with itself there is none, whatever the requirements are.
func TestCompareIsFair(t *testing.T) {
	t.Parallel()
	old, next := read(t, shop), read(t, strings.Replace(shop, "- Prices are shown with two digits.\n", "- Names of people are never shown to strangers.\n", 1))
	if _, d := planner.Compare(old, old); !d.Empty() {
		t.Errorf("with itself: %+v", d)
	}
	_, there := planner.Compare(old, next)
	_, back := planner.Compare(next, old)
	if len(there.Requirements) != 2 || len(back.Requirements) != 2 || there.Requirements[0].New.Text != back.Requirements[1].Old.Text {
		t.Errorf("there %+v, back %+v", there, back)
	}
}

// fourTasks is a plan of the shop: base, then two beside each other, then one on top of both.
func fourTasks(t *testing.T) (*planner.Spec, *planner.Plan) {
	spec := read(t, shop)
	task := func(id planner.TaskID, covers []planner.RequirementID, needs []planner.TaskID, gates ...planner.GateID) planner.Task {
		return planner.Task{ID: id, Title: "Do " + string(id), Goal: "It is done.", Covers: covers, Needs: needs, Gates: gates}
	}
	file := func(id planner.GateID) planner.Gate {
		return planner.Gate{ID: id, Kind: planner.GateFile, Files: []planner.FileCheck{{Path: string(id), Contains: []string{string(id)}}}}
	}
	p := &planner.Plan{
		Version: planner.PlanVersion, Spec: planner.SpecRef{Path: spec.Path, SHA256: spec.SHA256},
		Project: planner.Project{Name: "shop", Type: planner.CLITool, Stack: []string{"sh"}}, Requirements: spec.Requirements,
		Phases: []planner.Phase{{ID: "a", Tasks: []planner.Task{
			task("a.base", []planner.RequirementID{"R1"}, nil, "base"),
			task("a.lend", []planner.RequirementID{"R2"}, []planner.TaskID{"a.base"}, "lend"),
			task("a.price", []planner.RequirementID{"R3"}, []planner.TaskID{"a.base"}, "price"),
			task("a.all", []planner.RequirementID{"R1", "R2", "R3"}, []planner.TaskID{"a.lend", "a.price"}, "acceptance-1", "acceptance-2"),
		}}},
		Gates: append([]planner.Gate{file("base"), file("lend"), file("price")}, spec.Acceptance...),
	}
	if ps := planner.Validate(p, spec); len(ps) > 0 {
		t.Fatal(ps)
	}
	return spec, p
}

func TestTouchedAndClosure(t *testing.T) {
	t.Parallel()
	spec, p := fourTasks(t)
	p.Phases[0].Tasks[3].Covers = nil
	_, d := planner.Compare(spec, read(t, strings.Replace(shop, "is lent cannot", "is lent or reserved cannot", 1)))
	touched := d.Touched(p)
	if len(touched) != 1 || len(touched["a.lend"]) != 1 {
		t.Fatalf("touched: %v", touched)
	}
	if got, want := p.Closure(map[planner.TaskID]bool{"a.lend": true}), []planner.TaskID{"a.lend", "a.all"}; !slices.Equal(got, want) {
		t.Errorf("closure %v, want %v", got, want)
	}
	if got := p.Closure(map[planner.TaskID]bool{"a.base": true}); len(got) != 4 {
		t.Errorf("closure of the base: %v", got)
	}
	_, d = planner.Compare(spec, read(t, "---\nname: other\n---\n"+shop))
	if got := d.Touched(p); len(got) != 4 {
		t.Errorf("another name concerns all tasks, not %v", got)
	}
}

// What makes two tasks one, and what does not.
func TestAmend(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		edit    func(p *planner.Plan)
		changed []planner.TaskID
		added   []planner.TaskID
		dropped []planner.TaskID
	}{
		{"nothing", func(*planner.Plan) {}, nil, nil, nil},
		{"an estimate", func(p *planner.Plan) { p.Phases[0].Tasks[0].Estimate.Calls = 9 }, nil, nil, nil},
		{"needs", func(p *planner.Plan) { p.Phases[0].Tasks[2].Needs = nil }, nil, nil, nil},
		{"a goal", func(p *planner.Plan) { p.Phases[0].Tasks[1].Goal = "Otherwise." }, []planner.TaskID{"a.lend"}, nil, nil},
		{"claims", func(p *planner.Plan) { p.Phases[0].Tasks[1].Writes = []string{"x/**"} }, []planner.TaskID{"a.lend"}, nil, nil},
		{"a gate", func(p *planner.Plan) { p.Gates[2].Files[0].Contains = []string{"dear"} }, []planner.TaskID{"a.price"}, nil, nil},
		{"where a gate stands in the spec", func(p *planner.Plan) { p.Gates[3].Source = "99" }, nil, nil, nil},
		{"a requirement", func(p *planner.Plan) { p.Requirements[1].Text = "Other." }, []planner.TaskID{"a.all", "a.lend"}, nil, nil},
		{"other numbers", func(p *planner.Plan) {
			p.Requirements[0].ID, p.Requirements[1].ID = "R2", "R1"
			p.Phases[0].Tasks[0].Covers, p.Phases[0].Tasks[1].Covers = []planner.RequirementID{"R2"}, []planner.RequirementID{"R1"}
		}, nil, nil, nil},
		{"a task split", func(p *planner.Plan) {
			p.Phases[0].Tasks[2].ID = "a.price1"
			more := p.Phases[0].Tasks[2]
			more.ID = "a.price2"
			p.Phases[0].Tasks = append(p.Phases[0].Tasks, more)
		}, nil, []planner.TaskID{"a.price1", "a.price2"}, []planner.TaskID{"a.price"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, old := fourTasks(t)
			_, next := fourTasks(t)
			next.Requirements = slices.Clone(next.Requirements)
			c.edit(next)
			a := planner.Amend(old, next)
			var changed []planner.TaskID
			for id := range a.Changes {
				changed = append(changed, id)
			}
			slices.Sort(changed)
			if !slices.Equal(changed, c.changed) || !slices.Equal(a.Added, c.added) || !slices.Equal(a.Dropped, c.dropped) {
				t.Errorf("changed %v, added %v, dropped %v", a.Changes, a.Added, a.Dropped)
			}
		})
	}
}
