package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/budget"
)

func newModels(a *app) *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use: "models", Short: "List the models that are priced", Args: cobra.NoArgs,
		Long: "Models lists what builder can price: US dollars per million tokens, each row with its date and source. A model that is not here is refused under a cap; give its price under prices: in your configuration.",
		RunE: func(*cobra.Command, []string) error { return a.runModels(asJSON, all) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&all, "all", false, "also rows that are no longer, or not yet, valid")
	return c
}

func (a *app) runModels(asJSON, all bool) error {
	s, err := a.settings(limitFlags{provider: providerOffline, model: "offline"}, ".")
	if err != nil {
		return err
	}
	rows := s.table.Rows()
	if !all {
		rows = validNow(s.table, rows, nowOr(clock(a)))
	}
	if asJSON {
		return writeJSON(a.out, map[string]any{"version": 1, "models": rows, "aliases": s.table.Aliases()})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tINPUT\tOUTPUT\tWRITE 5M\tWRITE 1H\tREAD\tWINDOW\tMAX OUT\tSINCE\tCHECKED")
	for _, p := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", p.Model, rate(p.Input), rate(p.Output), rate(p.CacheWrite5m), rate(p.CacheWrite1h), rate(p.CacheRead), p.Window, p.MaxOutput, day(p.ValidFrom), p.CheckedOn)
		if b := p.Long; b != nil {
			fmt.Fprintf(w, "  above %d\t%s\t%s\t%s\t%s\t%s\t\t\t\t\n", b.Above, rate(b.Input), rate(b.Output), rate(b.CacheWrite5m), rate(b.CacheWrite1h), rate(b.CacheRead))
		}
	}
	return w.Flush()
}

// validNow keeps the row of each model that prices a call at t.
func validNow(table budget.Table, rows []budget.Price, t time.Time) []budget.Price {
	var out []budget.Price
	for _, r := range rows {
		if p, err := table.Lookup(r.Model, t); err == nil && p.ValidFrom.Equal(r.ValidFrom) {
			out = append(out, r)
		}
	}
	return out
}

// rate writes US dollars per million tokens.
func rate(m budget.Micro) string {
	return fmt.Sprintf("%.4g", float64(m)/float64(budget.Dollar))
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

// nowOr is the time of now, or the real one when now is nil.
func nowOr(now func() time.Time) time.Time {
	if now == nil {
		return time.Now().UTC()
	}
	return now()
}
