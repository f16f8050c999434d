package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
	"github.com/seed-c331f47d/builder/internal/planner"
)

type buildOptions struct {
	limits limitFlags
	spec   string
	plan   string
	out    string
	id     string
	yes    bool
	dryRun bool
}

func newBuild(a *app) *cobra.Command {
	var o buildOptions
	c := &cobra.Command{
		Use: "build SPEC -o DIR", Short: "Build an application from a specification",
		Long: `Build reads a specification, plans it, carries the plan out task by task, proves every task with
gates, and commits what is proven to DIR. A build that stops for any reason goes on with
"builder resume DIR". Nothing is sent before the cap allows it.`,
		Example: "  builder build specs/rest-api.md -o /tmp/app\n  builder build --plan plan.yaml -o app --max-cost 5",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.spec = args[0]
			}
			return a.runBuild(c.Context(), o)
		},
	}
	f := c.Flags()
	o.limits.add(f)
	f.StringVarP(&o.out, "output", "o", "", "folder of the application; new or empty")
	f.StringVar(&o.plan, "plan", "", "build this plan instead of making one")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be done and what it may cost; write and send nothing")
	f.BoolVarP(&o.yes, "yes", "y", false, "accepted for scripts; builder never asks")
	f.StringVar(&o.id, "build-id", "", "id of the build, for builds that must come out the same (with SOURCE_DATE_EPOCH)")
	return c
}

// order is a build that has been looked at from all sides before anything is written or sent.
type order struct {
	spec   *planner.Spec
	plan   *planner.Plan // given by the user; nil: it is to be made
	set    settings
	works  *works
	folder folder
	id     string
}

func (a *app) runBuild(ctx context.Context, o buildOptions) error {
	ord, err := a.order(ctx, o)
	if err != nil {
		return err
	}
	defer ord.works.release()
	if o.dryRun {
		if err := ord.works.confined(); err != nil {
			return err
		}
		return a.dryRun(ord)
	}
	expected, err := a.estimateOf(ord.spec, ord.plan, ord.set)
	if err != nil {
		return err
	}
	s, err := a.open(ctx, ord)
	if err != nil {
		return err
	}
	s.estimate = expected.expected()
	err = s.run(ctx)
	if cerr := s.store.Close(); cerr != nil && err == nil {
		err = cerr
	}
	return err
}

// order checks everything that can be checked: nothing is written or sent before it returns.
func (a *app) order(ctx context.Context, o buildOptions) (order, error) {
	var ord order
	var err error
	switch {
	case o.spec == "" && o.plan == "":
		return ord, usage("E_USAGE", "as in: builder build specs/rest-api.md -o app", "a spec or --plan is needed")
	case o.spec != "" && o.plan != "":
		return ord, usage("E_USAGE", "a plan names its spec: leave SPEC out", "give a spec or a plan, not both")
	}
	if ord.spec, ord.plan, err = a.readOrder(ctx, o.spec, o.plan); err != nil {
		return ord, err
	}
	if ord.set, err = a.settings(o.limits, "."); err != nil {
		return ord, err
	}
	if err := a.checkEngine(ord.set, ord.plan != nil); err != nil {
		return ord, err
	}
	if ord.plan != nil {
		if err := capsOfPlan(&ord.set, ord.plan); err != nil {
			return ord, err
		}
	}
	if o.out == "" {
		if !o.dryRun {
			return ord, usage("E_USAGE", "as in: builder build SPEC -o app", "the folder of the application is missing: -o DIR")
		}
	} else if ord.folder, err = a.outFolder(ctx, o.out); err != nil {
		return ord, err
	}
	if ord.id = o.id; ord.id == "" {
		now := clock(a)
		if ord.id, err = newBuildID(nowOr(now)); err != nil {
			return ord, err
		}
	}
	if !validBuildID(ord.id) {
		return ord, usage("E_USAGE", "as in: --build-id b-nightly-1", "a build id is b- and then lower-case letters, digits and hyphens")
	}
	if ord.works, err = a.works(ctx, ord.spec, ord.set); err != nil || ord.plan == nil {
		return ord, err
	}
	if err := ord.works.missing(ord.plan); err != nil {
		ord.works.release()
		return ord, err
	}
	return ord, nil
}

// capsOfPlan lets a plan lower the cap and set caps of its phases; it never raises one.
func capsOfPlan(s *settings, p *planner.Plan) error {
	usd := func(v float64) (budget.Micro, error) {
		m, err := budget.ParseUSD(fmt.Sprintf("%.6f", v))
		if err != nil {
			return 0, usage("E_BUDGET_INVALID", "see budget: in the plan", "%s", err)
		}
		return m, nil
	}
	if p.Budget.USD > 0 {
		m, err := usd(p.Budget.USD)
		if err != nil {
			return err
		}
		s.caps.USD = min(s.caps.USD, m)
	}
	for id, v := range p.Budget.Phases {
		m, err := usd(v)
		if err != nil {
			return err
		}
		if s.caps.Scopes == nil {
			s.caps.Scopes = map[budget.Scope]budget.Limit{}
		}
		s.caps.Scopes[budget.PhaseScope(string(id))] = budget.Limit{USD: m}
	}
	return nil
}

