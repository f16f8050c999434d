package phases

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// drawPlan makes a plan whose needs are a DAG and whose claims overlap now and then.
func drawPlan(t *rapid.T) *planner.Plan {
	p := &planner.Plan{Version: 1}
	n := rapid.IntRange(1, 12).Draw(t, "tasks")
	var tasks []planner.Task
	for i := range n {
		task := planner.Task{ID: planner.TaskID(fmt.Sprintf("t%d", i))}
		for k := range i {
			if rapid.IntRange(0, 3).Draw(t, "need") == 0 {
				task.Needs = append(task.Needs, planner.TaskID(fmt.Sprintf("t%d", k)))
			}
		}
		if rapid.Bool().Draw(t, "claims") {
			task.Writes = rapid.SliceOfN(rapid.SampledFrom([]string{"a/**", "a/x/**", "b/*.go", "c.txt", "d/**"}), 1, 2).Draw(t, "writes")
		}
		tasks = append(tasks, task)
	}
	p.Phases = []planner.Phase{{ID: "p", Tasks: tasks}}
	return p
}

// Random plans drain: whatever ends done or failed in whatever order, Next goes on until nothing can
// be done, names no task whose needs are not done, and no two whose claims can name one path.
func TestRandomPlansDrain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		workers := rapid.IntRange(1, 5).Draw(t, "workers")
		s := NewState()
		for turn := 0; ; turn++ {
			if turn > 2*len(p.Tasks()) {
				t.Fatal("it does not drain")
			}
			steps := Next(p, s, workers)
			if len(steps) > workers {
				t.Fatalf("%d steps for %d workers", len(steps), workers)
			}
			if steps[0].Kind == StepFinish {
				break
			}
			checkSteps(t, p, s, steps)
			for _, st := range steps {
				s.Tasks[st.Task] = &TaskState{ID: st.Task, State: TaskRunning}
			}
			end := rapid.SampledFrom(steps).Draw(t, "ends").Task
			s.Tasks[end].State = rapid.SampledFrom([]TaskPhase{TaskIsDone, TaskIsDone, TaskIsDone, TaskIsFail}).Draw(t, "how")
		}
		for _, task := range p.Tasks() {
			switch Standings(p, s)[task.ID] {
			case TaskIsDone, TaskIsFail, TaskBlocked:
			default:
				t.Fatalf("%s is left %s", task.ID, Standings(p, s)[task.ID])
			}
		}
	})
}

func checkSteps(t *rapid.T, p *planner.Plan, s *State, steps []Step) {
	for i, st := range steps {
		task, _ := p.Task(st.Task)
		if !needsMet(task, s) {
			t.Fatalf("%s is named before what it needs", st.Task)
		}
		for _, other := range steps[:i] {
			o, _ := p.Task(other.Task)
			for _, file := range []string{"a/f", "a/x/f", "b/m.go", "c.txt", "d/e/f", "z"} {
				if Claimed(task.Writes, file) && Claimed(o.Writes, file) {
					t.Fatalf("%s and %s may both write %s", st.Task, other.Task, file)
				}
			}
		}
	}
}

// A glob matches as its segments say, in time that no pattern can blow up.
func TestClaimed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		glob, file string
		want       bool
	}{
		{"**", "a", true}, {"**", "a/b/c", true}, {"a/**", "a/b", true}, {"a/**", "b/a", false}, {"a/**", "a", true},
		{"**/x.go", "x.go", true}, {"**/x.go", "a/b/x.go", true}, {"**/x.go", "a/x.goo", false}, {"a/*/c", "a/b/c", true},
		{"a/*/c", "a/b/d/c", false}, {"a/**/c", "a/b/d/c", true}, {"[", "[", false}, {"*.go", "m.go", true}, {"*.go", "a/m.go", false},
	} {
		if got := Claimed([]string{c.glob}, c.file); got != c.want {
			t.Errorf("%s %s: got %v", c.glob, c.file, got)
		}
	}
	long, deep := "", ""
	for range 40 {
		long, deep = long+"**/a/", deep+"a/"
	}
	if Claimed([]string{long + "b"}, deep+deep+"c") {
		t.Error("matched")
	}
}

// With several workers the head of the longest row of tasks is begun first; one worker keeps to the plan.
func TestLongestRowFirst(t *testing.T) {
	t.Parallel()
	p := &planner.Plan{Version: 1, Phases: []planner.Phase{{ID: "p", Tasks: []planner.Task{
		{ID: "p.a", Writes: []string{"a"}}, {ID: "p.b", Writes: []string{"b"}},
		{ID: "p.c1", Writes: []string{"c"}}, {ID: "p.c2", Writes: []string{"c"}, Needs: []planner.TaskID{"p.c1"}},
		{ID: "p.c3", Writes: []string{"c"}, Needs: []planner.TaskID{"p.c2"}},
	}}}}
	if got := Next(p, NewState(), 2); len(got) != 2 || got[0].Task != "p.c1" || got[1].Task != "p.a" {
		t.Errorf("two workers begin with %v", got)
	}
	if got := Next(p, NewState(), 1); got[0].Task != "p.a" {
		t.Errorf("one worker begins with %v", got)
	}
}
