package planner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The rules of a difference are: requirements are told by their text, whatever their number; white
// space and moved lines are no difference; a text that was edited keeps the id it had; what is new
// has an id that was never used. Acceptance blocks are told apart in the same way, by what they do.

// Change says what became of something in an edited spec.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// RequirementChange is one requirement that differs. Old is empty for an added one, New for a
// removed one; both have the id that it has in the plan.
type RequirementChange struct {
	Change Change      `json:"change"`
	Old    Requirement `json:"old,omitzero"`
	New    Requirement `json:"new,omitzero"`
}

// ID names the requirement.
func (c RequirementChange) ID() RequirementID {
	if c.Change == Added {
		return c.New.ID
	}
	return c.Old.ID
}

// GateChange is one acceptance block that differs.
type GateChange struct {
	Change Change `json:"change"`
	ID     GateID `json:"id"`
	Old    string `json:"old_lines,omitempty"` // where it stood
	New    string `json:"new_lines,omitempty"` // where it stands
}

// Difference is what an edited spec asks for that it did not before, and the other way round.
type Difference struct {
	Requirements []RequirementChange `json:"requirements"`
	Acceptance   []GateChange        `json:"acceptance"`
	Project      []string            `json:"project,omitempty"` // "name: shelf -> shop": everything hangs on it
}

// Empty says whether nothing that is built differs.
func (d Difference) Empty() bool {
	return len(d.Requirements) == 0 && len(d.Acceptance) == 0 && len(d.Project) == 0
}

// Compare gives next with the ids that old uses for the same things, and the difference between the
// two. Neither is changed.
func Compare(old, next *Spec) (*Spec, Difference) {
	d := Difference{Requirements: []RequirementChange{}, Acceptance: []GateChange{}}
	out := *next
	out.Requirements = slices.Clone(next.Requirements)
	d.requirements(old.Requirements, out.Requirements)
	out.Acceptance = slices.Clone(next.Acceptance)
	d.acceptance(old.Acceptance, out.Acceptance)
	for _, p := range [][3]string{
		{"name", old.Project.Name, next.Project.Name}, {"type", string(old.Project.Type), string(next.Project.Type)},
	} {
		if p[1] != p[2] {
			d.Project = append(d.Project, fmt.Sprintf("%s: %s -> %s", p[0], p[1], p[2]))
		}
	}
	return &out, d
}

// WithIDs gives spec with the ids that a plan of it uses.
func (p *Plan) WithIDs(spec *Spec) *Spec {
	like := &Spec{Requirements: p.Requirements, Project: spec.Project}
	for _, g := range p.Gates {
		if isAcceptance(g.ID) {
			like.Acceptance = append(like.Acceptance, g)
		}
	}
	out, _ := Compare(like, spec)
	return out
}

func (d *Difference) requirements(old, next []Requirement) {
	was := match(requirementTexts(old), requirementTexts(next))
	ids := newIDs("R", func(yield func(string)) {
		for _, r := range old {
			yield(string(r.ID))
		}
	})
	kept := make([]bool, len(old))
	for j := range next {
		i := was[j]
		if i < 0 {
			next[j].ID = RequirementID(ids())
			d.Requirements = append(d.Requirements, RequirementChange{Change: Added, New: next[j]})
			continue
		}
		kept[i] = true
		next[j].ID = old[i].ID
		if folded(old[i].Text) != folded(next[j].Text) {
			d.Requirements = append(d.Requirements, RequirementChange{Change: Changed, Old: old[i], New: next[j]})
		} else {
			next[j].Text = old[i].Text
		}
	}
	for i, r := range old {
		if !kept[i] {
			d.Requirements = append(d.Requirements, RequirementChange{Change: Removed, Old: r})
		}
	}
}

func requirementTexts(rs []Requirement) []textual {
	out := make([]textual, len(rs))
	for i, r := range rs {
		out[i] = textual{string(r.ID), r.Text}
	}
	return out
}

func (d *Difference) acceptance(old, next []Gate) {
	was := match(gateTexts(old), gateTexts(next))
	ids := newIDs("acceptance-", func(yield func(string)) {
		for _, g := range old {
			yield(string(g.ID))
		}
	})
	kept := make([]bool, len(old))
	for j := range next {
		i := was[j]
		if i < 0 {
			next[j].ID = GateID(ids())
			d.Acceptance = append(d.Acceptance, GateChange{Change: Added, ID: next[j].ID, New: next[j].Source})
			continue
		}
		kept[i] = true
		next[j].ID = old[i].ID
		if gateText(old[i]) != gateText(next[j]) || !sameStart(old[i], next[j]) {
			d.Acceptance = append(d.Acceptance, GateChange{Change: Changed, ID: old[i].ID, Old: old[i].Source, New: next[j].Source})
		}
	}
	for i, g := range old {
		if !kept[i] {
			d.Acceptance = append(d.Acceptance, GateChange{Change: Removed, ID: g.ID, Old: g.Source})
		}
	}
}

// sameStart says whether two blocks start the same server; one that does not say is filled in by a plan.
func sameStart(a, b Gate) bool {
	return len(a.Start) == 0 || len(b.Start) == 0 || slices.Equal(a.Start, b.Start)
}

func gateTexts(gs []Gate) []textual {
	out := make([]textual, len(gs))
	for i, g := range gs {
		out[i] = textual{string(g.ID), gateText(g)}
	}
	return out
}

// gateText is what an acceptance block does, line by line, without blanks at line ends.
func gateText(g Gate) string {
	lines := append(strings.Split(g.Session, "\n"), g.Steps...)
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return string(g.Kind) + "\n" + strings.Trim(strings.Join(lines, "\n"), "\n")
}

// newIDs gives ids with a prefix and a number that none of the used ones has.
func newIDs(prefix string, used func(yield func(string))) func() string {
	most := 0
	used(func(id string) {
		if n, err := strconv.Atoi(strings.TrimPrefix(id, prefix)); err == nil {
			most = max(most, n)
		}
	})
	return func() string {
		most++
		return prefix + strconv.Itoa(most)
	}
}
