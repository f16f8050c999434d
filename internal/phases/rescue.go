package phases

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// The kinds of records that bring a build back whose journal was damaged or lost.
const (
	KindRescued    Kind = "journal.rescued"
	KindRecognised Kind = "task.recognised"
)

// The rules of a rescue are:
//   - records that are kept anywhere, whole by their checksums and without a gap, are taken over as
//     they are: nothing that they know is done or paid again
//   - a task whose record is lost and whose commit is on the branch is done; which of its gates were
//     red before is not known any more, so it proves no requirement by itself (law L7)
//   - what projections say was used, beyond what the records know, is booked as unknown (law L3)

// Rescued says that a person had the journal made anew, and from what. Charges are what is known to
// have been used beyond the records; Restarted are tasks whose open attempts cannot be gone on with.
type Rescued struct {
	From      string           `json:"from"`    // "journal", "backup", "events" or "status"
	Records   uint64           `json:"records"` // that were taken over
	Aside     string           `json:"aside,omitempty"`
	Charges   []Charge         `json:"charges,omitempty"`
	Restarted []planner.TaskID `json:"restarted,omitempty"`
	// Lost are blobs that earlier records name and that could not be read any more.
	Lost []checkpoint.Hash `json:"lost,omitempty"`
	At   time.Time         `json:"at"`
}

// Charge is what calls have used whose records are lost.
type Charge struct {
	Scope  budget.Scope `json:"scope"`
	Money  budget.Micro `json:"microusd"`
	Tokens int64        `json:"tokens,omitempty"`
}

// Recognised is a task that is done by what its commit says of itself; Tree is the commit's manifest.
type Recognised struct {
	Task    planner.TaskID  `json:"task"`
	Phase   planner.PhaseID `json:"phase"`
	Attempt int             `json:"attempt"`
	Parent  string          `json:"parent,omitempty"`
	Commit  string          `json:"commit"`
	Tree    checkpoint.Hash `json:"tree"`
}

func (Rescued) kind() Kind    { return KindRescued }
func (Recognised) kind() Kind { return KindRecognised }

func (s *State) applyRescue(f Fact) error {
	switch f := f.(type) {
	case Rescued:
		for _, c := range f.Charges {
			if err := s.Guard.Charge(c.Scope, c.Money, c.Tokens); err != nil {
				return err
			}
		}
		for _, id := range f.Restarted {
			if err := s.onTask(id, restart); err != nil {
				return err
			}
			s.dropMerge(id)
		}
		if s.Run == DoneState || s.Run == FailedState {
			s.Run = Running // what was finished may not be any more; the next run says
		}
	case Recognised:
		before := s.Task(f.Task)
		s.dropMerge(f.Task)
		s.Commits++
		s.Tasks[f.Task] = &TaskState{
			ID: f.Task, Phase: f.Phase, State: TaskIsDone, Base: f.Parent, Attempts: max(before.Attempts, f.Attempt), Before: before.Before, Past: before.Past,
			Model: before.Model, Why: before.Why, Commit: f.Commit, Tree: f.Tree, Nth: s.Commits,
		}
		s.Head, s.HeadTree = f.Commit, f.Tree
	}
	return nil
}

// dropMerge forgets the merge that is going on when a task is a part of it. Its other candidates stay
// accepted, and are merged anew.
func (s *State) dropMerge(id planner.TaskID) {
	if s.merges(id) {
		s.Merge = nil
	}
}

// restart lets a task begin anew, from the newest commit. Its attempts stay counted.
func restart(t *TaskState) { t.State, t.Open, t.Ready, t.Accepted = TaskPending, nil, nil, "" }

// OpenTasks lists the tasks that are under way, in the order of the plan; without a plan, planning.
func OpenTasks(p *planner.Plan, s *State) []planner.TaskID {
	var open []planner.TaskID
	ids := []planner.TaskID{planner.PlanTask}
	if p != nil {
		for _, t := range p.Tasks() {
			ids = append(ids, t.ID)
		}
	}
	for _, id := range ids {
		if s.Task(id).State == TaskRunning {
			open = append(open, id)
		}
	}
	return open
}

// Needs lists the blobs without which a task under way cannot be gone on with: those of its attempt,
// and the manifests of its trees, whose files it needs too.
func (s *State) Needs(id planner.TaskID) (blobs, trees []checkpoint.Hash) {
	t := s.Task(id)
	trees = []checkpoint.Hash{t.BaseTree, t.start(), t.Accepted}
	attempts := []*AttemptState{t.Open, t.Ready}
	if s.merges(id) {
		attempts = append(attempts, &s.Merge.Effects)
		trees = append(trees, s.Merge.Tree)
		for _, it := range s.Merge.Items {
			trees = append(trees, it.Candidate, it.Tree)
		}
	}
	for _, a := range attempts {
		if a == nil {
			continue
		}
		blobs, trees = append(blobs, a.Frozen), append(trees, a.Tree)
		for _, key := range slices.Sorted(maps.Keys(a.Outcomes)) {
			o := a.Outcomes[key]
			blobs = append(blobs, o.Answer)
			if o.Finished != nil {
				blobs = append(blobs, o.Finished.Blob)
			}
		}
	}
	none := func(h checkpoint.Hash) bool { return h == "" }
	return slices.DeleteFunc(blobs, none), slices.DeleteFunc(trees, none)
}

