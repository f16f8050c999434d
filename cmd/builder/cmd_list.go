package main

import (
	"context"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
	known "github.com/seed-c331f47d/builder/internal/usage"
)

func newList(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List the builds known on this machine", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.runList(c.Context(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// register is where builds of this machine are known.
func (a *app) register() (known.Register, error) {
	dir, err := a.stateDir()
	return known.Register{Dir: filepath.Join(dir, "builds")}, err
}

func (a *app) runList(ctx context.Context, asJSON bool) error {
	reg, err := a.register()
	if err != nil {
		return err
	}
	all, err := reg.List()
	if err != nil {
		return err
	}
	listed := make([]listedBuild, len(all))
	for i, b := range all {
		listed[i] = lookAt(ctx, b)
	}
	if asJSON {
		return writeJSON(a.out, map[string]any{"version": 1, "builds": listed})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BUILD\tSTATE\tPROJECT\tMODEL\tCALLS\tCOST\tFOLDER")
	for _, b := range listed {
		state, where := b.State, tidy(b.Folder, nil)
		if b.Gone {
			where += " (gone)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", b.ID, state, tidy(orDash(b.Project), nil), b.Model, b.Calls, progress.Billed(budget.Billing(b.Billing), budget.Micro(b.Cost+b.Unknown)), where)
	}
	return w.Flush()
}

// listedBuild is a known build as it stands now.
type listedBuild struct {
	known.Build
	Gone bool `json:"gone"` // its folder is not there any more, or holds another build
}

// lookAt brings what is known of a build up to date. Only one that was left running is opened: any
// other says how it stands when it stops.
func lookAt(ctx context.Context, b known.Build) listedBuild {
	l := listedBuild{Build: b}
	f := folder{b.Folder}
	if id, err := f.currentBuild(); err != nil || id != b.ID {
		l.Gone = true
		if l.State == string(phases.Running) {
			l.State = string(phases.Interrupted)
		}
		return l
	}
	if b.State != string(phases.Running) {
		return l
	}
	if st, _, err := readStatus(ctx, f); err == nil && st.Build == b.ID {
		l.Build = bookOf(b.Folder, st)
		l.SpecBytes, l.Estimate, l.Version = b.SpecBytes, b.Estimate, b.Version
	}
	return l
}
