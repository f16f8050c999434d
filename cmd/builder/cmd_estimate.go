package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/planner"
)

type estimateOptions struct {
	limits   limitFlags
	spec     string
	plan     string
	allTypes bool
	json     bool
}

func newEstimate(a *app) *cobra.Command {
	var o estimateOptions
	c := &cobra.Command{
		Use: "estimate SPEC | --plan FILE | --all-types", Short: "Say what a build would cost, before any call", Args: cobra.MaximumNArgs(1),
		Long: `Estimate gives calls, tokens and cost as low, likely and high, with their basis and sample size. It
sends nothing. After a build, builder compares what it took with what was expected, and later
estimates learn from it.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.spec = args[0]
			}
			return a.runEstimate(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.limits.model, "model", "", "price at this model")
	f.StringVar(&o.limits.provider, "provider", "", "offline, anthropic or openai")
	f.StringVar(&o.plan, "plan", "", "estimate this plan")
	f.BoolVar(&o.allTypes, "all-types", false, "print a table for typical projects of the four types")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func (a *app) runEstimate(ctx context.Context, o estimateOptions) error {
	given := 0
	for _, set := range []bool{o.spec != "", o.plan != "", o.allTypes} {
		if set {
			given++
		}
	}
	if given != 1 {
		return usage("E_USAGE", "as in: builder estimate specs/rest-api.md", "give a spec, --plan or --all-types")
	}
	set, err := a.estimateSettings(o)
	if err != nil {
		return err
	}
	if o.allTypes {
		return a.estimateTypes(set, o.json)
	}
	spec, plan, err := a.readOrder(ctx, o.spec, o.plan)
	if err != nil {
		return err
	}
	e, err := a.estimateOf(spec, plan, set)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(a.out, e)
	}
	return e.write(a.out)
}

// estimateSettings price at the model that was named, else at the one builds would use; with none,
// at the default model, because the offline model costs nothing. No key is needed to estimate.
func (a *app) estimateSettings(o estimateOptions) (settings, error) {
	l := o.limits
	if l.model != "" && l.provider == "" {
		l.provider = providerOffline // prices any model of the table, and asks for no key
	}
	set, err := a.settings(l, ".")
	if err == nil && l.model == "" && l.provider == "" && set.Provider == providerOffline {
		l.provider, l.model = providerOffline, defaultModel
		return a.settings(l, ".")
	}
	return set, err
}

func (a *app) estimateTypes(set settings, asJSON bool) error {
	past, err := a.pastBuilds(set.Model)
	if err != nil {
		return err
	}
	var all []estimate
	for _, t := range []planner.ProjectType{planner.CLITool, planner.RESTAPI, planner.FullStack, planner.Enterprise} {
		all = append(all, priced(planner.Estimate(t, planner.TypicalSize(t), past), set.price))
	}
	if asJSON {
		return writeJSON(a.out, map[string]any{"version": 1, "model": set.Model, "types": all})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "type\trequirements\tcalls\ttokens\tlow\tlikely\thigh\tbasis\tsamples\t")
	for _, e := range all {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t\n", e.Type, planner.TypicalSize(e.Type).Requirements, e.Total.Likely.Calls, e.Total.Likely.Tokens(),
			cents(e.Cost.Low), cents(e.Cost.Likely), cents(e.Cost.High), e.Basis, e.Samples)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "model %s; prices: %s, checked on %s\n", set.Model, orOwn(set.price.Source), orDash(set.price.CheckedOn))
	return err
}

// dryRun shows what a build would do and may cost. It writes nothing and sends nothing.
func (a *app) dryRun(ord order) error {
	p := func(format string, args ...any) { fmt.Fprintln(a.out, tidy(fmt.Sprintf(format, args...), a.secrets())) }
	p("dry run: nothing is written, nothing is sent")
	p("spec %s, %d requirements, %d acceptance gates", ord.spec.Path, len(ord.spec.Requirements), len(ord.spec.Acceptance))
	p("engine %s, provider %s, model %s, cap %s, sandbox %s (%s)", ord.set.Engine, ord.set.Provider, ord.set.Model, ord.set.caps.USD, ord.works.runner.Level(), ord.works.report.Mechanism)
	if ord.plan != nil {
		for _, t := range ord.plan.Tasks() {
			p("  %s: %s; gates %s", t.ID, t.Title, list(t.Gates))
		}
	}
	e, err := a.estimateOf(ord.spec, ord.plan, ord.set)
	if err != nil {
		return err
	}
	return e.write(a.out)
}
