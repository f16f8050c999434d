package phases

import (
	"fmt"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// The kinds of records about what a person orders and says.
const (
	KindOrdered       Kind = "order.given"
	KindNoteTold      Kind = "note.told"
	KindQuestionAsked Kind = "question.asked"
)

// NoteTold says that notes stand in the question that an attempt asks at Op.Step, and in none before.
// Notes are the numbers of the records that gave them.
type NoteTold struct {
	Op    budget.Op `json:"op"`
	Notes []uint64  `json:"notes"`
}

// QuestionAsked parks a task: its agent asks a person, and the attempt stays open.
type QuestionAsked struct {
	Op       budget.Op `json:"op"`
	Request  string    `json:"request"` // hash of all that was asked
	Text     string    `json:"text"`
	Reason   string    `json:"reason,omitempty"`
	Evidence string    `json:"evidence,omitempty"`
}

func (Ordered) kind() Kind       { return KindOrdered }
func (NoteTold) kind() Kind      { return KindNoteTold }
func (QuestionAsked) kind() Kind { return KindQuestionAsked }

// Given is what is kept of an order, so that it is known when it comes again.
type Given struct {
	Verb OrderVerb      `json:"verb"`
	Task planner.TaskID `json:"task,omitempty"`
	Seq  uint64         `json:"seq"`
	Time time.Time      `json:"time"`
	Sum  string         `json:"sum"` // over all that it asks for
}

// Held is a pause: since when, and by which order.
type Held struct {
	Order string    `json:"order"`
	Seq   uint64    `json:"seq"`
	Since time.Time `json:"since"`
}

// Said is what a person told the agents: a note, or the answer to a question. Task "" means all.
type Said struct {
	Seq      uint64         `json:"seq"`
	Task     planner.TaskID `json:"task,omitempty"`
	Question string         `json:"question,omitempty"`
	Text     string         `json:"text"`
}

// Pending is a question that waits for its answer.
type Pending struct {
	Op       budget.Op `json:"op"`
	Text     string    `json:"text"`
	Reason   string    `json:"reason,omitempty"`
	Evidence string    `json:"evidence,omitempty"`
	Asked    time.Time `json:"asked"`
}

// concerns says whether a task is told of it.
func (s Said) concerns(id planner.TaskID) bool { return s.Task == "" || s.Task == id }

// letGo ends a pause where the process that waits in it ends, or a new one takes the build up.
func (s *State) letGo(f Fact) {
	switch f.(type) {
	case SessionStarted, Paused, Finished:
		s.Held = nil
	}
}

func (s *State) applyOrder(f Fact, at time.Time) error {
	switch f := f.(type) {
	case Ordered:
		return s.applyOrdered(f, at)
	case NoteTold:
		a := s.attempt(f.Op)
		if a == nil {
			return fmt.Errorf("apply note to %s: it has no such attempt", f.Op)
		}
		if a.Told == nil {
			a.Told = map[int][]uint64{}
		}
		a.Told[f.Op.Step] = f.Notes
		for _, n := range f.Notes {
			a.Heard = max(a.Heard, n)
		}
	case QuestionAsked:
		s.put(f.Op, &Outcome{Request: f.Request, Effect: EffectQuestion})
		return s.onTask(planner.TaskID(f.Op.Task), func(t *TaskState) {
			t.State = TaskWaiting
			t.Question = &Pending{Op: f.Op, Text: f.Text, Reason: f.Reason, Evidence: f.Evidence, Asked: at}
		})
	}
	return nil
}

func (s *State) applyOrdered(f Ordered, at time.Time) error {
	if _, ok := s.Orders[f.ID]; ok {
		return fmt.Errorf("apply order %s: it was given before", f.ID)
	}
	if s.Orders == nil {
		s.Orders = map[string]Given{}
	}
	s.Orders[f.ID] = Given{Verb: f.Verb, Task: f.Task, Seq: s.Seq, Time: at, Sum: f.sum()}
	switch f.Verb {
	case OrderPause:
		if s.Held == nil {
			s.Held = &Held{Order: f.ID, Seq: s.Seq, Since: at}
		}
	case OrderContinue:
		s.Held = nil
	case OrderNote:
		s.Said = append(s.Said, Said{Seq: s.Seq, Task: f.Task, Text: f.Text})
	case OrderAnswer:
		return s.onTask(f.Task, func(t *TaskState) { s.answer(t, f) })
	}
	return nil
}

// answer lets a parked task go on.
func (s *State) answer(t *TaskState, f Ordered) {
	if t.Question == nil {
		return
	}
	s.Said = append(s.Said, Said{Seq: s.Seq, Task: f.Task, Question: t.Question.Text, Text: f.Text})
	if o := s.outcome(t.Question.Op); o != nil {
		o.Done, o.Said = true, f.Text
	}
	t.State, t.Question = TaskRunning, nil
}

// note is a note by the number of its record.
func (s *State) note(seq uint64) string {
	for _, said := range s.Said {
		if said.Seq == seq {
			return said.Text
		}
	}
	return ""
}
