package planner

import (
	"fmt"
	"slices"
)

// coverage checks that every requirement is covered by a task, and proven by a gate of such a task
// whose expectations lie outside the agent's reach.
func (v *validator) coverage() {
	covered, proven := map[RequirementID]bool{}, map[RequirementID]bool{}
	used := map[GateID]bool{}
	v.eachTask(func(_ string, t Task) {
		var free bool // some gate of t proves all that t covers
		named := map[RequirementID]bool{}
		for _, id := range t.Gates {
			used[id] = true
			g, ok := v.gates[id]
			if !ok || !g.ProvesRequirements() {
				continue
			}
			free = free || len(g.Proves) == 0
			for _, r := range g.Proves {
				named[r] = true
			}
		}
		for _, r := range t.Covers {
			covered[r] = true
			proven[r] = proven[r] || free || named[r]
		}
	})
	for i, r := range v.plan.Requirements {
		where := fmt.Sprintf("requirements[%d] %s", i, shown(string(r.ID)))
		switch {
		case !covered[r.ID]:
			v.add("E_PLAN_UNCOVERED", where, "no task covers it", fmt.Sprintf("add %s to the covers of a task", shown(string(r.ID))))
		case !proven[r.ID]:
			v.add("E_PLAN_UNPROVEN", where, "no gate of a task that covers it proves it",
				"give such a task an http, transcript or file gate, or a command with frozen test files")
		}
	}
	for i, g := range v.plan.Gates {
		if !used[g.ID] {
			v.add("E_PLAN_GATE", fmt.Sprintf("gates[%d] %s", i, shown(string(g.ID))), "no task runs it", "name it in the gates of a task, or delete it")
		}
	}
}

// ProvingGates lists the gates that can prove requirement r in the plan: those of tasks that cover
// it, in plan order.
func (p *Plan) ProvingGates(r RequirementID) []GateID {
	var out []GateID
	for _, t := range p.Tasks() {
		if !slices.Contains(t.Covers, r) {
			continue
		}
		for _, id := range t.Gates {
			g, ok := p.Gate(id)
			if ok && g.ProvesRequirements() && (len(g.Proves) == 0 || slices.Contains(g.Proves, r)) && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}
