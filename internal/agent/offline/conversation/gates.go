package conversation

import (
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

// blueprintField shortens the name of a field's type.
type blueprintField = blueprint.Field

// gate is a gate as the planner's schema has it: every field is there, whatever the kind.
type gate struct {
	ID      string   `json:"id"`
	Kind    string   `json:"kind"`
	Title   string   `json:"title"`
	Proves  []string `json:"proves"`
	Run     []string `json:"run"`
	Expect  expect   `json:"expect"`
	Frozen  []frozen `json:"frozen"`
	Start   []string `json:"start"`
	Ready   string   `json:"ready"`
	Steps   []string `json:"steps"`
	Session string   `json:"session"`
	Files   []string `json:"files"` // none is ever asked for
}

type expect struct {
	Exit   int    `json:"exit"`
	Stdout string `json:"stdout"`
	Tests  string `json:"tests"`
}

// whole is g with empty lists in the place of none.
func (g gate) whole() gate {
	for _, l := range []*[]string{&g.Proves, &g.Run, &g.Start, &g.Steps, &g.Files} {
		if *l == nil {
			*l = []string{}
		}
	}
	if g.Frozen == nil {
		g.Frozen = []frozen{}
	}
	return g
}

type frozen struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// commands are the gates of every Go project; which of them a task has, checks says.
func commands() []gate {
	return []gate{
		{ID: "compile", Kind: "command", Title: "All packages compile", Run: []string{"go", "build", "./..."}},
		{ID: "build", Kind: "command", Title: "The programs build", Run: []string{"go", "build", "-trimpath", "-o", "bin/", "./..."}},
		{ID: "vet", Kind: "command", Title: "The code is free of suspicious constructs", Run: []string{"go", "vet", "./..."}},
		{ID: "unit", Kind: "command", Title: "The project's own tests pass", Run: []string{"go", "test", "-json", "./..."}, Expect: expect{Tests: ">=1"}},
	}
}

// checks are the ids of the command gates that fit a tree: "go build -o" refuses a tree without a
// program, and a run of no tests fails.
func checks(tree []unit.File) []string {
	ids := []string{"compile"}
	tests := false
	for _, f := range tree {
		switch {
		case strings.HasSuffix(f.Path, "_test.go"):
			tests = true
		case strings.HasSuffix(f.Path, ".go") && strings.HasPrefix(clause(f.Content), "package main"):
			ids[0] = "build"
		}
	}
	ids = append(ids, "vet")
	if tests {
		ids = append(ids, "unit")
	}
	return ids
}

// clause is Go source from its package clause on.
func clause(src string) string {
	if strings.HasPrefix(src, "package ") {
		return src
	}
	_, after, _ := strings.Cut(src, "\npackage ")
	return "package " + after
}

// unprovenID is the gate of what is open when no given gate checks it.
const unprovenID = "unproven"

// divide puts the gates that prove requirements where they belong: given ones whose lines the rules
// cover to the units, the others to what is open. The units get derived gates when that leaves them
// none; what is open gets one that fails until somebody plans a real one.
func (d *drafter) divide(given []givenGate) {
	for _, g := range given {
		filled := gate{ID: g.ID, Kind: g.Kind}
		if g.Kind == "http" {
			filled.Start = d.start()
		}
		if ok, _ := d.work.covers(g.First, g.Last); ok {
			d.proving = append(d.proving, filled)
		} else {
			d.unmet = append(d.unmet, filled)
		}
	}
	if len(d.proving) == 0 && len(d.work.Units) > 0 {
		d.proving = d.derived()
	}
	if len(d.work.Proof) > 0 && len(d.work.Units) > 0 {
		d.proving = append(d.proving, gate{ID: "demands", Kind: "http", Title: "What the spec demands holds", Start: d.start(), Steps: d.work.Proof})
	}
	if len(d.unmet) == 0 {
		d.unmet = []gate{unproven(unprovenID, d.open)}
	}
}

// derived are gates that follow from the spec's data; when none does, one that fails.
func (d *drafter) derived() []gate {
	if bp := d.work.Blueprint; bp != nil {
		switch bp.Type {
		case "rest-api":
			if steps := smoke(bp); len(steps) > 0 {
				return []gate{{ID: "smoke", Kind: "http", Title: "Every entity can be created and read", Start: d.start(), Steps: steps}}
			}
		case "cli-tool":
			return []gate{{ID: "smoke", Kind: "transcript", Title: "The commands answer", Session: session(bp)}}
		}
	}
	return []gate{unproven("unproven-app", d.understood)}
}

// unproven is the gate of requirements for which no proof can be derived: it always fails and says
// what to do. Its test is frozen, so that no agent makes it green.
func unproven(id string, requirements []string) gate {
	which := strings.Join(requirements, ", ")
	if which == "" {
		which = "this task"
	}
	why := "no proof was planned for " + which + ": edit the plan and give it a transcript, http or file gate"
	name := strings.ReplaceAll(id, "-", "")
	return gate{
		ID: id, Kind: "command", Title: "A real gate has to be planned",
		Run: []string{"go", "test", "-json", "./" + name + "/"}, Expect: expect{Tests: ">=1"},
		Frozen: []frozen{{Path: name + "/" + name + "_test.go", Content: "package " + name + "\n\nimport \"testing\"\n\nfunc TestUnproven(t *testing.T) {\n\tt.Fatal(" + strconv.Quote(why) + ")\n}\n"}},
	}
}
