package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

type statusOptions struct {
	dir   string
	json  bool
	watch bool
}

func newStatus(a *app) *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use: "status [DIR]", Short: "Show how far a build is", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.dir = dirArg(args)
			return a.runStatus(c.Context(), o)
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON (stable, versioned)")
	c.Flags().BoolVar(&o.watch, "watch", false, "show again at every change, until the build stops")
	return c
}

// dirArg is the folder a verb is about: its argument, or here.
func dirArg(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

func (a *app) runStatus(ctx context.Context, o statusOptions) error {
	f, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	for {
		st, held, err := readStatus(ctx, f)
		if err != nil {
			return err
		}
		if err := a.showStatus(st, o.json); err != nil {
			return err
		}
		if !o.watch || !held {
			return nil
		}
		if err := changed(ctx, f, st.Seq); err != nil {
			return err
		}
	}
}

// readStatus tells how a build stands: from the journal, or from its projection while a process
// holds the journal. A build that nobody holds and that says running was killed.
func readStatus(ctx context.Context, f folder) (phases.Status, bool, error) {
	s, err := viewStore(ctx, f)
	var locked *checkpoint.LockedError
	if errors.As(err, &locked) {
		st, err := projectedStatus(f)
		return st, true, err
	}
	if err != nil {
		return phases.Status{}, false, err
	}
	defer func() { _ = s.Close() }() // opened for reading only
	state, _, err := phases.Load(ctx, s.journal)
	if err != nil {
		return phases.Status{}, false, f.located(f.resume(), err)
	}
	plans := planCache{ctx: ctx, blobs: s.blobs}
	st := phases.StatusOf(plans.of(state), state)
	if st.State == phases.Running && st.Forked != nil && state.Sessions == 0 {
		st.State = phases.PausedState
		st.Reason = &phases.Reason{Code: "E_NOT_BEGUN", Message: "nothing was done yet since it was forked", Hint: "go on with: builder resume " + f.app}
	}
	if st.State == phases.Running {
		st.State, st.Held = phases.Interrupted, nil // nobody waits any more
		st.Reason = &phases.Reason{Code: "E_KILLED", Message: "the process that worked on this build is gone", Hint: "go on with: builder resume " + f.app}
	}
	return st, false, nil
}

func projectedStatus(f folder) (phases.Status, error) {
	var st phases.Status
	id, err := f.currentBuild()
	if err != nil {
		return st, err
	}
	raw, err := os.ReadFile(f.status(id))
	if err != nil {
		return st, fmt.Errorf("read status: %w: %w", checkpoint.ErrNotFound, err)
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return st, fmt.Errorf("read status: %w: %w", checkpoint.ErrCorrupt, err)
	}
	return st, nil
}

// changed waits until status.json tells of a newer record or the build is not held any more.
func changed(ctx context.Context, f folder, seq uint64) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		st, held, err := readStatus(ctx, f)
		if err != nil || !held || st.Seq != seq {
			return err
		}
	}
}

func (a *app) showStatus(st phases.Status, asJSON bool) error {
	if asJSON {
		return writeJSON(a.out, st)
	}
	p := func(format string, args ...any) { fmt.Fprintln(a.out, tidy(fmt.Sprintf(format, args...), a.secrets())) }
	p("%s  %s  %s", st.Build, orDash(st.Project), st.State)
	if st.Reason != nil {
		p("  %s: %s", st.Reason.Code, st.Reason.Message)
		if st.Reason.Hint != "" {
			p("  %s", st.Reason.Hint)
		}
	}
	p("  %s, %s, %s; sandbox %s; billing %s", st.Engine, st.Provider, st.Model, orDash(st.Sandbox), st.Billing)
	if why := progress.Explain(st.Billing); why != "" {
		p("  %s", why)
	}
	if st.Held != nil {
		p("  paused since %s by order %s: its process waits; go on with: builder resume", st.Held.Since.Local().Format(time.TimeOnly), st.Held.Order)
	}
	used := st.Budget.Spent + st.Budget.Unknown + st.Budget.Held
	p("  used %s of %s (%s %s, %s unknown, %s held), %d tokens, %d calls", progress.USD(budget.Micro(used)), progress.USD(budget.Micro(st.Budget.Cap)),
		progress.USD(budget.Micro(st.Budget.Spent)), progress.Noun(st.Billing), progress.USD(budget.Micro(st.Budget.Unknown)), progress.USD(budget.Micro(st.Budget.Held)), st.Budget.Tokens, st.Calls)
	for _, d := range st.Drafted {
		p("  %s", draftLine(d))
	}
	if st.Forked != nil {
		p("  %s", forkLine(st.Forked))
		for _, c := range st.Forked.Inherited {
			p("  %s", inheritedLine(c))
		}
	}
	for note := range strings.Lines(moneyNotes(st.Budget)) {
		if note = strings.TrimSpace(note); note != "" {
			p("  %s", note)
		}
	}
	for _, t := range st.Tasks {
		p("  %-8s %-28s %s", t.State, t.ID, t.Title)
		if len(t.Again) > 0 {
			p("    done again: %s", strings.Join(t.Again, " "))
		}
		if t.Why != "" {
			p("    attempt %d with %s (%s)", t.Attempts, t.Model, t.Why)
		}
		if t.Question != nil {
			p("    asks: %s", t.Question.Text)
			p("    because: %s", t.Question.Reason)
			p("    answer with: builder answer %s TEXT", t.ID)
		}
	}
	proven := 0
	for _, r := range st.Requirements {
		if r.Proven {
			proven++
		}
	}
	p("  %d of %d requirements proven", proven, len(st.Requirements))
	return nil
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
