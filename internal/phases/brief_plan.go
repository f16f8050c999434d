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

// planLines are the tasks of a plan; of a large one, its phases. All tasks of a build are told the same.
func planLines(p *planner.Plan) string {
	lines := taskLines(p)
	if len(lines) <= wholePlan {
		return lines
	}
	var b strings.Builder
	for _, ph := range p.Phases {
		fmt.Fprintf(&b, "phase %s, tasks %d: %s\n", ph.ID, len(ph.Tasks), ph.Title)
	}
	return b.String()
}

// nearLines are the tasks that stand before and behind one of a large plan.
func nearLines(p *planner.Plan, task planner.Task) string {
	if len(taskLines(p)) <= wholePlan {
		return ""
	}
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
