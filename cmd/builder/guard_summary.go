package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// guardSummary is what a guarded command used. Fields are only ever added.
type guardSummary struct {
	Version     int                 `json:"version"`
	Guard       string              `json:"guard"`
	Command     string              `json:"command,omitempty"`
	Exit        *int                `json:"exit,omitempty"`   // of builder guard
	Killed      bool                `json:"killed,omitempty"` // the guard was, and its books were closed later
	Stopped     *phases.Reason      `json:"stopped,omitempty"`
	Billing     budget.Billing      `json:"billing"`
	Budget      phases.BudgetStatus `json:"budget"`
	Tokens      budget.Usage        `json:"tokens"`
	Cached      float64             `json:"cache_read_share"` // of input tokens
	Calls       int64               `json:"calls"`
	Answered    int64               `json:"answered"`
	Repeats     int64               `json:"repeats"`
	Refused     int64               `json:"refused"`     // calls that did not fit the cap
	Unmetered   int64               `json:"unmetered"`   // requests that were refused for what they are
	Redelivered int64               `json:"redelivered"` // answers handed on from the records, without a call
	StartedAt   time.Time           `json:"started_at"`
	UpdatedAt   time.Time           `json:"updated_at"`
	Seconds     float64             `json:"seconds,omitempty"`
	Record      string              `json:"record"` // folder of the books
}

// sum reads the summary off the books.
func (g *guardStore) sum(ctx context.Context) (guardSummary, error) {
	var sum guardSummary
	err := g.writer.View(ctx, func(s *phases.State) {
		st, acc := phases.StatusOf(nil, s), s.Guard.Account(budget.Build)
		sum = guardSummary{
			Version: 1, Guard: g.id, Stopped: st.Reason, Billing: st.Billing, Budget: st.Budget, Tokens: st.Tokens,
			Calls: acc.Calls, Answered: acc.Answered, Repeats: s.Repeats, StartedAt: st.StartedAt, UpdatedAt: st.UpdatedAt, Record: g.dir,
		}
	})
	if all := sum.Tokens.InputAll(); all > 0 {
		sum.Cached = float64(sum.Tokens.CacheRead) / float64(all)
	}
	return sum, err
}

// keep writes the summary beside the books: they are closed.
func (g *guardStore) keep(sum guardSummary) error {
	raw, err := sum.encode()
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(g.dir, guardSummed), raw)
}

func (s guardSummary) encode() ([]byte, error) {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode summary: %w", err)
	}
	return append(raw, '\n'), nil
}

// writeJSONLine writes v on one line.
func writeJSONLine(w io.Writer, v any) error {
	raw, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", raw)
	}
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// lines is the summary for a person.
func (s guardSummary) lines() []string {
	b, t := s.Budget, s.Tokens
	money := fmt.Sprintf("%s of %s", progress.USD(budget.Micro(b.Spent)), progress.USD(budget.Micro(b.Cap)))
	if s.Billing == budget.Subscription {
		money += " at list price"
	}
	if b.Unknown > 0 {
		money += fmt.Sprintf(", and up to %s of calls whose answers were lost", progress.USD(budget.Micro(b.Unknown)))
	}
	calls := fmt.Sprintf("%d calls, %d answered", s.Calls, s.Answered)
	for _, n := range []struct {
		n    int64
		what string
	}{{s.Repeats, "asked again"}, {s.Redelivered, "handed on from the records"}, {s.Refused, "refused for the cap"}, {s.Unmetered, "refused: no price or no bound"}} {
		if n.n > 0 {
			calls += fmt.Sprintf(", %d %s", n.n, n.what)
		}
	}
	return []string{
		fmt.Sprintf("guard %s: %s in %s: %s", s.Guard, s.Command, time.Duration(s.Seconds*float64(time.Second)).Round(100*time.Millisecond), money),
		fmt.Sprintf("  %s", calls),
		fmt.Sprintf("  tokens: input %d, cache write %d, cache read %d (%.0f %% of input), output %d", t.Input, t.CacheWrite5m+t.CacheWrite1h, t.CacheRead, 100*s.Cached, t.Output),
	}
}
