package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/seed-c331f47d/builder/internal/checkpoint/projection"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// complete writes what a build that has ended still lacks outside its journal: its process may have been
// killed between its last record and its reports. What cannot be written is only said.
func (a *app) complete(ctx context.Context, s *store, state *phases.State) {
	plans := planCache{ctx: ctx, blobs: s.blobs}
	plan := plans.of(state)
	st := phases.StatusOf(plan, state)
	errs := []error{s.tidyUp(ctx), s.dropSpools(state)}
	if plan != nil {
		errs = append(errs, lackPlanFile(s.planFile(s.id), plan))
	}
	mirror, err := openMirror(ctx, s) // it catches up with the events
	if err == nil {
		err = mirror.Close()
	}
	raw, serr := json.Marshal(st)
	if serr == nil {
		serr = projection.WriteStatus(s.status(s.id), raw)
	}
	spec, berr := s.blobs.Get(ctx, state.Build.Spec)
	if berr == nil {
		_, berr = a.remember(s, st, int64(len(spec)), nil)
	}
	if err := errors.Join(append(errs, err, serr, keepReports(s, st), berr)...); err != nil {
		a.say("warning: what tells of this build could not be written: %s", err)
	}
}

// dropSpools removes the spools of a build that holds nothing any more: all their answers are booked.
func (s *store) dropSpools(state *phases.State) error {
	if len(state.Guard.Holds) > 0 {
		return nil
	}
	names, err := s.spools.List()
	for _, name := range names {
		err = errors.Join(err, s.spools.Remove(name))
	}
	return err
}
