package main

import (
	"context"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
	known "github.com/seed-c331f47d/builder/internal/usage"
)

// remember keeps what this build has cost so far beside what was expected, for later estimates.
func (a *app) remember(s *store, st phases.Status, specBytes int64, estimate *known.Estimate) (known.Build, error) {
	reg, err := a.register()
	if err != nil {
		return known.Build{}, err
	}
	b := bookOf(s.app, st)
	b.SpecBytes = specBytes
	if old, ok := reg.Get(b.ID); ok {
		b.Estimate = old.Estimate
	}
	if b.Estimate == nil {
		b.Estimate = estimate
	}
	return b, reg.Put(b)
}

// known makes a build known on this machine before its first call: a process that is killed tells
// nothing any more.
func (s *session) known(ctx context.Context, w *phases.Writer) error {
	var st phases.Status
	if err := w.View(ctx, func(state *phases.State) { st = phases.StatusOf(s.works.plan(state), state) }); err != nil {
		return err
	}
	_, err := s.app.remember(s.store, st, int64(len(s.works.spec.Text)), s.estimate)
	return err
}

// registerFolder makes a build known on this machine that no process has worked on here.
func (a *app) registerFolder(ctx context.Context, f folder) error {
	st, _, err := readStatus(ctx, f)
	if err != nil {
		return err
	}
	reg, err := a.register()
	if err != nil {
		return err
	}
	b := bookOf(f.app, st)
	if old, ok := reg.Get(b.ID); ok {
		b.Estimate = old.Estimate
	}
	return reg.Put(b)
}

// bookOf is what the list of builds tells of one.
func bookOf(dir string, st phases.Status) known.Build {
	return known.Build{
		ID: st.Build, Folder: dir, Project: st.Project, Type: string(st.Type), State: string(st.State), Forked: st.Forked != nil, Given: st.Calls > 0 && st.Planning == 0,
		Provider: st.Provider, Model: st.Model, Billing: string(st.Billing), Requirements: len(st.Requirements), Tasks: len(st.Tasks),
		Calls: st.Calls, Cost: st.Budget.Spent, Unknown: st.Budget.Unknown, Started: st.StartedAt, Updated: st.UpdatedAt,
		Tokens: known.Tokens{Input: st.Tokens.Input, CacheWrite5m: st.Tokens.CacheWrite5m, CacheWrite1h: st.Tokens.CacheWrite1h, CacheRead: st.Tokens.CacheRead, Output: st.Tokens.Output},
	}
}

// scored says how good the estimate was, in one line; "" when there is nothing to compare.
func scored(b known.Build) string {
	e := b.Estimate
	if e == nil || e.Calls.Likely == 0 {
		return ""
	}
	text := fmt.Sprintf("estimated %d calls (%d to %d), took %d", e.Calls.Likely, e.Calls.Low, e.Calls.High, b.Calls)
	if e.Cost.Likely > 0 {
		cost := usd(b.Cost + b.Unknown)
		if b.Billing == string(budget.Subscription) {
			cost += " at list price"
		}
		text += fmt.Sprintf("; estimated %s (%s to %s), cost %s", usd(e.Cost.Likely), usd(e.Cost.Low), usd(e.Cost.High), cost)
	}
	return text
}

func usd(m int64) string { return budget.Micro(m).String() }
