package planner

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	idShape          = lazy(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	requirementShape = lazy(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	nameShape        = lazy(`^[a-z][a-z0-9-]{0,39}$`)
)

// Roles are the roles a task's agent may have; "" means engineer.
func Roles() []string { return []string{"engineer", "planner", "reviewer", "writer"} }

// ids checks the shape of all ids, and that each names one thing. Ids that differ by case alone are
// the same; ids outside ASCII are refused, so that no two forms of one character can differ.
func (v *validator) ids() {
	seen := map[string]string{}
	check := func(kind, where, id string, shape *regexp.Regexp) {
		if !shape.MatchString(id) || strings.Contains(id, "..") {
			v.add("E_PLAN_BAD_ID", where, kind+" id "+shown(id)+" is not allowed", "use lower-case letters, digits, dots, hyphens and underscores, at most 64")
		}
		key := kind + " " + strings.ToLower(id)
		if first, ok := seen[key]; ok {
			v.add("E_PLAN_DUP_ID", where, kind+" id "+shown(id)+" is already that of "+first, "give each its own id")
			return
		}
		seen[key] = where
	}
	for i, r := range v.plan.Requirements {
		check("requirement", fmt.Sprintf("requirements[%d] %s", i, shown(string(r.ID))), string(r.ID), requirementShape())
	}
	for i, g := range v.plan.Gates {
		check("gate", fmt.Sprintf("gates[%d] %s", i, shown(string(g.ID))), string(g.ID), idShape())
	}
	n := 0
	for i, ph := range v.plan.Phases {
		where := fmt.Sprintf("phases[%d] %s", i, shown(string(ph.ID)))
		check("phase", where, string(ph.ID), idShape())
		if strings.EqualFold(string(ph.ID), string(PlanTask)) {
			v.add("E_PLAN_RESERVED", where, "the id \"plan\" is reserved for planning itself", "choose another id")
		}
		if len(ph.Tasks) == 0 {
			v.add("E_PLAN_EMPTY", where, "the phase has no tasks", "add a task or delete the phase")
		}
		for _, t := range ph.Tasks {
			where := fmt.Sprintf("tasks[%d] %s", n, shown(string(t.ID)))
			n++
			if strings.EqualFold(string(t.ID), string(PlanTask)) {
				v.add("E_PLAN_RESERVED", where, "the id \"plan\" is reserved for planning itself", "choose another id")
				continue
			}
			check("task", where, string(t.ID), idShape())
			if rest, ok := strings.CutPrefix(string(t.ID), string(ph.ID)+"."); !ok || rest == "" {
				v.add("E_PLAN_BAD_ID", where, "task id "+shown(string(t.ID))+" does not begin with that of its phase", fmt.Sprintf("write it as %.40s.NAME", ph.ID))
			}
		}
	}
}

// shown quotes an id for a message: short, and without what a terminal would obey.
func shown(id string) string {
	if idShape().MatchString(id) || requirementShape().MatchString(id) {
		return id
	}
	if len(id) > 64 {
		id = id[:64] + "…"
	}
	return strconv.QuoteToASCII(id)
}

// Nearest hints at the known name that is closest to one misspelt, else lists a few.
func Nearest(got string, known []string) string {
	if len(known) == 0 {
		return "there are none"
	}
	slices.Sort(known)
	best, dist := "", 4
	for _, k := range known {
		if d := editDistance(got, k, dist); d < dist {
			best, dist = k, d
		}
	}
	if best != "" {
		return "did you mean " + shown(best) + "?"
	}
	if len(known) > 8 {
		known = append(slices.Clone(known[:8]), "…")
	}
	return "known are: " + strings.Join(known, ", ")
}

// editDistance counts the letters to insert, delete or replace between a and b; limit or more once
// it is known to be that far.
func editDistance(a, b string, limit int) int {
	if len(a) > 80 || len(b) > 80 || len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// keys lists a map's keys as texts, sorted.
func keys[K ~string, V any](m map[K]V) []string {
	var out []string
	for k := range m {
		out = append(out, string(k))
	}
	slices.Sort(out)
	return out
}

// sortedKeys lists a map's keys in order.
func sortedKeys[K ~string, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// joined lists names behind commas.
func joined[S ~string](names []S) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return strings.Join(out, ", ")
}
