package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

type forkOptions struct {
	limits limitFlags
	dir    string
	at     string
	out    string
	plan   string
	id     string
}

func checkpointFork(a *app) *cobra.Command {
	var o forkOptions
	c := &cobra.Command{
		Use: "fork [DIR] --at TASK -o NEWDIR", Short: "Begin a new build that shares a build's past up to a task",
		Long: `Fork makes a new build, in a folder and a repository of its own, that shares the commits of a build up
to and including those of TASK, with all that proves them. It pays only for what follows: with another
model, another budget or an edited plan. What the past has cost is shown apart and counts in no cap of
the new build. A task that is worded otherwise in the edited plan counts as not done, and so does what
was committed after it. Nothing is sent: builder resume NEWDIR goes on.`,
		Example: "  builder checkpoint fork app --at main.store -o app2 --model claude-opus-5 --max-cost 5",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.dir = dirArg(args)
			return a.runFork(c.Context(), o)
		},
	}
	f := c.Flags()
	o.limits.add(f)
	f.StringVar(&o.at, "at", "", "the last task that is shared")
	f.StringVarP(&o.out, "output", "o", "", "folder of the new build; new or empty")
	f.StringVar(&o.plan, "plan", "", "an edited plan: tasks that are shared must read as before")
	f.StringVar(&o.id, "build-id", "", "id of the new build")
	return c
}

