package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

// The rules of a changed spec are: its file is looked at when a build is taken up again; what differs
// is told by requirement, with the tasks it concerns and what these may cost; nothing goes on until
// the user accepts the new spec or keeps the old one; a file that only reads differently is said and
// not asked about. A plan that is given is its own acceptance.

// changeFlags say what is to be done about a spec or a plan that is another than the build's.
type changeFlags struct {
	spec, plan   string
	accept, keep bool
	dryRun, json bool
}

func (o *changeFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&o.accept, "accept-spec", false, "go on with the spec as it is now; only what it changes is done again")
	f.BoolVar(&o.keep, "keep-spec", false, "go on with the spec as it was, although its file is another now")
	f.StringVar(&o.spec, "spec", "", "the file that holds the spec now, where it is another")
	f.StringVar(&o.plan, "plan", "", "an edited plan to go on with; done tasks that are the same stay")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what differs in spec or plan and what it concerns; do nothing")
	f.BoolVar(&o.json, "json", false, "with --dry-run: print JSON")
}

// change is a spec, a plan, or both, that a build does not have yet.
type change struct {
	spec   *planner.Spec // as it is now, with the plan's ids; nil: the build's own
	plan   *planner.Plan // given by the user; nil: it is amended
	old    *planner.Plan // of the build; nil while there is none
	diff   planner.Difference
	file   string // of the spec, absolute
	shaWas string
}

// changeOf finds what is another now; nil when nothing is, or when it is settled.
func (a *app) changeOf(ctx context.Context, st *store, state *phases.State, o changeFlags) (*change, error) {
	if o.accept && o.keep {
		return nil, usage("E_USAGE", "give one of the two", "--accept-spec and --keep-spec exclude each other")
	}
	old, err := planOf(ctx, st, state)
	if err != nil {
		return nil, err
	}
	if o.plan != "" {
		return a.givenChange(ctx, st, state, old, o)
	}
	file := specFile(state, o.spec)
	if file == "" {
		return nil, nil
	}
	now, err := markdown.Read(ctx, file)
	switch {
	case err == nil:
	case o.spec != "":
		return nil, err
	case o.keep, !o.accept && gone(file):
		return nil, nil // the build has the text that it was planned for
	default:
		return nil, st.orKeep(err)
	}
	if now.SHA256 == state.Build.SpecSHA || settled(state, now.SHA256, o) {
		return nil, nil
	}
	now.Path = state.Build.SpecPath
	if o.spec != "" {
		now.Path = o.spec
	}
	c := &change{old: old, file: file, shaWas: state.Build.SpecSHA}
	before, err := specOf(ctx, st, state)
	if err != nil {
		return nil, err
	}
	if old != nil {
		before = old.WithIDs(before)
	}
	c.spec, c.diff = planner.Compare(before, now)
	return c, nil
}

// orKeep adds to what is wrong with the spec's file that a build can do without it.
func (s *store) orKeep(err error) error {
	var wrong planner.Problems
	if !errors.As(err, &wrong) {
		return err
	}
	wrong = slices.Clone(wrong)
	for i := range wrong {
		wrong[i].Hint += "; to go on with the text that the build has: builder resume " + word(s.app) + " --keep-spec"
	}
	return wrong
}

// settled says whether nothing is to be asked about a spec: it is being put into the plan already, or
// the user has said that it is not to be.
func settled(state *phases.State, sha string, o changeFlags) bool {
	if state.Amending != nil && state.Amending.SpecSHA == sha {
		return !o.keep
	}
	return state.KeptSpec == sha && !o.accept && o.spec == ""
}

// specFile is where the spec is looked for; "" for a build of an older builder that was given a path
// from a folder that is not known.
func specFile(state *phases.State, given string) string {
	b := state.Build
	switch {
	case given != "":
		if abs, err := filepath.Abs(given); err == nil {
			return abs
		}
		return given
	case b.SpecFile != "":
		return b.SpecFile
	case filepath.IsAbs(b.SpecPath):
		return b.SpecPath
	}
	return ""
}

func gone(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}

// planOf reads the plan that a state names; nil while there is none.
func planOf(ctx context.Context, st *store, state *phases.State) (*planner.Plan, error) {
	if state.Plan == "" {
		return nil, nil
	}
	return phases.ReadPlan(ctx, st.blobs, state.Plan)
}

// specOf reads the spec that is built, from its blob.
func specOf(ctx context.Context, st *store, state *phases.State) (*planner.Spec, error) {
	raw, err := st.blobs.Get(ctx, state.Build.Spec)
	if err != nil {
		return nil, err
	}
	return markdown.Parse(state.Build.SpecPath, raw)
}

