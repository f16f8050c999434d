package phases

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// ApplyEnvelope folds one kept record into s.
func (s *State) ApplyEnvelope(e checkpoint.Envelope) error {
	f, err := Decode(e.Kind, e.Payload)
	if err != nil {
		return err
	}
	if e.Seq != s.Seq+1 {
		return fmt.Errorf("apply record %d after %d: %w", e.Seq, s.Seq, checkpoint.ErrCorrupt)
	}
	return s.Apply(f, e.Time)
}

// Apply folds one fact into s. It is pure: time comes with the record, nothing else comes from
// outside. An error means that the record contradicts the records before it.
func (s *State) Apply(f Fact, at time.Time) error {
	s.Seq++
	s.Updated = at
	s.letGo(f)
	switch f := f.(type) {
	case BuildStarted:
		s.Build, s.Run = f, Running
		s.Guard = budget.NewGuard(f.Caps)
	case SessionStarted:
		if f.Anyway || f.BaseURL != s.Session.BaseURL {
			s.NotBefore, s.WaitMS = time.Time{}, 0 // nobody has asked for that wait
		}
		s.Careful = s.Sessions > 0 && s.Run == Running // the process before this one was cut
		s.Session, s.Run, s.Reason = f, Running, nil
		s.Sessions++
	case PlanAccepted:
		s.Plan, s.PlanHash, s.PlanBy, s.Drafted = f.Plan, f.Hash, f.By, f.Drafted
		if t, ok := s.Tasks[planner.PlanTask]; ok {
			t.State, t.Open, t.Ready = TaskIsDone, nil, nil
		}
	case BuildForked:
		return s.applyFork(f)
	case PlanAmended, ChangeAccepted, SpecKept, UserCommitted, UserDiscarded, EditsProven:
		return s.applyChange(f)
	case CapsRaised:
		s.Warned = nil // under new caps every warning may come once more
		return s.Guard.Raise(f.Caps)
	case CallIntended, CallAnswered, CallFailed:
		return s.applyCall(f)
	case CallDelivered:
		s.applyDelivered(f)
	case EffectStarted, EffectFinished:
		return s.applyEffect(f)
	case TaskStarted, AttemptStarted, AttemptFinished, TaskDone, TaskFailed, TaskReopened, TaskRebased:
		return s.applyTask(f, at)
	case MergeStarted, MergeFinished:
		return s.applyMerge(f)
	case Ordered, NoteTold, QuestionAsked:
		return s.applyOrder(f, at)
	case Rescued, Recognised:
		return s.applyRescue(f)
	case BudgetWarned:
		s.Warned = append(s.Warned, f.Mark)
	case Paused:
		s.Run, s.Reason = PausedState, &f.Reason
		if f.Reason.Code == CodeInterrupted {
			s.Run = Interrupted
		}
	case Finished:
		s.Run, s.Reason = RunState(f.State), nil
	default:
		return fmt.Errorf("apply record: unknown fact %T", f)
	}
	return nil
}

func (s *State) applyCall(f Fact) error {
	switch f := f.(type) {
	case CallIntended:
		if err := s.Guard.Book(f.Hold); err != nil {
			return err
		}
		if s.asked(f.Hold.Op) {
			s.Repeats++
		}
		s.put(f.Hold.Op, &Outcome{Request: f.Hold.RequestHash})
	case CallAnswered:
		if err := s.Guard.Settle(f.Settlement); err != nil {
			return err
		}
		if o := s.outcome(f.Op); o != nil {
			o.Done, o.Fate, o.Error = true, f.Fate, f.Error
			o.Answer, o.Type = checkpoint.Hash(f.Answer), f.ContentType
		}
	case CallFailed:
		if f.NotBefore.After(s.NotBefore) {
			s.NotBefore, s.WaitMS = f.NotBefore, f.WaitMS
		}
		if o := s.outcome(f.Op); o != nil {
			o.Failed = &f
			s.refuse(f, o.Request)
		}
	}
	return nil
}

// refuse remembers a request that the provider will never take.
func (s *State) refuse(f CallFailed, hash string) {
	if t := s.Tasks[planner.TaskID(f.Op.Task)]; t != nil && f.Class == string(agent.FixRequest) && !slices.Contains(t.Refused, hash) {
		t.Refused = append(t.Refused, hash)
	}
}

func (s *State) applyEffect(f Fact) error {
	switch f := f.(type) {
	case EffectStarted:
		s.put(f.Op, &Outcome{Request: f.Request, Effect: f.Effect})
		if a := s.attempt(f.Op); a != nil && f.Effect == EffectTool && f.Tree != "" { // kept before a call that cannot tell what it changes
			a.Tree, a.Kept = f.Tree, f.Op.Step-1
		}
	case EffectFinished:
		s.put(f.Op, &Outcome{Request: f.Request, Effect: f.Effect, Done: true, Finished: &f})
		if f.Gate != nil {
			s.standing(f.Op, *f.Gate)
		}
		a := s.attempt(f.Op)
		t := s.Tasks[planner.TaskID(f.Op.Task)]
		if a == nil || t == nil {
			return nil
		}
		if f.Tree != "" {
			a.Tree, a.Kept = f.Tree, f.Op.Step
		}
		if f.Note != "" {
			t.Notes = append(t.Notes, f.Note)
		}
	}
	return nil
}

