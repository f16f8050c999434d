package main

import (
	"context"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
)

type resumeOptions struct {
	limits limitFlags
	change changeFlags
	edits  editFlags
	dir    string
	now    bool
}

func newResume(a *app) *cobra.Command {
	var o resumeOptions
	c := &cobra.Command{
		Use: "resume [DIR]", Short: "Go on with a build that stopped, or try its failed tasks again",
		Long: `Resume goes on from the exact step where a build stopped. What was answered is never asked again,
what was committed stays. Limits that are given replace those of the build; without any it goes on
under the ones it had. Where a process waits in a pause, that one goes on.

A spec that was edited since is told by requirement, with the tasks it concerns and what they may cost;
then --accept-spec or --keep-spec says how to go on. An edited plan is given with --plan. --dry-run shows
either and does nothing. What you changed in the folder yourself is named, and left alone unless
--keep-edits or --discard-edits says otherwise.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.dir = dirArg(args)
			return a.runResume(c.Context(), o)
		},
	}
	o.limits.add(c.Flags())
	c.Flags().BoolVar(&o.now, "now", false, "ask the provider at once, although it said to wait")
	o.change.add(c.Flags())
	o.edits.add(c.Flags())
	return c
}

func (a *app) runResume(ctx context.Context, o resumeOptions) (err error) {
	if err := o.edits.check(); err != nil {
		return err
	}
	f, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	if told, err := a.resumeLive(ctx, f, o); told || err != nil {
		return err
	}
	open := openStore
	if o.change.dryRun {
		open = viewStore
	}
	st, err := open(ctx, f)
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
	set, err := a.resumeSettings(o.limits, state)
	if err != nil {
		return err
	}
	if o.change.dryRun {
		return a.showChange(ctx, st, state, o.change, set)
	}
	c, err := a.changeOf(ctx, st, state, o.change)
	if err != nil {
		return err
	}
	asked, err := a.answer(ctx, st, state, c, o.change, set)
	if err != nil {
		return err
	}
	return a.goOn(ctx, st, state, set, o, asked)
}

// goOn takes a build up again; asked is what the user wants done about a changed spec or plan, nil
// for nothing.
func (a *app) goOn(ctx context.Context, st *store, state *phases.State, set settings, o resumeOptions, asked phases.Fact) error {
	if state.Run == phases.DoneState && asked == nil && !o.edits.given() {
		a.complete(ctx, st, state)
		a.tellEdits(ctx, st, state, o.edits)
		a.say("done already: nothing is left to do in %s", st.app)
		if state.Head != "" && st.hasRepo() != nil { // a person's folder by now, whatever it was taken away for
			a.say("warning: its commits went with %s; they are in a copy of that, or in an export of the build", filepath.Join(st.app, ".git"))
		}
		return nil
	}
	w, err := a.resumeWorks(ctx, st, state, set, asked)
	if err != nil {
		return err
	}
	defer w.release()
	if err := w.confined(); err != nil {
		return err
	}
	a.warnStale(set.price, nowOr(clock(a)))
	a.headline(st.id, set, w)
	a.tellEdits(ctx, st, state, o.edits)
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
	if asked != nil {
		s.start = append(s.start, asked)
	}
	s.edits = o.edits
	s.reopen = state.Run == phases.FailedState
	return s.run(ctx)
}

// resumeLive tells a process that waits in a pause to go on; false means that there is none.
func (a *app) resumeLive(ctx context.Context, f folder, o resumeOptions) (bool, error) {
	id, err := f.currentBuild()
	if err != nil {
		return false, nil // openStore says what is wrong
	}
	look, _, err := a.giveLive(ctx, f, id, control.Request{Verb: control.Look})
	if err != nil || look.Look == nil || !look.Look.Held {
		return false, nil // whoever holds the build is named by its lock
	}
	others := o.limits
	others.maxCost, others.maxTokens = "", ""
	if others != (limitFlags{}) || o.now {
		return true, usage("E_USAGE", "end it first, with: builder stop "+word(f.app), "a process waits in a pause: it takes --max-cost and --max-tokens only")
	}
	reqs := []control.Request{{Verb: string(phases.OrderContinue)}}
	if given(o.limits) {
		raise := control.Request{Verb: string(phases.OrderCap), MaxCost: o.limits.maxCost}
		if o.limits.maxTokens != "" {
			n, err := strconv.ParseInt(o.limits.maxTokens, 10, 64)
			if err != nil || n <= 0 {
				return true, usage("E_BUDGET_INVALID", "as in: --max-tokens 2000000", "%q is no number of tokens", o.limits.maxTokens)
			}
			raise.MaxTokens = &n
		}
		reqs = append([]control.Request{raise}, reqs...)
	}
	for _, req := range reqs {
		if req.ID, err = newOrderID(); err != nil {
			return true, err
		}
		if _, _, err := a.give(ctx, f, req); err != nil {
			return true, asFault(f, err)
		}
	}
	a.say("the process that waited in %s goes on; watch it with: builder status --watch %s", f.app, word(f.app))
	return true, nil
}