// merges says whether a task is a part of the merge that is going on.
func (s *State) merges(id planner.TaskID) bool {
	return s.Merge != nil && slices.ContainsFunc(s.Merge.Items, func(it MergeItem) bool { return it.Task == id })
}

// Landing says whether all of these tasks are what the merge that is going on puts on the branch: then
// going on with it records them as done.
func (s *State) Landing(done []Recognised) bool {
	return len(done) > 0 && !slices.ContainsFunc(done, func(r Recognised) bool { return !s.merges(r.Task) })
}

// Tail folds further records of the same build into s, those that follow it without a gap, and
// returns them. It stops, without an error, before the first that does not follow or contradicts what
// is known.
func (s *State) Tail(envs []checkpoint.Envelope) []checkpoint.Envelope {
	var taken []checkpoint.Envelope
	for _, e := range envs {
		if e.Seq <= s.Seq {
			continue
		}
		if e.Verify(s.Seq+1) != nil || !s.fits(e) {
			break
		}
		taken = append(taken, e)
	}
	return taken
}

// fits applies a record, and says whether it could be.
func (s *State) fits(e checkpoint.Envelope) bool {
	seq := s.Seq
	if err := s.ApplyEnvelope(e); err != nil {
		s.Seq = min(s.Seq, seq) // a record that cannot be applied changes nothing but this
		return false
	}
	return true
}

// Strays are the charges of calls in records that cannot be taken over: a call that was settled is
// charged what it cost, any other its whole hold.
func Strays(envs []checkpoint.Envelope) []Charge {
	holds, settled := map[string]budget.Hold{}, map[string]budget.Settlement{}
	var order []string
	for _, e := range envs {
		f, err := Decode(e.Kind, e.Payload)
		if err != nil {
			continue
		}
		switch f := f.(type) {
		case CallIntended:
			key := f.Hold.Op.String()
			if _, twice := holds[key]; !twice {
				order = append(order, key)
			}
			holds[key] = f.Hold
		case CallAnswered:
			settled[f.Op.String()] = f.Settlement
		}
	}
	var sum Charges
	for _, key := range order {
		h := holds[key]
		money, tokens := h.Money, h.Tokens
		switch s, ok := settled[key]; {
		case ok && s.Fate == budget.Answered && !s.Uncounted:
			money, tokens = s.Billed(), s.Usage.Tokens()
		case ok && s.Fate == budget.Free:
			money, tokens = 0, 0
		}
		for _, scope := range h.Scopes {
			sum.Add(Charge{scope, money, tokens})
		}
	}
	return sum
}

// Charges are charges by scope, each scope once.
type Charges []Charge

// Add adds to what is charged to a scope.
func (c *Charges) Add(more Charge) {
	i := c.of(more.Scope)
	(*c)[i].Money += more.Money
	(*c)[i].Tokens += more.Tokens
}

// AtLeast raises what is charged to a scope to an amount.
func (c *Charges) AtLeast(least Charge) {
	i := c.of(least.Scope)
	(*c)[i].Money = max((*c)[i].Money, least.Money)
	(*c)[i].Tokens = max((*c)[i].Tokens, least.Tokens)
}

func (c *Charges) of(s budget.Scope) int {
	for i, have := range *c {
		if have.Scope == s {
			return i
		}
	}
	*c = append(*c, Charge{Scope: s})
	return len(*c) - 1
}

// Beyond are the charges that make s count at least what a status says was used, held money
// included. A status that s is not older than says nothing that its records do not.
func Beyond(s *State, told Status) Charges {
	var out Charges
	if told.Seq <= s.Seq && s.Seq > 0 {
		return out
	}
	more := func(scope budget.Scope, money budget.Micro, tokens int64) Charge {
		have := s.Guard.Account(scope)
		return Charge{scope, max(0, money-have.Used()), max(0, tokens-have.UsedTokens())}
	}
	b := told.Budget
	whole := more(budget.Build, budget.Micro(b.Spent+b.Unknown+b.Held), b.Tokens)
	out.Add(whole)
	phases := map[planner.PhaseID]Charge{}
	for _, t := range told.Tasks {
		c := more(budget.TaskScope(string(t.ID)), t.Cost, 0)
		if t.State == TaskRunning { // what is held is held by one of those
			c.Money, c.Tokens = max(c.Money, whole.Money), whole.Tokens
		}
		if c.Money == 0 && c.Tokens == 0 {
			continue
		}
		out.Add(c)
		if t.Phase != "" {
			p := phases[t.Phase]
			phases[t.Phase] = Charge{budget.PhaseScope(string(t.Phase)), min(whole.Money, p.Money+c.Money), min(whole.Tokens, p.Tokens+c.Tokens)}
		}
	}
	for _, t := range told.Tasks {
		if p, ok := phases[t.Phase]; ok {
			out.AtLeast(p)
		}
	}
	return out
}

// ErrNothingTold means that nothing is kept from which a build could begin again.
var ErrNothingTold = errors.New("nothing is kept that tells what this build was")
