package phases

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// foreman is whom a program reports to. Its calls come one after the other, however they are made: the
// steps of an attempt are numbered by one hand.
type foreman struct {
	engine *Engine
	mu     sync.Mutex
	prover *prover
	person person
}

var _ agent.Foreman = (*foreman)(nil)

// Verify implements agent.Verifier.
func (f *foreman) Verify(ctx context.Context, summary string) (agent.Verdict, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.prover.Verify(ctx, summary)
}

// Notes implements agent.Person.
func (f *foreman) Notes(ctx context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	texts, err := f.person.Notes(ctx)
	if len(texts) > 0 {
		f.prover.at.next() // they were told at that step, and are not told again
	}
	return texts, err
}

// Answer implements agent.Person.
func (f *foreman) Answer(ctx context.Context, q agent.Question) (string, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.person.Answer(ctx, q)
}

// Note implements agent.Foreman.
func (f *foreman) Note(ctx context.Context, text string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	text = clip(strings.TrimSpace(text), noteBytes)
	raw, err := json.Marshal(text)
	if err != nil {
		return fmt.Errorf("encode note: %w", err)
	}
	eff := Effect{Op: f.prover.at.next(), Kind: EffectTool, Name: "note", Tree: f.prover.bench.tree, Request: sumOf("note", text)}
	_, err = f.prover.door.Do(ctx, eff, func(context.Context) (Did, error) { return Did{Result: raw, Note: text}, nil })
	return err
}

// Plan implements agent.Foreman.
func (f *foreman) Plan(ctx context.Context) (string, error) {
	var b strings.Builder
	plan := f.engine.plan
	err := f.engine.Writer.View(ctx, func(s *State) {
		standing := Standings(plan, s)
		for _, t := range plan.Tasks() {
			mark := ""
			if t.ID == f.prover.task.ID {
				mark = ", yours"
			}
			fmt.Fprintf(&b, "%s (%s%s): %s\n", t.ID, standing[t.ID], mark, t.Title)
		}
	})
	return b.String(), err
}

// Budget implements agent.Foreman.
func (f *foreman) Budget(ctx context.Context) (string, error) {
	var b strings.Builder
	err := f.engine.Writer.View(ctx, func(s *State) {
		for _, scope := range []budget.Scope{budget.Build, budget.TaskScope(string(f.prover.task.ID))} {
			used, limit := s.Guard.Account(scope), s.Guard.Limit(scope)
			fmt.Fprintf(&b, "%s: %d calls, %s used, %s in flight", scope, used.Calls, used.Spent+used.Unknown, used.Held)
			if limit.USD > 0 && !limit.NoUSD {
				fmt.Fprintf(&b, ", %s left of %s", max(limit.USD-used.Used()-used.Held, 0), limit.USD)
			}
			fmt.Fprintf(&b, "; %d tokens", used.UsedTokens())
			if limit.Tokens > 0 {
				fmt.Fprintf(&b, " of %d", limit.Tokens)
			}
			b.WriteString("\n")
		}
	})
	return b.String(), err
}
