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

// Sorted returns ps ordered by place, code and text; numbers in places count as numbers, so that
// line 5 comes before line 11.
func (ps Problems) Sorted() Problems {
	sort.SliceStable(ps, func(i, j int) bool {
		a, b := ps[i], ps[j]
		if a.Where != b.Where {
			return naturalLess(a.Where, b.Where)
		}
		if a.Code != b.Code {
			return a.Code < b.Code
		}
		return a.What < b.What
	})
	return ps
}

// naturalLess orders texts with their runs of digits compared as numbers.
func naturalLess(a, b string) bool {
	for a != "" && b != "" {
		da, db := leadingDigits(a), leadingDigits(b)
		if da != "" && db != "" {
			na, nb := strings.TrimLeft(da, "0"), strings.TrimLeft(db, "0")
			if len(na) != len(nb) {
				return len(na) < len(nb)
			}
			if na != nb {
				return na < nb
			}
			a, b = a[len(da):], b[len(db):]
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

// leadingDigits gives the digits that s begins with.
func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}
