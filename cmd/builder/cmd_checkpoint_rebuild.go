package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/budget"
)

func checkpointRebuild(a *app) *cobra.Command {
	var spent string
	var asJSON bool
	c := &cobra.Command{
		Use: "rebuild [DIR]", Short: "Make a build's journal anew from its commits and what else is kept",
		Long: `Rebuild is for a build whose journal or blobs are lost. It takes the records that are left (in the
journal, a backup or events.ndjson), the tasks that are done by the trailers of their commits, and
counts as spent at least what status.json and the list of builds say; --spent raises that. Tasks
that were under way and cannot be gone on with begin anew from the newest commit. Then the build goes on with: builder resume.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.runRebuild(c.Context(), dirArg(args), spent, asJSON)
		},
	}
	c.Flags().StringVar(&spent, "spent", "", "what the build has cost at least, in US dollars, by the provider's bill")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) runRebuild(ctx context.Context, dir, spent string, asJSON bool) (err error) {
	f, id, err := openDamaged(dir)
	if err != nil {
		return err
	}
	r, err := a.newRescue(f, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if spent != "" {
		usd, err := budget.ParseUSD(spent)
		if err != nil {
			return usage("E_BUDGET_INVALID", "as in: --spent 3.20", "--spent cannot be %q", spent)
		}
		r.spent = &usd
	}
	if err := r.rebuild(ctx); err != nil {
		return f.located(f.resume(), f.trouble(err, r.state.Head, f.resume()))
	}
	return r.tell(asJSON)
}

func (r *rescue) rebuild(ctx context.Context) error {
	switch err := r.take(ctx, r.folder.journal(r.id), "journal"); {
	case err == nil:
		if err := r.broken(ctx); err != nil {
			return err
		}
	case !damaged(err):
		return err
	default:
		if err := r.takeBackup(ctx); err != nil && ctx.Err() != nil {
			return err
		}
	}
	if err := r.takeTail(); err != nil {
		return err
	}
	if r.state.Seq == 0 {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// broken refuses to rebuild a build of which nothing is lost: its open tasks would begin anew, and be
// paid for anew.
func (r *rescue) broken(ctx context.Context) error {
	st, err := viewStore(ctx, r.folder)
	if err != nil {
		return err
	}
	v, err := verifyStore(ctx, st)
	if cerr := st.Close(); err == nil {
		err = cerr
	}
	if lost := v.lost(r.folder); err == nil && lost != nil && v.elsewhere == 0 && r.spent == nil {
		return lost // the journal is whole, and rebuilding it brings no commit back
	}
	if err == nil && len(v.Problems) == 0 && r.spent == nil {
		err = usage("E_CHECKPOINT_WHOLE", "go on with it: "+r.folder.resume(), "nothing of %s is lost", r.id)
	}
	return err
}
