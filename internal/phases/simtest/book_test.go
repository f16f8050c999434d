package simtest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// book is what records say, kept by other code than the state's: money by simple sums, and what is
// going on. It is the oracle's own fold.
type book struct {
	seq     uint64
	cap     budget.Micro
	spent   budget.Micro
	unknown budget.Micro
	holds   map[string]budget.Hold // of open calls, by op
	fates   map[string]budget.Settlement
	asked   map[string]budget.Hold // of all calls
	open    map[string]phases.EffectStarted
	bare    []phases.EffectFinished   // whose trees are not kept, and no later one of their tasks is
	tasks   map[planner.TaskID]string // started, done or failed
	commits []string

	conflicts int // candidates that went back because of one
}

func newBook() *book {
	return &book{
		holds: map[string]budget.Hold{}, fates: map[string]budget.Settlement{}, asked: map[string]budget.Hold{},
		open: map[string]phases.EffectStarted{}, tasks: map[planner.TaskID]string{},
	}
}

func (b *book) held() budget.Micro {
	var sum budget.Micro
	for _, h := range b.holds {
		sum += h.Money
	}
	return sum
}

// used is what counts against the cap.
func (b *book) used() budget.Micro { return b.spent + b.unknown + b.held() }

// take folds one record and says what cannot be.
func (b *book) take(e checkpoint.Envelope, plan *planner.Plan) (f phases.Fact, problems []string) {
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf("record %d, %s: ", e.Seq, e.Kind)+fmt.Sprintf(format, args...))
	}
	if e.Seq != b.seq+1 {
		wrong("it follows %d", b.seq)
	}
	b.seq = e.Seq
	f, err := phases.Decode(e.Kind, e.Payload)
	if err != nil {
		wrong("%v", err)
		return nil, problems
	}
	switch f := f.(type) {
	case phases.BuildStarted:
		b.cap = f.Caps.USD
	case phases.CapsRaised:
		b.cap = f.Caps.USD
	case phases.CallIntended:
		key := f.Hold.Op.String()
		if _, twice := b.asked[key]; twice {
			wrong("the op %s is asked twice", key)
		}
		b.holds[key], b.asked[key] = f.Hold, f.Hold
	case phases.CallAnswered:
		for _, p := range b.settle(f.Settlement) {
			wrong("%s", p)
		}
	case phases.EffectStarted:
		b.open[f.Op.String()] = f
		if f.Effect == phases.EffectTool && f.Tree != "" {
			b.keptTree(f.Op.Task)
		}
	case phases.EffectFinished:
		delete(b.open, f.Op.String())
		if f.Tree != "" {
			b.keptTree(f.Op.Task)
		}
		if f.Left != "" {
			b.bare = append(b.bare, f)
		}
	case phases.TaskStarted, phases.TaskDone, phases.TaskFailed:
		for _, p := range b.task(f, plan) {
			wrong("%s", p)
		}
	case phases.TaskRebased:
		if len(f.Conflicts) > 0 {
			b.conflicts++
		}
	case phases.AttemptFinished:
		b.keptTree(string(f.Task))
		if f.Outcome == "diverged" {
			wrong("the attempt diverged: %s", f.Reason)
		}
	}
	if u := b.used(); u > b.cap {
		wrong("%s of %s are used", u, b.cap)
	}
	return f, problems
}

func (b *book) settle(s budget.Settlement) (problems []string) {
	key := s.Op.String()
	h, ok := b.holds[key]
	if !ok {
		return []string{"no hold is open for " + key}
	}
	delete(b.holds, key)
	b.fates[key] = s
	switch s.Fate {
	case budget.Answered:
		b.spent += s.Cost
		if s.Cost > h.Money {
			problems = append(problems, fmt.Sprintf("it cost %s, held were %s", s.Cost, h.Money))
		}
	case budget.Unknown:
		b.unknown += h.Money
	}
	return problems
}

// task checks that a task starts only when all it needs is done and nobody works where it does.
func (b *book) task(f phases.Fact, plan *planner.Plan) (problems []string) {
	switch f := f.(type) {
	case phases.TaskDone:
		if b.tasks[f.Task] == "done" {
			problems = append(problems, "it is done already: "+string(f.Task))
		}
		b.tasks[f.Task] = "done"
		b.commits = append(b.commits, f.Commit)
	case phases.TaskFailed:
		b.tasks[f.Task] = "failed"
	case phases.TaskStarted:
		task, _ := plan.Task(f.Task)
		for _, n := range task.Needs {
			if b.tasks[n] != "done" {
				problems = append(problems, fmt.Sprintf("%s starts before %s is done", f.Task, n))
			}
		}
		for _, other := range slices.Sorted(maps.Keys(b.tasks)) {
			o, _ := plan.Task(other)
			if b.tasks[other] == "started" && other != f.Task && len(o.Writes) > 0 && len(task.Writes) > 0 && o.Writes[0] == task.Writes[0] {
				problems = append(problems, fmt.Sprintf("%s and %s claim the same", f.Task, other))
			}
		}
		b.tasks[f.Task] = "started"
	}
	return problems
}

// answered says whether the question of a call was answered before, at its place in the transcript
// or by its words.
func (b *book) answered(c budget.Call) bool {
	for key, s := range b.fates {
		if s.Fate != budget.Answered || s.Op.Task != c.Op.Task {
			continue
		}
		if s.Op.Attempt == c.Op.Attempt && s.Op.Step == c.Op.Step || b.asked[key].RequestHash == c.RequestHash {
			return true
		}
	}
	return false
}

// flying says whether a call of a task is open.
func (b *book) flying(task planner.TaskID) bool {
	for _, h := range b.holds {
		if h.Op.Task == string(task) {
			return true
		}
	}
	return false
}

// keptTree notes that nothing a task did before is done again.
func (b *book) keptTree(task string) {
	b.bare = slices.DeleteFunc(b.bare, func(f phases.EffectFinished) bool { return f.Op.Task == task })
}

// since names the calls of a task that are made again when its tree is brought back, in their order.
func (b *book) since(task string) (names []string) {
	for _, f := range b.bare {
		if f.Op.Task == task {
			names = append(names, f.Name)
		}
	}
	return names
}

// begun says whether an effect of one of the kinds is intended and not over; name "" means any.
func (b *book) begun(task, name string, kinds ...phases.EffectKind) bool {
	for _, e := range b.open {
		if slices.Contains(kinds, e.Effect) && (task == "" || e.Op.Task == task) && (name == "" || e.Name == name) {
			return true
		}
	}
	return false
}
