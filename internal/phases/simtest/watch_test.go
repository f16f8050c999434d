package simtest

import (
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// watch looks on while one process lives: at every record that is durable, every question that
// leaves, every tool, gate and commit. It implements phases.Observer.
type watch struct {
	world *world
	life  *life
	again map[string][]string // calls that are to be made again, by task
}

func (w *watch) fail(format string, args ...any) {
	w.world.fail(fmt.Sprintf("life %d, step %d: ", w.life.number, w.life.count())+format, args...)
}

// Observe implements phases.Observer.
func (w *watch) Observe(envs []checkpoint.Envelope, s *phases.State) {
	w.world.mu.Lock()
	b := w.world.book
	var problems []string
	for _, e := range envs {
		f, wrong := b.take(e, &w.world.story.plan)
		problems = append(append(problems, wrong...), w.outcome(f)...)
	}
	w.world.acked = b.seq
	a := s.Guard.Account(budget.Build)
	if a.Spent != b.spent || a.Unknown != b.unknown || a.Held != b.held() {
		problems = append(problems, fmt.Sprintf("the guard has %s, %s, %s; the records say %s, %s, %s", a.Spent, a.Unknown, a.Held, b.spent, b.unknown, b.held()))
	}
	w.world.mu.Unlock()
	for _, p := range problems {
		w.fail("%s", p)
	}
}

// outcome looks at a settlement: what was received whole is answered, and what is not has a reason.
func (w *watch) outcome(f phases.Fact) (problems []string) {
	answered, ok := f.(phases.CallAnswered)
	if !ok {
		return nil
	}
	key := answered.Op.String()
	switch answered.Fate {
	case budget.Answered:
	case budget.Free:
	default:
		if !w.world.excused[key] && !w.life.excused() && !w.world.provider.troubled(key) {
			problems = append(problems, fmt.Sprintf("%s is unknown (%s), and nothing happened to it", key, answered.Error))
		}
	}
	if answered.Fate != budget.Answered && w.world.mustAnswer[key] {
		problems = append(problems, fmt.Sprintf("%s is %s (%s), and its answer was whole in its spool", key, answered.Fate, answered.Error))
	}
	if raw, ok := w.world.disk.read(spoolDir + "/" + answered.Op.File()); answered.Fate == budget.Unknown && ok && w.world.provider.whole(answered.Op.File(), raw) && w.life.faults() == 0 {
		problems = append(problems, fmt.Sprintf("%s is unknown (%s) while its answer is whole in its spool", key, answered.Error))
	}
	return problems
}

// wrote is called after a write to a file, which holds data now.
func (w *watch) wrote(name string, data []byte) {
	if op, ok := strings.CutPrefix(name, spoolDir+"/"); ok && w.world.provider.whole(op, data) {
		w.world.mu.Lock()
		defer w.world.mu.Unlock()
		w.world.received[op] = true
	}
}

// removes is called before a file is removed: a spool is there until its op is settled.
func (w *watch) removes(name string) {
	file, ok := strings.CutPrefix(name, spoolDir+"/")
	op, err := budget.ParseOp(file)
	if !ok || err != nil {
		return
	}
	w.world.mu.Lock()
	_, open := w.world.book.holds[op.String()]
	w.world.mu.Unlock()
	if open {
		w.fail("the spool of %s is removed before it is settled", op)
	}
}

// sent is called when the provider has a question.
func (w *watch) sent(call budget.Call, b bill) {
	w.world.mu.Lock()
	book := w.world.book
	hold, held := book.holds[call.Op.String()]
	again := book.answered(call)
	used, limit := book.used(), book.cap
	w.world.mu.Unlock()
	if !held {
		w.fail("%s was sent, and no hold for it is durable", call.Op)
	}
	if again {
		w.fail("%s asks what was answered before", call.Op)
	}
	if !b.trouble.billed() {
		w.world.provider.note(b)
		return
	}
	if held && b.cost > hold.Money {
		w.fail("%s is billed %s, held are %s: the simulation itself is wrong", call.Op, b.cost, hold.Money)
	}
	if total := w.world.provider.enter(b); total > used || total > limit {
		w.fail("the provider has billed %s, booked are %s, the cap is %s", total, used, limit)
	}
}

// brought is called when the scratch tree of a task is brought back to the newest one that is kept: each call since is
// made again, once, in their order.
func (w *watch) brought(task string) {
	w.world.mu.Lock()
	defer w.world.mu.Unlock()
	if w.again == nil {
		w.again = map[string][]string{}
	}
	w.again[task] = w.world.book.since(task)
}

// toolRuns is called when a tool begins.
func (w *watch) toolRuns(task planner.TaskID, name string) {
	w.world.mu.Lock()
	flying := w.world.book.flying(task)
	begun := w.world.book.begun(string(task), name, phases.EffectTool)
	again := w.again[string(task)]
	made := len(again) > 0 && again[0] == name
	if made {
		w.again[string(task)] = again[1:]
	}
	w.world.mu.Unlock()
	if made {
		return // it was asked for, begun and over before the tree was brought back
	}
	if flying {
		w.fail("tool %s of %s runs before the answer that asked for it is durable", name, task)
	}
	if !begun && name != "look" {
		w.fail("tool %s of %s runs without a durable intent", name, task)
	}
}

func (w *watch) gateRuns(r phases.GateRun) {
	w.world.mu.Lock()
	begun := w.world.book.begun("", "", phases.EffectGate, phases.EffectSetup)
	w.world.mu.Unlock()
	if !begun {
		w.fail("gate %s runs without a durable intent", r.Gate.ID)
	}
}