// givenChange reads an edited plan, with its spec where that is another.
func (a *app) givenChange(ctx context.Context, st *store, state *phases.State, old *planner.Plan, o changeFlags) (*change, error) {
	if o.accept || o.keep {
		return nil, usage("E_USAGE", "leave --accept-spec and --keep-spec out: a plan names its spec", "--plan says already what is built")
	}
	if old == nil {
		return nil, usage("E_PLAN_AMEND", "let it plan first, or start a new build: builder build --plan "+o.plan+" -o DIR", "this build has no plan yet that another could take the place of")
	}
	next, err := planfile.Read(ctx, o.plan)
	if err != nil {
		return nil, err
	}
	c := &change{plan: next, old: old, shaWas: state.Build.SpecSHA}
	spec, err := specOf(ctx, st, state)
	if err == nil && next.Spec.SHA256 != state.Build.SpecSHA {
		if o.spec != "" {
			next.Spec.Path = o.spec
		}
		if spec, err = readSpecOf(ctx, next, o.plan); err == nil {
			c.spec, c.file = spec, specFile(state, spec.Path)
		}
	}
	if err != nil {
		return nil, err
	}
	if problems := planner.Validate(next, spec); len(problems) > 0 {
		return nil, problems
	}
	if same, err := samePlans(old, next); err != nil || same {
		return nil, err
	}
	return c, nil
}

func samePlans(a, b *planner.Plan) (bool, error) {
	x, err := a.Hash()
	if err != nil {
		return false, err
	}
	y, err := b.Hash()
	return x == y, err
}

// concerned lists the tasks that are done again or anew, and why, in the order of the plan. Tasks that
// a planning model will add are not known yet.
func (c *change) concerned() ([]planner.TaskID, map[planner.TaskID][]string) {
	if c.old == nil {
		return nil, nil
	}
	p := c.old
	var why map[planner.TaskID][]string
	if c.plan != nil {
		a := planner.Amend(c.old, c.plan)
		p, why = c.plan, a.Changes
		for _, id := range a.Added {
			why[id] = []string{"it is new"}
		}
	} else {
		why = c.diff.Touched(c.old)
	}
	seeds := map[planner.TaskID]bool{}
	for id := range why {
		seeds[id] = true
	}
	ids := p.Closure(seeds)
	for _, id := range ids {
		t, _ := p.Task(id)
		for _, n := range t.Needs {
			if slices.Contains(ids, n) {
				why[id] = append(why[id], fmt.Sprintf("it needs %s", n))
			}
		}
	}
	return ids, why
}

// facts are the records with which the user's answer begins a session.
func (c *change) facts(ctx context.Context, st *store) (phases.Fact, error) {
	f := phases.ChangeAccepted{By: "user"}
	if c.spec != nil {
		h, err := st.blobs.Put(ctx, []byte(c.spec.Text))
		if err != nil {
			return nil, err
		}
		f.Spec, f.SpecPath, f.SpecFile, f.SpecSHA = h, c.spec.Path, c.file, c.spec.SHA256
	}
	if c.plan != nil {
		given, err := phases.Accepted(ctx, st.blobs, c.plan, "user")
		if err != nil {
			return nil, err
		}
		f.Plan = given.Plan
	}
	return f, nil
}

// answer is what the user wants done about a change: a record, or the fault that asks them. A nil
// fact goes on as before.
func (a *app) answer(ctx context.Context, st *store, state *phases.State, c *change, o changeFlags, set settings) (phases.Fact, error) {
	again := "builder resume " + word(st.app)
	switch {
	case c == nil && o.keep && state.Amending != nil:
		return phases.SpecKept{SpecSHA: state.Amending.SpecSHA, By: "user"}, nil
	case c == nil && o.accept:
		a.say("the spec is as it was")
		return nil, nil
	case c == nil && o.plan != "":
		a.say("the plan is as it was")
		return nil, nil
	case c == nil:
		return nil, nil
	case c.plan != nil, o.accept:
		return c.facts(ctx, st)
	case o.keep:
		return phases.SpecKept{SpecSHA: c.spec.SHA256, By: "user"}, nil
	case c.diff.Empty():
		a.say("note: %s reads differently than when this build was planned, but no requirement and no acceptance block differs; take it over with: %s --accept-spec", c.spec.Path, again)
		return nil, nil
	}
	v, err := a.viewChange(ctx, st, state, c, set)
	if err != nil {
		return nil, err
	}
	v.write(a.err, a.secrets())
	if o.spec != "" {
		again += " --spec " + word(o.spec)
	}
	return nil, usage("E_SPEC_CHANGED", "go on with the new spec: "+again+" --accept-spec; or with the old one: "+again+" --keep-spec",
		"%s has changed since this build was planned; nothing was done", c.spec.Path)
}
