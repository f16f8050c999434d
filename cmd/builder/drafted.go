package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// givenPlan is a plan that the user gave, and what its spec's planning cost on this machine.
type givenPlan struct {
	plan    *planner.Plan
	drafted []phases.DraftCost
}

// given readies the plan of an order for its build; nil when it is to be made.
func (a *app) given(ctx context.Context, ord order) (*givenPlan, error) {
	if ord.plan == nil {
		return nil, nil
	}
	drafted, err := a.drafted(ctx, ord.spec)
	return &givenPlan{ord.plan, drafted}, err
}

// keep puts the plan into a new build: its blob, and its file in the build's folder.
func (g *givenPlan) keep(ctx context.Context, blobs checkpoint.Blobs, dir string) (phases.PlanAccepted, error) {
	accepted, err := phases.Accepted(ctx, blobs, g.plan, "user")
	if err != nil {
		return accepted, err
	}
	accepted.Drafted = g.drafted
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return accepted, fmt.Errorf("make build folder: %w", err)
	}
	return accepted, keepPlanFile(filepath.Join(dir, planName), g.plan)
}

// drafted sums up what builder plan has cost for a spec, one entry a model, in the order of their
// names. A planning that cannot be read now is said and left out: it is money of another cap.
func (a *app) drafted(ctx context.Context, spec *planner.Spec) ([]phases.DraftCost, error) {
	some, err := a.planFolder(spec, "x")
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Dir(some.app))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for plannings: %w", err)
	}
	var costs []phases.DraftCost
	for _, e := range entries {
		cost, err := draftCost(ctx, folder{filepath.Join(filepath.Dir(some.app), e.Name())})
		if err != nil {
			a.say("warning: what planning with %s cost is not known: %s", e.Name(), err)
			continue
		}
		if cost.Calls > 0 {
			costs = append(costs, cost)
		}
	}
	return costs, nil
}

func draftCost(ctx context.Context, f folder) (phases.DraftCost, error) {
	st, err := viewStore(ctx, f)
	if err != nil {
		return phases.DraftCost{}, err
	}
	defer func() { _ = st.Close() }() // opened for reading only
	s, _, err := phases.Load(ctx, st.journal)
	if err != nil {
		return phases.DraftCost{}, err
	}
	used := s.Guard.Account(budget.Build)
	return phases.DraftCost{
		Provider: s.Build.Provider, Model: s.Build.Model,
		Spent: used.Spent, Unknown: used.Unknown + used.Held, Tokens: used.UsedTokens(), Calls: used.Calls,
	}, nil
}

// draftLine says what a planning before the build cost; it is no part of the build's money.
func draftLine(d phases.DraftCost) string {
	return fmt.Sprintf("Planned before with %s, %s, under a cap of its own: %s spent, %s unknown, %d tokens, %d calls", d.Provider, d.Model, progress.USD(d.Spent), progress.USD(d.Unknown), d.Tokens, d.Calls)
}
