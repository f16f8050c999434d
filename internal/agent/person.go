package agent

import (
	"context"
	"slices"
	"strings"
)

// Person is whoever watches a build, as far as a running attempt hears of them. What it gives MUST
// depend on its journal alone: run again on the same journal, a loop hears the same at the same place.
type Person interface {
	// Notes gives what the agent is to be told before its next answer, each note once in an attempt.
	Notes(ctx context.Context) ([]string, error)
	// Answer gives the person's answer to a question; false means that there is none yet.
	Answer(ctx context.Context, q Question) (string, bool, error)
}

// Question is what an agent asks a person: it cannot go on, but for an answer.
type Question struct {
	Text     string
	Reason   string // why it cannot go on without
	Evidence string
}

// What stands before a person's words when a running agent is told them.
const (
	SayNote   = "Note from the person who watches this build, given while you work. It tells you how to do your task; the gates stay as they are.\n"
	SayAnswer = "A person answers your question:\n"
)

// hear takes the person's notes into the last message, which has not been sent yet. While the
// provider's own turn is unfinished nobody can be heard.
func (r *run) hear(ctx context.Context) error {
	last := len(r.messages) - 1
	if r.loop.Person == nil || r.messages[last].Role != User {
		return nil
	}
	notes, err := r.loop.Person.Notes(ctx)
	if err != nil || len(notes) == 0 {
		return err
	}
	said := make([]Block, len(notes))
	for i, n := range notes {
		said[i] = Block{Kind: TextBlock, Text: SayNote + n}
	}
	r.heard = append(r.heard, said...)
	m := r.messages[last]
	m.Blocks = append(slices.Clone(m.Blocks), said...)
	r.messages = append(r.messages[:last:last], m)
	r.size.fresh += sizeOf(Message{Blocks: said})
	return nil
}

// ask puts a question to the person. Without an answer the attempt ends as Asked: it stays open, and
// goes on from here when there is one.
func (r *run) ask(ctx context.Context, in blockedInput) (ToolResult, *Result, error) {
	q := Question{Text: strings.TrimSpace(in.Question), Reason: in.Reason, Evidence: in.Evidence}
	answer, ok, err := r.loop.Person.Answer(ctx, q)
	switch {
	case err != nil:
		return ToolResult{}, nil, err
	case !ok:
		return ToolResult{}, &Result{Outcome: Asked, Reason: q.Text, Evidence: q.Evidence}, nil
	}
	return ToolResult{Text: SayAnswer + answer}, nil, nil
}
