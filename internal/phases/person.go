package phases

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// EffectQuestion is a question to a person: its outcome is the answer.
const EffectQuestion EffectKind = "question"

// person is what an attempt hears of the person who watches the build.
//
// The rules are: a note is recorded with its step before the question that it stands in is asked; at
// a step that the journal knows, what was told then is told again, and nothing else; a question is an
// effect, and its answer is the one that the journal has for its op.
type person struct {
	writer *Writer
	at     *attempt
}

// Notes implements agent.Person.
func (p person) Notes(ctx context.Context) ([]string, error) {
	op := p.at.next()
	p.at.step-- // the step is the question's that follows
	first := op
	first.Send = 1
	var texts []string
	err := p.writer.Decide(ctx, func(s *State) ([]Fact, error) {
		texts = nil
		a := s.attempt(op)
		if a == nil {
			return nil, fmt.Errorf("hear notes at %s: there is no such attempt", op)
		}
		notes, again := a.Told[op.Step]
		if _, asked := a.Outcomes[stepKey(first)]; !again && !asked {
			notes = s.untold(planner.TaskID(op.Task), a.Heard)
		}
		for _, n := range notes {
			texts = append(texts, s.note(n))
		}
		if again || len(notes) == 0 {
			return nil, nil
		}
		return []Fact{NoteTold{Op: op, Notes: notes}}, nil
	})
	return texts, err
}

// untold lists the notes for a task that came after record number heard.
func (s *State) untold(id planner.TaskID, heard uint64) []uint64 {
	var notes []uint64
	for _, said := range s.Said {
		if said.Seq > heard && said.Question == "" && said.concerns(id) {
			notes = append(notes, said.Seq)
		}
	}
	return notes
}

// Answer implements agent.Person.
func (p person) Answer(ctx context.Context, q agent.Question) (string, bool, error) {
	op := p.at.next()
	asked := QuestionAsked{Op: op, Text: clip(q.Text, failBytes), Reason: clip(q.Reason, failBytes), Evidence: clip(q.Evidence, failBytes), Request: sumOf("question", q.Text, q.Reason, q.Evidence)}
	var known Outcome
	err := p.writer.Decide(ctx, func(s *State) ([]Fact, error) {
		var ok bool
		switch known, ok = s.Find(op); {
		case !ok:
			return []Fact{asked}, nil
		case known.Request != asked.Request:
			return nil, fmt.Errorf("question %s: %w", op, ErrReplay)
		}
		return nil, nil
	})
	return known.Said, known.Done, err
}

// saidBytes bounds what a new attempt is told of a person's words.
const saidBytes = 48 << 10

// said is what a new attempt at a task is told of the person's words, and the number of the last
// record among them.
func (s *State) said(id planner.TaskID) (lines []string, last uint64) {
	lines, last = s.saidAfter(id, 0)
	size := 0
	for i := len(lines) - 1; i >= 0; i-- { // what was said last counts most
		if size += len(lines[i]); size > saidBytes {
			return append([]string{"[… what was said before that is left out …]"}, lines[i+1:]...), last
		}
	}
	return lines, last
}

// saidAfter is what a person said of a task after a record, and the number of the last record of it.
func (s *State) saidAfter(id planner.TaskID, heard uint64) (lines []string, last uint64) {
	for _, w := range s.Said {
		switch {
		case w.Seq <= heard || !w.concerns(id):
			continue
		case w.Question != "":
			lines = append(lines, "You asked: "+w.Question+"\nThe answer is: "+w.Text)
		default:
			lines = append(lines, w.Text)
		}
		last = w.Seq
	}
	return lines, last
}

// asking pauses a build in which nothing is left to do but what waits for answers.
func (e *Engine) asking(ctx context.Context) error {
	var open []string
	var first planner.TaskID
	err := e.Writer.View(ctx, func(s *State) {
		for _, t := range e.plan.Tasks() {
			if q := s.Task(t.ID).Question; q != nil {
				if first == "" {
					first = t.ID
				}
				open = append(open, fmt.Sprintf("%s asks: %s", t.ID, q.Text))
			}
		}
	})
	if err != nil {
		return err
	}
	return &PauseError{Reason: Reason{Code: CodeQuestion, Message: strings.Join(open, "; "), Hint: "answer with: " + answerCommand(e.again(), first) + "; then go on with: " + e.again()}}
}

// answerCommand is the command that answers a task's question, for the build that again goes on with.
func answerCommand(again string, id planner.TaskID) string {
	return "builder answer " + string(id) + ` "TEXT"` + strings.TrimPrefix(again, "builder resume")
}
