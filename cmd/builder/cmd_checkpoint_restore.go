package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

func checkpointRestore(a *app) *cobra.Command {
	var backup, asJSON bool
	c := &cobra.Command{
		Use: "restore --backup [DIR]", Short: "Put the newest backup in place of a damaged journal",
		Long: `Restore makes a damaged journal anew: from its newest backup that is whole, the records that
events.ndjson tells of beyond it, and the commits of the branch. Nothing that any of them knows is
done or paid again; what status.json says was used beyond it counts as spent. The damaged files are
kept in a folder of their own. Then the build goes on with: builder resume.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !backup {
				return usage("E_USAGE", "as in: builder checkpoint restore --backup DIR", "say what is to be restored: --backup")
			}
			return a.runRestore(c.Context(), dirArg(args), asJSON)
		},
	}
	c.Flags().BoolVar(&backup, "backup", false, "the newest backup that is whole")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) runRestore(ctx context.Context, dir string, asJSON bool) (err error) {
	f, id, err := openDamaged(dir)
	if err != nil {
		return err
	}
	r, err := a.newRescue(f, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	switch err := r.take(ctx, f.journal(id), "journal"); {
	case err == nil:
		return usage("E_CHECKPOINT_WHOLE", "go on with it: "+f.resume()+"; if something else is lost: builder checkpoint rebuild "+word(f.app), "the journal of %s is whole", id)
	case !damaged(err):
		return f.located(f.resume(), err)
	}
	err = r.takeBackup(ctx)
	if err == nil {
		err = r.takeTail()
	}
	if err == nil {
		err = r.finish(ctx)
	}
	if err != nil {
		return f.located(f.resume(), err)
	}
	return r.tell(asJSON)
}

// openDamaged finds a build whose journal may be in any state.
func openDamaged(dir string) (folder, string, error) {
	f, err := openFolder(dir)
	if err != nil {
		return f, "", err
	}
	id, err := f.currentBuild()
	return f, id, err
}

// tell says what was brought back.
func (r *rescue) tell(asJSON bool) error {
	if asJSON {
		return writeJSON(r.app.out, r.found)
	}
	p := func(format string, args ...any) {
		fmt.Fprintln(r.app.out, tidy(fmt.Sprintf(format, args...), r.app.secrets()))
	}
	p("%s is back, from its %s: %d records", r.id, r.from, r.found.Records)
	if len(r.found.Recognised) > 0 {
		p("  done by their commits: %s", strings.Join(r.found.Recognised, ", "))
	}
	if len(r.found.Restarted) > 0 {
		p("  begin anew: %s", strings.Join(r.found.Restarted, ", "))
	}
	if r.found.Charged > 0 {
		p("  used beyond the records, and booked as unknown: %s", progress.USD(budget.Micro(r.found.Charged)))
	}
	if len(r.found.Edits) > 0 {
		p("  left as you changed them: %s", strings.Join(r.found.Edits, ", "))
	}
	p("  what was damaged is in %s", r.found.Aside)
	p("  go on with: %s", r.folder.resume())
	return nil
}

// damaged says whether an error of reading a journal means that it is damaged, lost or not this
// build's, rather than that it cannot be read now.
func damaged(err error) bool {
	return errors.Is(err, checkpoint.ErrCorrupt) || errors.Is(err, checkpoint.ErrNotFound) || errors.Is(err, errOther)
}
