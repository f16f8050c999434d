package planner

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one thing wrong with a spec or a plan. It is shown as
// "builder: CODE: message, where" and "hint: …".
type Problem struct {
	Code  string // stable, e.g. E_PLAN_CYCLE
	Where string // place: "tasks[2] api.http", "spec.md:12"
	What  string
	Hint  string // what the reader can type or change
}

// Problems is a sorted list of problems; as an error it says them all.
type Problems []Problem

// Error says every problem, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = fmt.Sprintf("%s: %s, %s", p.Code, p.What, p.Where)
	}
	return strings.Join(lines, "\n")
}

// Sorted returns ps ordered by place, code and text.
func (ps Problems) Sorted() Problems {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.Where != b.Where {
			return a.Where < b.Where
		}
		if a.Code != b.Code {
			return a.Code < b.Code
		}
		return a.What < b.What
	})
	return ps
}
