package phases

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// A plan of a few tasks is told whole. Of a large one each call would pay for a list of which a task needs
// a few lines: all are told its phases, which a provider caches once, and each the tasks next to it.
func TestLargePlansAreToldByTheirPhases(t *testing.T) {
	t.Parallel()
	plan := func(tasks int) *planner.Plan {
		p := &planner.Plan{Phases: []planner.Phase{{ID: "a", Title: "Ground"}, {ID: "b", Title: "Rest"}}}
		for i := range tasks {
			task := planner.Task{ID: planner.TaskID(fmt.Sprintf("b.t%d", i)), Title: fmt.Sprintf("Task %d", i), Needs: []planner.TaskID{"a.base"}}
			if i == 7 {
				task.Needs = []planner.TaskID{"b.t3", "b.t5"}
			}
			p.Phases[1].Tasks = append(p.Phases[1].Tasks, task)
		}
		p.Phases[0].Tasks = []planner.Task{{ID: "a.base", Title: "Base"}}
		return p
	}
	task := func(p *planner.Plan, id planner.TaskID) planner.Task {
		found, ok := p.Task(id)
		if !ok {
			t.Fatalf("no task %s", id)
		}
		return found
	}
	small := plan(20)
	if lines, near := planFor(small, task(small, "b.t7")); near != "" {
		t.Errorf("told %q twice", near)
	} else if strings.Count(lines, "\n") != 21 || !strings.Contains(lines, "b.t7: Task 7\n") {
		t.Errorf("told %q", lines)
	}
	large := plan(2000)
	told, near := planFor(large, task(large, "b.t7"))
	if got, want := told, "phase a, tasks 1: Ground\nphase b, tasks 2000: Rest\n"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if got, want := near, "it needs b.t3: Task 3\nit needs b.t5: Task 5"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	if _, near := planFor(large, task(large, "b.t5")); near != "it needs a.base: Base\nneeded by b.t7: Task 7" {
		t.Errorf("told %q", near)
	}
	if _, near := planFor(large, task(large, "a.base")); strings.Count(near, "\n") != mostNear || !strings.HasSuffix(near, "\nand 1959 more") {
		t.Errorf("told %q", near)
	}
}
