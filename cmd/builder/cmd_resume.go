package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

type resumeOptions struct {
	limits limitFlags
	dir    string
	now    bool
}

func newResume(a *app) *cobra.Command {
	var o resumeOptions
	c := &cobra.Command{
		Use: "resume [DIR]", Short: "Go on with a build that stopped, or try its failed tasks again",
		Long: `Resume goes on from the exact step where a build stopped. What was answered is never asked again,
what was committed stays. Limits that are given replace those of the build; without any it goes on
under the ones it had.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.dir = dirArg(args)
			return a.runResume(c.Context(), o)
		},
	}
	o.limits.add(c.Flags())
	c.Flags().BoolVar(&o.now, "now", false, "ask the provider at once, although it said to wait")
	return c
}

func (a *app) runResume(ctx context.Context, o resumeOptions) (err error) {
	f, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, f)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := st.Close(); cerr != nil && err == nil {
			err = cerr
		}
		err = f.located(f.resume(), err)
	}()
	state, _, err := phases.Load(ctx, st.journal)
	if err != nil {
		return err
	}
	if state.Seq == 0 {
		return usage("E_NO_BUILD", "remove "+f.root()+" and start again with: builder build", "the build in %s ended before it began", f.app)
	}
	if state.Run == phases.DoneState {
		a.say("done already: nothing is left to do in %s", f.app)
		return nil
	}
	set, err := a.resumeSettings(o.limits, state)
	if err != nil {
		return err
	}
	w, err := a.resumeWorks(ctx, st, state, set)
	if err != nil {
		return err
	}
	defer w.release()
	if err := w.confined(); err != nil {
		return err
	}
	a.warnStale(set.price, nowOr(clock(a)))
	a.headline(st.id, set, w)
	s, err := a.newSession(st, set, w, "builder resume "+word(st.app))
	if err != nil {
		return err
	}
	started := s.started(true)
	started.Anyway = o.now
	s.start = []phases.Fact{started}
	if given(o.limits) {
		s.start = append(s.start, phases.CapsRaised{Caps: set.caps, By: "user"})
	}
	s.reopen = state.Run == phases.FailedState
	return s.run(ctx)
}

// given says whether new caps were asked for.
func given(l limitFlags) bool { return l.maxCost != "" || l.maxTokens != "" }

// resumeSettings are the build's own, with the limits that were given now.
func (a *app) resumeSettings(l limitFlags, state *phases.State) (settings, error) {
	b := state.Build
	for _, fixed := range []struct{ flag, given, had string }{
		{"--provider", l.provider, b.Provider}, {"--model", l.model, b.Model}, {"--engine", l.engine, b.Engine}, {"--author", l.author, b.Author}, {"--api", l.api, b.API},
	} {
		if fixed.given != "" && fixed.given != fixed.had {
			return settings{}, usage("E_BUILD_FIXED", "leave "+fixed.flag+" out, or start a new build", "this build runs with %s %s", fixed.flag, fixed.had)
		}
	}
	l.provider, l.model, l.engine, l.author, l.api = b.Provider, b.Model, b.Engine, b.Author, b.API
	if l.effort == "" {
		l.effort = b.Effort
	}
	if l.baseURL == "" {
		l.baseURL = b.BaseURL
	}
	if l.price == "" {
		l.price = b.Price
	}
	l.models = &b.Models
	set, err := a.settings(l, ".")
	if err != nil {
		return set, err
	}
	set.billing = b.Billing.Or(set.billing)
	caps := state.Guard.Caps
	if l.maxCost != "" {
		caps.USD = set.caps.USD
	}
	if l.maxTokens != "" {
		caps.Tokens = set.caps.Tokens
	}
	set.caps = caps
	if given(l) {
		return set, belowUsed(state, caps)
	}
	return set, nil
}

// belowUsed refuses caps below what is spent, unknown and held, before anything is recorded.
func belowUsed(state *phases.State, caps budget.Caps) error {
	used := state.Guard.Account(budget.Build)
	trial := state.Guard
	err := trial.Raise(caps)
	switch {
	case errors.Is(err, budget.ErrBelowUsed):
		return usage("E_BUDGET", "give a cap above that", "the cap is below what this build has used: %s and %d tokens", used.Used(), used.UsedTokens())
	case err != nil:
		return usage("E_BUDGET_INVALID", "as in: --max-cost 20", "%s", err)
	}
	return nil
}
