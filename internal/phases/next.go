package phases

import (
	"path"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// StepKind says what a step does.
type StepKind string

// The kinds of steps.
const (
	StepPlan   StepKind = "plan"   // make the plan
	StepTask   StepKind = "task"   // start a task or go on with it
	StepMerge  StepKind = "merge"  // put accepted candidates on the branch
	StepAsk    StepKind = "ask"    // nothing is left but what waits for answers
	StepProve  StepKind = "prove"  // run the gates of done tasks on a head that a person made
	StepFinish StepKind = "finish" // nothing is left that can be done
)

// Step is what to do now.
type Step struct {
	Kind StepKind
	Task planner.TaskID // of StepTask
}

// Next says what to do now, at most workers steps at once: a merge comes first, then tasks that are
// going on, then new ones: in plan order where one is done at a time, else those first that the longest
// row of others waits for. It is pure. A new task is named only when all it needs is
// done and no running task claims what it claims; a task whose candidate waits for its merge is
// running, and named no more. After a crash there is one step at a time until one has ended. It
// returns one StepFinish when nothing can be done any more, and one StepAsk when that is so but for
// tasks that wait for answers.
func Next(p *planner.Plan, s *State, workers int) []Step {
	if p == nil {
		if s.Task(planner.PlanTask).State == TaskIsFail {
			return []Step{{Kind: StepFinish}}
		}
		return []Step{{Kind: StepPlan}}
	}
	if steps := changing(p, s); steps != nil {
		return steps
	}
	if s.Careful {
		workers = 1
	}
	steps := merging(p, s)
	var running []planner.Task
	tasks := p.Tasks()
	for _, t := range tasks {
		st, ok := s.Tasks[t.ID]
		if !ok || st.State != TaskRunning {
			continue
		}
		running = append(running, t)
		if st.Accepted == "" && len(steps) < workers {
			steps = append(steps, Step{StepTask, t.ID})
		}
	}
	for _, t := range urgent(tasks, workers) {
		if len(steps) >= workers {
			break
		}
		if s.phaseOf(t.ID) != TaskPending || !needsMet(t, s) || overlapsAny(t, running) {
			continue
		}
		steps = append(steps, Step{StepTask, t.ID})
		running = append(running, t)
	}
	if len(steps) == 0 {
		return []Step{{Kind: last(tasks, s)}}
	}
	return steps
}

// urgent orders tasks for several workers: what the most others wait for, one after the other, must
// not be begun last. Where that is equal it is the order of the plan.
func urgent(tasks []planner.Task, workers int) []planner.Task {
	if workers == 1 {
		return tasks
	}
	row := rows(tasks)
	out := slices.Clone(tasks)
	slices.SortStableFunc(out, func(a, b planner.Task) int { return row[b.ID] - row[a.ID] })
	return out
}

// rows says of each task how long the longest row is that begins with it: of tasks that wait for one another.
func rows(tasks []planner.Task) map[planner.TaskID]int {
	waits := map[planner.TaskID][]planner.TaskID{}
	for _, t := range tasks {
		for _, n := range t.Needs {
			waits[n] = append(waits[n], t.ID)
		}
	}
	row := make(map[planner.TaskID]int, len(tasks))
	var length func(id planner.TaskID) int
	length = func(id planner.TaskID) int {
		if n, ok := row[id]; ok {
			return n
		}
		row[id] = 0 // also what a circle of needs would find
		longest := 0
		for _, w := range waits[id] {
			longest = max(longest, length(w))
		}
		row[id] = longest + 1
		return row[id]
	}
	for _, t := range tasks {
		length(t.ID)
	}
	return row
}

// merging is the step of putting candidates on the branch, where some wait or are on their way.
func merging(p *planner.Plan, s *State) []Step {
	if s.Merge != nil || len(accepted(p.Tasks(), s)) > 0 {
		return []Step{{Kind: StepMerge}}
	}
	return nil
}

// accepted lists those of tasks whose candidates wait for their merge, in their order.
func accepted(tasks []planner.Task, s *State) []planner.Task {
	var out []planner.Task
	for _, t := range tasks {
		if st, ok := s.Tasks[t.ID]; ok && st.State == TaskRunning && st.Accepted != "" {
			out = append(out, t)
		}
	}
	return out
}

// last is the step of a build in which nothing can be done.
func last(tasks []planner.Task, s *State) StepKind {
	for _, t := range tasks {
		if s.Task(t.ID).State == TaskWaiting {
			return StepAsk
		}
	}
	return StepFinish
}

func needsMet(t planner.Task, s *State) bool {
	for _, n := range t.Needs {
		if s.phaseOf(n) != TaskIsDone {
			return false
		}
	}
	return true
}

// Standings returns what the tasks of a plan are, with blocked derived: a task that needs one that
// failed or is blocked itself.
func Standings(p *planner.Plan, s *State) map[planner.TaskID]TaskPhase {
	tasks := p.Tasks()
	byID := make(map[planner.TaskID]planner.Task, len(tasks))
	for _, t := range tasks {
		byID[t.ID] = t
	}
	known := make(map[planner.TaskID]TaskPhase, len(tasks))
	var look func(id planner.TaskID) TaskPhase
	look = func(id planner.TaskID) TaskPhase {
		if st, ok := known[id]; ok {
			return st
		}
		known[id] = s.phaseOf(id) // also what a circle of needs would find
		if known[id] != TaskPending {
			return known[id]
		}
		for _, n := range byID[id].Needs {
			if up := look(n); up == TaskIsFail || up == TaskBlocked {
				known[id] = TaskBlocked
			}
		}
		return known[id]
	}
	for _, t := range tasks {
		look(t.ID)
	}
	return known
}

func overlapsAny(t planner.Task, others []planner.Task) bool {
	for _, o := range others {
		if claimsOverlap(t.Writes, o.Writes) {
			return true
		}
	}
	return false
}

// claimsOverlap says whether two sets of globs can name one path; no claims at all means the whole
// tree. It errs on the side of overlap.
func claimsOverlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	for _, x := range a {
		for _, y := range b {
			px, py := literalPrefix(x), literalPrefix(y)
			if strings.HasPrefix(px, py) || strings.HasPrefix(py, px) {
				return true
			}
		}
	}
	return false
}

// literalPrefix is the part of a glob before its first wildcard.
func literalPrefix(glob string) string {
	if i := strings.IndexAny(glob, "*?["); i >= 0 {
		return glob[:i]
	}
	return glob
}

// Claimed says whether a path may be written by a task with these claims: a glob matches a path
// segment by segment, "**" any number of segments. No claims at all means any path.
func Claimed(claims []string, file string) bool {
	if len(claims) == 0 {
		return true
	}
	for _, c := range claims {
		if matchSegments(strings.Split(c, "/"), strings.Split(file, "/")) {
			return true
		}
	}
	return false
}

// matchSegments matches in time proportional to pattern times name, whatever the pattern: row[i]
// says whether the pattern so far matches the first i segments.
func matchSegments(pat, name []string) bool {
	row := make([]bool, len(name)+1)
	row[0] = true
	for _, p := range pat {
		next := make([]bool, len(name)+1)
		for i := range next {
			switch {
			case p == "**":
				next[i] = row[i] || i > 0 && next[i-1]
			case i > 0 && row[i-1]:
				ok, err := path.Match(p, name[i-1])
				next[i] = ok && err == nil
			}
		}
		row = next
	}
	return row[len(name)]
}
