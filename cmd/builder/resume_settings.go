package main

import (
	"errors"
	"path/filepath"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// given says whether new caps were asked for.
func given(l limitFlags) bool { return l.maxCost != "" || l.maxTokens != "" }

// resumeSettings are the build's own, with the limits that were given now. What may differ from the
// run before, and what may not, is told in docs/resuming.md.
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
	if err := a.stillHolds(b, set); err != nil {
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

// stillHolds refuses what would make the records of a build untrue, and says what of the
// configuration does not count for it.
func (a *app) stillHolds(b phases.BuildStarted, set settings) error {
	if b.Billing == budget.Local && set.billing != budget.Local {
		return usage("E_BUILD_FIXED", "give the model its old price, as in: --price 0, or start a new build", "the calls of this build cost nothing by its records, and model %s has a price now", b.Model)
	}
	c, err := config.Load(config.Sources{User: config.UserPath(a.env), Project: filepath.Join(".", "builder.yaml"), Environ: a.env})
	if err != nil {
		return err
	}
	for _, f := range []struct{ what, now, had string }{{"provider", c.Provider, b.Provider}, {"model", c.Model, b.Model}, {"base_url", c.BaseURL, b.BaseURL}} {
		if f.now != "" && f.now != f.had && f.had != "" {
			a.say("note: this build goes on with %s %s; your configuration says %s, which counts for new builds", f.what, f.had, f.now)
		}
	}
	return nil
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
