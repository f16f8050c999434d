package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

type planOptions struct {
	limits limitFlags
	spec   string
	out    string
	json   bool
}

func newPlan(a *app) *cobra.Command {
	var o planOptions
	c := &cobra.Command{
		Use: "plan SPEC", Short: "Make a plan from a specification, to read and edit before a build",
		Long: `Plan asks the model for a plan and writes it as YAML. Edit it, then: builder build --plan FILE -o DIR.
Its calls are journaled: a plan that was paid for once is not paid for again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.spec = args[0]
			return a.runPlan(c.Context(), o)
		},
	}
	o.limits.add(c.Flags())
	c.Flags().StringVarP(&o.out, "output", "o", "", "write the plan to this file instead of stdout")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func (a *app) runPlan(ctx context.Context, o planOptions) error {
	spec, _, err := a.readOrder(ctx, o.spec, "")
	if err != nil {
		return err
	}
	set, err := a.settings(o.limits, ".")
	if err != nil {
		return err
	}
	if o.out != "" {
		if _, err := os.Lstat(o.out); err == nil {
			return usage("E_EXISTS", "choose another file, or remove it", "%s exists already", o.out)
		}
	}
	set.caps.PlanShare = 100 // planning is all there is
	w, err := a.works(ctx, spec, set)
	if err != nil {
		return err
	}
	defer w.release()
	if err := w.confined(); err != nil {
		return err
	}
	plan, err := a.makePlan(ctx, spec, set, w)
	if err != nil {
		return err
	}
	return a.writePlan(plan, o)
}

func (a *app) writePlan(plan *planner.Plan, o planOptions) error {
	if o.json {
		return writeJSON(a.out, plan)
	}
	raw, err := planfile.Encode(plan)
	if err != nil {
		return err
	}
	if o.out == "" {
		_, err = a.out.Write(raw)
		return err
	}
	if err := writeNew(o.out, raw); err != nil {
		return usage("E_EXISTS", "choose another file", "%s", err)
	}
	a.say("%d tasks, %d gates; edit it, then: builder build --plan %s -o DIR", len(plan.Tasks()), len(plan.Gates), o.out)
	return nil
}

// planFolder is where the planning of a spec by a model is journaled.
func (a *app) planFolder(spec *planner.Spec, model string) (folder, error) {
	state, err := a.stateDir()
	return folder{filepath.Join(state, "plans", spec.SHA256, model)}, err
}

// makePlan makes a plan, goes on with one that was begun, or reads one that is there.
func (a *app) makePlan(ctx context.Context, spec *planner.Spec, set settings, w *works) (plan *planner.Plan, err error) {
	f, err := a.planFolder(spec, set.models.Choose(set.Model, phases.RolePlanner, nil).Model)
	if err != nil {
		return nil, err
	}
	st, fresh, err := openPlanStore(ctx, f, []byte(spec.Text), order{id: "b-plan", spec: spec, set: set, works: w}.first())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	s, err := a.newSession(st, set, w, "builder plan "+word(spec.Path))
	if err != nil {
		return nil, err
	}
	s.start = append(s.start, s.started(!fresh))
	if !fresh {
		state, _, err := phases.Load(ctx, st.journal)
		if err != nil {
			return nil, err
		}
		if err := belowUsed(state, set.caps); err != nil {
			return nil, err
		}
		s.start = append(s.start, phases.CapsRaised{Caps: set.caps, By: "user"})
	}
	if plan, err = s.plan(ctx); err != nil {
		err = s.store.located(s.again, err)
	}
	return plan, err
}

// openPlanStore opens the journal of a planning, or makes it; fresh says that it was made now.
func openPlanStore(ctx context.Context, f folder, spec []byte, first phases.BuildStarted) (*store, bool, error) {
	if _, err := os.Stat(f.current()); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(f.app, 0o700); err != nil {
			return nil, false, fmt.Errorf("make plan folder: %w", err)
		}
		d, err := f.draft(ctx, spec, first, nil)
		if err != nil {
			return nil, false, err
		}
		st, err := d.name(ctx)
		return st, true, err
	}
	st, err := openStore(ctx, f)
	return st, false, err
}

// plan runs the planning alone, behind the same doors as in a build.
func (s *session) plan(ctx context.Context) (plan *planner.Plan, err error) {
	writer, err := phases.OpenWriter(ctx, s.store.journal, clock(s.app), s.view)
	if err != nil {
		return nil, err
	}
	defer func() {
		s.view.End()
		if cerr := writer.Close(context.WithoutCancel(ctx)); cerr != nil && err == nil {
			err = cerr
		}
	}()
	if err := writer.Record(ctx, s.start...); err != nil {
		return nil, err
	}
	if err := phases.Recover(ctx, writer, s.store.spools, s.works.recover); err != nil {
		return nil, err
	}
	braked, b := newBrake(ctx, s.set.MaxTime, func(first bool) { s.tellStop(ctx, writer, first) })
	defer b.release()
	model, err := s.works.model(s, writer)
	if err != nil {
		return nil, err
	}
	pacer, err := s.works.pacer(ctx, s, writer)
	if err != nil {
		return nil, err
	}
	e := &phases.Engine{
		Pace: pacer, Writer: writer, Blobs: s.store.blobs, Model: model, Spec: s.works.spec, Draft: s.set.drafter(), Stop: b.stop,
		Facts: s.works.facts(s.set.Provider),
		Set:   s.set.engine(), Space: s.space, Again: s.again,
	}
	if _, err := phases.Reopen(ctx, writer); err != nil {
		return nil, err
	}
	if err := e.Plan(braked); err != nil {
		return nil, err
	}
	var at checkpoint.Hash
	var why string
	if err := writer.View(ctx, func(st *phases.State) { at, why = st.Plan, st.Task(planner.PlanTask).Reason }); err != nil {
		return nil, err
	}
	if at == "" {
		return nil, &fault{code: "E_PLAN_DRAFT", what: why, hint: "make the spec clearer, or choose another model with --model", exit: exitFailed}
	}
	return phases.ReadPlan(ctx, s.store.blobs, at)
}
