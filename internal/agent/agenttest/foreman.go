package agenttest

import (
	"context"
	"sync"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Foreman plays verdicts, answers and notes, and keeps what it is told. Every call is counted in and out, so that
// [Foreman.Overlaps] tells of calls that were made side by side.
type Foreman struct {
	Verifier
	// Seen, where set, is called in each Verify, before the verdict.
	Seen func()
	// Replies answer questions in order; without one a question has no answer yet.
	Replies []string
	// Say are notes to be told, each once.
	Say []string

	mu        sync.Mutex
	running   int
	overlaps  int
	kept      []string
	questions []agent.Question
	told      int
}

var _ agent.Foreman = (*Foreman)(nil)

func (f *Foreman) enter() func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running++; f.running > 1 {
		f.overlaps++
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.running--
	}
}

// Verify implements [agent.Verifier].
func (f *Foreman) Verify(ctx context.Context, summary string) (agent.Verdict, error) {
	defer f.enter()()
	if f.Seen != nil {
		f.Seen()
	}
	return f.Verifier.Verify(ctx, summary)
}

// Notes implements [agent.Person].
func (f *Foreman) Notes(context.Context) ([]string, error) {
	defer f.enter()()
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh := f.Say[f.told:]
	f.told = len(f.Say)
	return fresh, nil
}

// Answer implements [agent.Person].
func (f *Foreman) Answer(_ context.Context, q agent.Question) (string, bool, error) {
	defer f.enter()()
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.questions)
	f.questions = append(f.questions, q)
	if n >= len(f.Replies) {
		return "", false, nil
	}
	return f.Replies[n], true, nil
}

// Note implements [agent.Foreman].
func (f *Foreman) Note(_ context.Context, text string) error {
	defer f.enter()()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = append(f.kept, text)
	return nil
}

// Plan implements [agent.Foreman].
func (f *Foreman) Plan(context.Context) (string, error) {
	defer f.enter()()
	return "the plan has one task", nil
}

// Budget implements [agent.Foreman].
func (f *Foreman) Budget(context.Context) (string, error) {
	defer f.enter()()
	return "half of it is left", nil
}

// Hear adds a note to be told.
func (f *Foreman) Hear(note string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Say = append(f.Say, note)
}

// Kept are the notes so far.
func (f *Foreman) Kept() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.kept...)
}

// Questions are those that were put.
func (f *Foreman) Questions() []agent.Question {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]agent.Question(nil), f.questions...)
}

// Overlaps counts calls that began while another ran.
func (f *Foreman) Overlaps() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.overlaps
}
