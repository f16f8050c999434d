package phases

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// While what could run waits, fewer tasks run, never fewer than the machine can serve at once; and more once it does not.
func TestThrottleFollowsTheLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lag := 20 * time.Millisecond
		th := &Throttle{Lag: func() time.Duration { return lag }}
		most := fewest() + 20
		after := func(beats int) int {
			for range beats {
				time.Sleep(throttleBeat)
				th.room(most, 1)
			}
			return th.room(most, 1)
		}
		if first := th.room(most, fewest()+3); first != fewest()+3 {
			t.Errorf("at first %d of %d", first, most)
		}
		if low := after(100); low != fewest() {
			t.Errorf("on a crowded machine %d", low)
		}
		if th.room(1, 1) != 1 {
			t.Error("more than the workers there are")
		}
		if wide := th.room(most, most-1); wide != most-1 {
			t.Errorf("rows that end together need %d side by side, %d may run", most-1, wide)
		}
		after(100)
		lag = time.Millisecond / 4
		if still := after(100); still != fewest() {
			t.Errorf("between the bounds it moves to %d", still)
		}
		lag = 0
		if high := after(100); high != most {
			t.Errorf("on an easy machine %d of %d", high, most)
		}
	})
	if n := (*Throttle)(nil).room(32, 1); n != 32 {
		t.Errorf("no throttle gives room for %d", n)
	}
}

// As many tasks run as it takes to be done with all of them when the longest row is, and some more.
func TestWidth(t *testing.T) {
	t.Parallel()
	rows := map[planner.TaskID]int{"a1": 4, "a2": 3, "a3": 2, "a4": 1, "b": 1, "c": 1, "d": 1, "e": 1}
	s := NewState()
	if got := width(nil, s, rows); got != 2+1 {
		t.Errorf("8 tasks, 4 of them in a row: %d", got)
	}
	s.Tasks["a1"], s.Tasks["a2"] = &TaskState{State: TaskIsDone}, &TaskState{State: TaskRunning}
	if got := width(nil, s, rows); got != 3+1 {
		t.Errorf("7 tasks, 3 of them in a row: %d", got)
	}
	p := &planner.Plan{Phases: []planner.Phase{{ID: "p", Tasks: []planner.Task{
		{ID: "a1"}, {ID: "a2"}, {ID: "a3", Needs: []planner.TaskID{"a2"}}, {ID: "a4", Needs: []planner.TaskID{"a3"}}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"},
	}}}}
	s.Tasks["a2"].State = TaskIsFail
	if got := width(p, s, rows); got != 4+1 {
		t.Errorf("the row of 3 waits for one that failed, 4 are free: %d", got)
	}
	if got := width(nil, NewState(), nil); got != 1 {
		t.Errorf("no tasks: %d", got)
	}
}

// A task is held back by those that are as urgent as it, and by no others.
func TestThrottleLetsTheUrgentThrough(t *testing.T) {
	t.Parallel()
	room := fewest()
	p := &planner.Plan{Phases: []planner.Phase{{ID: "a"}}}
	task := func(id string, needs ...planner.TaskID) {
		p.Phases[0].Tasks = append(p.Phases[0].Tasks, planner.Task{ID: planner.TaskID(id), Writes: []string{id}, Needs: needs})
	}
	s := NewState()
	for i := range room {
		id := fmt.Sprintf("a.running%d", i)
		task(id)
		s.Tasks[planner.TaskID(id)] = &TaskState{ID: planner.TaskID(id), State: TaskRunning}
	}
	task("a.last", "a.first")
	task("a.first")
	task("a.other")
	e := &Engine{plan: p, rows: rows(p.Tasks()), Workers: 2 * room, Throttle: &Throttle{Lag: func() time.Duration { return time.Second }}}
	e.Throttle.limit = room
	steps, _, _, err := e.starts(s, "")
	if err != nil || len(steps) != room+1 || steps[room].Task != "a.first" {
		t.Errorf("got %v, %v", steps, err)
	}
	if e.Throttle.eased() == nil {
		t.Error("nobody looks again whether the other may begin")
	}
}