// outFolder checks where the application goes: a new or empty folder that is nobody's home.
func (a *app) outFolder(ctx context.Context, out string) (folder, error) {
	abs, err := filepath.Abs(out)
	if err != nil {
		return folder{}, usage("E_WORKSPACE", "", "%s: %s", out, err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	f := folder{abs}
	home := a.getenv("HOME")
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	if abs == "/" || home != "" && (abs == filepath.Clean(home) || strings.HasPrefix(filepath.Clean(home)+"/", abs+"/")) {
		return f, usage("E_WORKSPACE_FORBIDDEN", "choose a folder of its own, as in: -o "+filepath.Join(home, "app"), "%s is no place for an application", abs)
	}
	info, err := os.Stat(abs)
	if os.IsNotExist(err) {
		return f, nil
	}
	if err != nil || !info.IsDir() {
		return f, usage("E_WORKSPACE", "choose a new or empty folder", "%s is not a folder", abs)
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return f, usage("E_WORKSPACE", "choose a folder you may read", "%s", err)
	}
	var others []os.DirEntry
	for _, e := range entries {
		if e.Name() == ".builder" {
			return f, f.taken()
		}
		if !workspace.Unfinished(e.Name()) {
			others = append(others, e)
		}
	}
	return f, checkRepo(ctx, abs, others)
}

// capText is a cap for people.
func capText(c budget.Caps) string {
	text := progress.USD(c.USD)
	if c.Tokens > 0 {
		text += fmt.Sprintf(" and %d tokens", c.Tokens)
	}
	return text
}

// headline is the first line of a build: what does the work, who answers, what it may cost, how
// well commands are confined.
func (a *app) headline(id string, s settings, w *works) {
	a.say("builder %s: engine %s, provider %s, model %s, cap %s, sandbox %s (%s), billing %s", id, s.Engine, s.Provider, s.Model, capText(s.caps), w.runner.Level(), w.report.Mechanism, s.billing)
	if s.billing == budget.Subscription {
		a.say("%s", progress.Explain(s.billing))
	}
	if more := modelsLine(s.models); more != "" {
		a.say("models: %s", more)
	}
}

// modelsLine says which models may have a part besides the build's own; "" for none.
func modelsLine(m phases.Models) string {
	var parts []string
	for _, role := range slices.Sorted(maps.Keys(m.Roles)) {
		parts = append(parts, role+" "+m.Roles[role])
	}
	if m.Escalate != "" {
		parts = append(parts, m.Escalate+" after a failed attempt")
	}
	if len(m.Fallback) > 0 {
		parts = append(parts, strings.Join(m.Fallback, ", then ")+" where there is no answer")
	}
	return strings.Join(parts, "; ")
}

// open makes the folder and the journal of a new build while the sandbox is being measured. They are
// not there, by name, before the headline has told the level, and not at all on a machine that is refused.
func (a *app) open(ctx context.Context, ord order) (*session, error) {
	given, err := a.given(ctx, ord)
	if err != nil {
		return nil, err
	}
	draft, err := ord.folder.draft(ctx, []byte(ord.spec.Text), ord.first(), given)
	if err != nil {
		return nil, err
	}
	if err := ord.works.confined(); err != nil {
		return nil, errors.Join(err, draft.discard())
	}
	a.warnStale(ord.set.price, nowOr(clock(a)))
	a.headline(ord.id, ord.set, ord.works)
	st, err := draft.name(ctx)
	if err != nil {
		return nil, err
	}
	s, err := a.newSession(st, ord.set, ord.works, "builder resume "+word(st.app))
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	s.start = []phases.Fact{s.started(false)}
	return s, nil
}

// first is the record that opens the build. Its spec's blob is put in where the blobs are.
func (o order) first() phases.BuildStarted {
	return phases.BuildStarted{
		Build: o.id, Builder: version, SpecPath: o.spec.Path, SpecFile: whole(o.spec.Path), SpecSHA: o.spec.SHA256,
		Engine: o.set.Engine, Provider: o.set.Provider, Model: o.set.Model, BaseURL: o.set.BaseURL, API: o.set.API, Price: o.set.given, Models: o.set.models, Billing: o.set.billing, Effort: o.set.Effort,
		Author: o.set.Author, Caps: o.set.caps, At: nowOr(clock(o.works.app)),
	}
}

// whole is a path that holds from every folder.
func whole(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