func (s *State) applyTask(f Fact, at time.Time) error {
	switch f := f.(type) {
	case TaskStarted:
		before := s.Task(f.Task) // a reopened task goes on counting its attempts
		s.Tasks[f.Task] = &TaskState{
			Attempts: before.Attempts, Before: before.Attempts, Past: before.Past, Reason: before.Reason,
			ID: f.Task, Phase: f.Phase, State: TaskRunning, Base: f.Commit, BaseTree: f.Tree, Hash: f.Hash, After: s.Commits,
			Ready: &AttemptState{Outcomes: map[string]*Outcome{}},
			Gates: before.carried(), Again: before.Again, Earlier: before.Earlier, Proven: before.Proven,
		}
		return nil
	case AttemptStarted:
		return s.onTask(f.Task, func(t *TaskState) {
			t.Attempts, t.Model, t.Why = f.Attempt, f.Model, f.Why
			t.Open = &AttemptState{Number: f.Attempt, Engine: f.Engine, Frozen: f.Frozen, Prompts: f.Prompts, Start: t.start(), Tree: t.start(), Outcomes: map[string]*Outcome{}, Heard: f.Heard}
		})
	case AttemptFinished:
		s.Careful = false
		return s.onTask(f.Task, func(t *TaskState) {
			t.Open, t.Accepted, t.Reason, t.Summary = nil, f.Tree, f.Reason, f.Summary
			t.Past = append(t.Past, f.Outcome)
			if f.Tree == "" {
				t.Notes = nil
			} else {
				t.AcceptedAt = at
			}
		})
	case TaskDone:
		s.Commits++
		s.Head, s.HeadTree = f.Commit, f.Tree
		return s.onTask(f.Task, func(t *TaskState) {
			t.State, t.Commit, t.Tree, t.Edits, t.Nth = TaskIsDone, f.Commit, f.Tree, f.Edits, s.Commits
			t.Open, t.Ready, t.Rebased, t.Reason, t.Again, t.Proven = nil, nil, nil, "", nil, nil
			s.spread(t)
		})
	case TaskRebased:
		return s.onTask(f.Task, func(t *TaskState) { t.rebase(f, s.Commits) })
	case TaskReopened:
		return s.onTask(f.Task, func(t *TaskState) { t.State = TaskPending })
	case TaskFailed:
		return s.onTask(f.Task, func(t *TaskState) {
			t.State, t.Reason, t.Open, t.Ready = TaskIsFail, f.Reason, nil, nil
		})
	}
	return nil
}

// standing notes what a gate showed, with the task whose tree it looked at. Gates of a merge that
// look after the work of other tasks change nothing: either they are green, or a task goes back.
func (s *State) standing(op budget.Op, g GateOutcome) {
	id := g.Task
	if id == "" {
		id = planner.TaskID(op.Task)
	}
	if t, ok := s.Tasks[id]; ok {
		t.standing(g)
	}
}

func (s *State) onTask(id planner.TaskID, fn func(*TaskState)) error {
	t, ok := s.Tasks[id]
	if !ok {
		return fmt.Errorf("apply record of task %s: it has not started", id)
	}
	fn(t)
	return nil
}

func (s *State) put(op budget.Op, o *Outcome) {
	a := s.attempt(op)
	if a == nil {
		return
	}
	if a.Outcomes == nil { // as it comes back from a snapshot
		a.Outcomes = map[string]*Outcome{}
	}
	a.Outcomes[stepKey(op)] = o
}

func (s *State) outcome(op budget.Op) *Outcome {
	if a := s.attempt(op); a != nil {
		return a.Outcomes[stepKey(op)]
	}
	return nil
}

// before is the outcome of the send before op's of the same question.
func (s *State) before(op budget.Op) *Outcome {
	op.Send--
	return s.outcome(op)
}

func (t *TaskState) standing(g GateOutcome) {
	st, ok := t.Gates[g.Gate]
	if !ok {
		st = &GateStanding{}
		if t.Gates == nil {
			t.Gates = map[planner.GateID]*GateStanding{}
		}
		t.Gates[g.Gate] = st
	}
	if g.Base {
		st.BaseRun, st.Red = true, !g.Pass
		return
	}
	st.Pass, st.Tests, st.Log, st.Short = g.Pass, g.Tests, g.Log, g.Short
}

func stepKey(op budget.Op) string {
	return strconv.Itoa(op.Step) + "." + strconv.Itoa(op.Send)
}
