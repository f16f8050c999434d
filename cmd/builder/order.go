package main

import (
	"context"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

// readOrder reads what is to be built: a spec, or a plan and the spec it names.
func (a *app) readOrder(ctx context.Context, specPath, planPath string) (*planner.Spec, *planner.Plan, error) {
	if planPath == "" {
		spec, err := markdown.Read(ctx, specPath)
		return spec, nil, err
	}
	plan, err := planfile.Read(ctx, planPath)
	if err != nil {
		return nil, nil, err
	}
	spec, err := readSpecOf(ctx, plan, planPath)
	if err != nil {
		return nil, nil, err
	}
	if problems := planner.Validate(plan, spec); len(problems) > 0 {
		return nil, nil, problems
	}
	return spec, plan, nil
}

// readSpecOf finds the spec of a plan: as named, from here or else from the plan's folder.
func readSpecOf(ctx context.Context, plan *planner.Plan, planPath string) (*planner.Spec, error) {
	spec, err := markdown.Read(ctx, plan.Spec.Path)
	if err == nil || filepath.IsAbs(plan.Spec.Path) {
		return spec, err
	}
	beside, err2 := markdown.Read(ctx, filepath.Join(filepath.Dir(planPath), plan.Spec.Path))
	if err2 != nil {
		return nil, err
	}
	return beside, nil
}

// drafter asks a model for a plan of a spec.
func (s settings) drafter() func(context.Context, planner.Asker, *planner.Spec, string) (*planner.Plan, error) {
	o := planner.Options{PartBytes: s.partBytes()}
	return func(ctx context.Context, ask planner.Asker, spec *planner.Spec, facts string) (*planner.Plan, error) {
		o.Environment = facts
		return planner.Draft(ctx, ask, spec, o)
	}
}

// Sizes of a planning prompt, in bytes.
const (
	maxSpecPrompt = 32 << 20  // above what any spec makes of one
	maxPartBytes  = 160 << 10 // a part whose plan still fits one answer
	minPartBytes  = 8 << 10
)

// partBytes is the size of a prompt above which a spec is planned in parts: about a quarter of what
// the model reads at once. The offline model reads a spec whole or not at all.
func (s settings) partBytes() int {
	switch w := s.price.Window; {
	case s.Provider == providerOffline:
		return maxSpecPrompt
	case w <= 0:
		return planner.DefaultPartBytes
	default:
		return int(min(max(w, minPartBytes), maxPartBytes))
	}
}

// reviser asks a model to amend a plan for what differs between two specs.
func (s settings) reviser(before, now *planner.Spec) func(context.Context, planner.Asker, *planner.Plan, string) (*planner.Plan, error) {
	o := planner.Options{PartBytes: s.partBytes()}
	return func(ctx context.Context, ask planner.Asker, plan *planner.Plan, facts string) (*planner.Plan, error) {
		o.Environment = facts
		r := planner.Revision{Plan: plan}
		r.Spec, r.Difference = planner.Compare(plan.WithIDs(before), now)
		return planner.Revise(ctx, ask, r, o)
	}
}

// resumeWorks reads the build's spec back from its blob and readies the adapters. Where a change was
// accepted, now or before a crash, the spec is the one that is to be.
func (a *app) resumeWorks(ctx context.Context, st *store, state *phases.State, set settings, asked phases.Fact) (*works, error) {
	before, err := specOf(ctx, st, state)
	if err != nil {
		return nil, err
	}
	plan, err := planOf(ctx, st, state)
	if err != nil {
		return nil, err
	}
	spec, amending := before, state.Amending
	switch f := asked.(type) {
	case phases.ChangeAccepted:
		amending = &f
	case phases.SpecKept:
		amending = nil
	}
	if plan != nil {
		spec = plan.WithIDs(before)
	}
	if amending != nil && amending.Spec != "" {
		raw, err := st.blobs.Get(ctx, amending.Spec)
		if err != nil {
			return nil, err
		}
		if spec, err = markdown.Parse(amending.SpecPath, raw); err != nil {
			return nil, err
		}
		if plan != nil {
			spec, _ = planner.Compare(plan.WithIDs(before), spec)
		}
	}
	w, err := a.works(ctx, spec, set)
	if err == nil {
		w.revise = set.reviser(before, spec)
	}
	return w, err
}