func (a *app) runFork(ctx context.Context, o forkOptions) (err error) {
	f, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	src, err := viewStore(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	if o.at == "" {
		return usage("E_USAGE", "as in: --at main.store; tasks stand in: builder status "+word(f.app), "the last task that is shared is missing: --at TASK")
	}
	n, err := a.newFork(ctx, src, o)
	if err != nil {
		return err
	}
	p, err := a.place(ctx, o.out)
	if err != nil {
		return err
	}
	if err := n.fill(ctx, src, p); err != nil {
		return errors.Join(f.trouble(err, n.State.Head, f.resume()), p.discard())
	}
	if err := p.finish(); err != nil {
		return err
	}
	if err := a.registerFolder(ctx, folder{p.dir}); err != nil {
		a.say("warning: the list of builds could not be written: %s", err)
	}
	n.tell(a, p.dir)
	return nil
}

// newFork is a fork that has been looked at from all sides before anything is written.
type newFork struct {
	phases.Fork
	first phases.BuildStarted
	plan  *planner.Plan
	by    string
	facts []phases.Fact
}

func (a *app) newFork(ctx context.Context, src *store, o forkOptions) (*newFork, error) {
	now, _, err := phases.Load(ctx, src.journal)
	if err != nil {
		return nil, err
	}
	if now.Plan == "" {
		return nil, usage("E_FORK", "begin it anew with: builder build", "the build in %s has no plan yet", src.app)
	}
	plan, err := phases.ReadPlan(ctx, src.blobs, now.Plan)
	if err != nil {
		return nil, err
	}
	n := &newFork{plan: plan, by: now.PlanBy}
	var edited *planner.Plan
	if o.plan != "" {
		if edited, err = planfile.Read(ctx, o.plan); err != nil {
			return nil, err
		}
		n.plan, n.by = edited, "user"
	}
	n.Fork, err = phases.ForkAt(ctx, src.journal, planner.TaskID(o.at), plan, edited)
	if errors.Is(err, phases.ErrNoFork) {
		return nil, usage("E_FORK", "tasks that are done stand in: builder status "+word(src.app), "%s", err)
	}
	if err != nil {
		return nil, err
	}
	if edited == nil && n.State.Plan != now.Plan { // the plan as it stood at that place
		if n.plan, err = phases.ReadPlan(ctx, src.blobs, n.State.Plan); err != nil {
			return nil, err
		}
	}
	if err := n.checkSpec(ctx, src); err != nil {
		return nil, err
	}
	return n, a.openFork(n, o)
}

// checkSpec holds an edited plan against the spec of the build.
func (n *newFork) checkSpec(ctx context.Context, src *store) error {
	raw, err := src.blobs.Get(ctx, n.State.Build.Spec)
	if err != nil {
		return err
	}
	spec, err := markdown.Parse(n.State.Build.SpecPath, raw)
	if err != nil {
		return err
	}
	if problems := planner.Validate(n.plan, spec); n.by == "user" && len(problems) > 0 {
		return problems
	}
	return nil
}

// openFork makes the record that opens the new build.
func (a *app) openFork(n *newFork, o forkOptions) error {
	set, err := a.forkSettings(o.limits, n.State.Build)
	if err != nil {
		return err
	}
	if err := capsOfPlan(&set, n.plan); err != nil {
		return err
	}
	at := nowOr(clock(a))
	id := o.id
	if id == "" {
		if id, err = newBuildID(at); err != nil {
			return err
		}
	}
	if !validBuildID(id) || id == n.State.Build.Build {
		return usage("E_USAGE", "as in: --build-id b-other-model", "a build id is b- and then lower-case letters, digits and hyphens, and no other build's")
	}
	was := n.State.Build
	n.first = phases.BuildStarted{
		Build: id, Builder: version, Spec: was.Spec, SpecPath: was.SpecPath, SpecSHA: was.SpecSHA,
		Engine: set.Engine, Provider: set.Provider, Model: set.Model, BaseURL: set.BaseURL, API: set.API, Price: set.given, Models: set.models, Billing: set.billing, Effort: set.Effort,
		Author: set.Author, Caps: set.caps, At: at,
	}
	return nil
}

// forkSettings are those of the source, with what was given now. What belongs to a provider or a model
// goes with it; the cap is never taken over.
func (a *app) forkSettings(l limitFlags, b phases.BuildStarted) (settings, error) {
	or := func(to *string, was string) {
		if *to == "" {
			*to = was
		}
	}
	or(&l.provider, b.Provider)
	or(&l.engine, b.Engine)
	or(&l.author, b.Author)
	if l.provider == b.Provider {
		or(&l.model, b.Model)
		or(&l.baseURL, b.BaseURL)
		or(&l.api, b.API)
		or(&l.effort, b.Effort)
		l.models = &b.Models
	}
	if l.provider == b.Provider && l.model == b.Model {
		or(&l.price, b.Price)
	}
	return a.settings(l, ".")
}

// fill makes the new build's folder: blobs, journal, repository and files.
func (n *newFork) fill(ctx context.Context, src *store, p *placing) error {
	blobs, err := blob.Open(filepath.Join(p.root(), "blobs"))
	if err != nil {
		return err
	}
	accepted, err := phases.Accepted(ctx, blobs, n.plan, n.by)
	if err != nil {
		return err
	}
	accepted.Drafted = n.State.Drafted
	n.facts = []phases.Fact{n.first, accepted, n.Record}
	if err := carryBlobs(ctx, src.blobs, blobs, phases.BlobsOf(n.first), phases.BlobsOf(n.Record)); err != nil {
		return err
	}
	if err := fillJournal(ctx, p.root(), n.first.Build, n.first.At, n.facts); err != nil {
		return err
	}
	if err := keepPlanFile(p.planFile(n.first.Build), n.plan); err != nil {
		return err
	}
	if err := src.hasRepo(); err != nil {
		return err
	}
	history, err := workspace.ReadHistory(src.app, src.blobs)
	if err != nil {
		return err
	}
	repo, err := workspace.Init(ctx, p.app, blobs)
	if err != nil {
		return repoFault(p.app, err)
	}
	adopt := repo.Adopt()
	if err := history.Objects(ctx, []string{n.Record.Commit}, adopt.Add); err != nil {
		return err
	}
	return adopt.Finish(ctx, map[string]string{workspace.Branch: n.Record.Commit})
}

// carryBlobs copies blobs, and the files of those that are manifests.
func carryBlobs(ctx context.Context, from, to checkpoint.Blobs, named ...[]checkpoint.Hash) error {
	var all []checkpoint.Hash
	for _, n := range named {
		all = append(all, n...)
	}
	const most = 16 << 20
	var batch [][]byte
	size := 0
	flush := func() error {
		_, err := checkpoint.PutAll(ctx, to, batch)
		batch, size = nil, 0
		return err
	}
	err := phases.Reach(ctx, from, all, func(_ checkpoint.Hash, content []byte, err error) error {
		if err != nil {
			return err
		}
		if batch, size = append(batch, content), size+len(content); size < most {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// tell says what the new build shares, and what goes on with it.
func (n *newFork) tell(a *app, dir string) {
	r := n.Record
	a.say("%s shares %d tasks of %s, up to %s (commit %.10s)", n.first.Build, len(r.Tasks), r.Source, r.Tasks[len(r.Tasks)-1].Task, r.Commit)
	if len(n.Again) > 0 {
		names := make([]string, len(n.Again))
		for i, t := range n.Again {
			names[i] = string(t)
		}
		a.say("the plan changes %s: it counts as not done, and so does what was committed after it: %s", names[0], strings.Join(names, ", "))
	}
	for _, c := range r.Inherited {
		a.say("%s", inheritedLine(c))
	}
	fmt.Fprintln(a.out, dir)
	a.say("it goes on with: builder resume %s", word(dir))
}

// inheritedLine says what the past of a fork has cost; it is no part of the build's money.
func inheritedLine(c phases.InheritedCost) string {
	return fmt.Sprintf("Inherited from %s, with %s, %s, under caps of its own: %s spent, %s unknown, %d tokens, %d calls", c.Build, c.Provider, c.Model, progress.USD(c.Spent), progress.USD(c.Unknown), c.Tokens, c.Calls)
}

// forkLine says where a build was forked.
func forkLine(f *phases.ForkedFrom) string {
	return fmt.Sprintf("Forked from %s at commit %.10s: %d tasks were done by it", f.Build, f.Commit, f.Tasks)
}
