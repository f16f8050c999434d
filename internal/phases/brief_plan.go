package phases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// Bounds of what a task is told of the others.
const (
	wholePlan = 16 << 10 // larger plans are told by their phases, and by the tasks next to the agent's own
	mostNear  = 40       // tasks on each side
)

// planFor is what a task is told of the others: all tasks of the plan; of a large plan its phases, which are the
// same for all tasks, and the tasks near this one.
func planFor(p *planner.Plan, task planner.Task) (plan, near string) {
	if lines := taskLines(p); len(lines) <= wholePlan {
		return lines, ""
	}
	return phaseLines(p), nearLines(p, task)
}

func phaseLines(p *planner.Plan) string {
	var b strings.Builder
	for _, ph := range p.Phases {
		fmt.Fprintf(&b, "phase %s, tasks %d: %s\n", ph.ID, len(ph.Tasks), ph.Title)
	}
	return b.String()
}

// nearLines are the tasks that stand before and behind one.
func nearLines(p *planner.Plan, task planner.Task) string {
	var before, behind []string
	for _, t := range p.Tasks() {
		line := string(t.ID) + ": " + t.Title
		switch {
		case slices.Contains(task.Needs, t.ID):
			before = append(before, "it needs "+line)
		case slices.Contains(t.Needs, task.ID):
			behind = append(behind, "needed by "+line)
		}
	}
	return strings.Join(append(few(before), few(behind)...), "\n")
}

// few are the first of many lines, and how many more there are.
func few(lines []string) []string {
	if more := len(lines) - mostNear; more > 0 {
		return append(lines[:mostNear:mostNear], fmt.Sprintf("and %d more", more))
	}
	return lines
}

func taskLines(p *planner.Plan) string {
	var b strings.Builder
	for _, t := range p.Tasks() {
		fmt.Fprintf(&b, "%s: %s\n", t.ID, t.Title)
	}
	return b.String()
}
