package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/planner/planfile"
)

// commits lists what the branch holds beyond the records' newest commit, oldest first.
func (r *rescue) commits(ctx context.Context) (*workspace.Repo, []workspace.Commit, error) {
	if _, err := os.Lstat(filepath.Join(r.folder.app, ".git")); errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	repo, err := workspace.Open(ctx, r.folder.app, r.blobs)
	if err != nil {
		return nil, nil, r.folder.trouble(err, r.state.Head, r.folder.resume())
	}
	commits, found, err := repo.History(ctx, r.state.Head)
	if err != nil {
		return nil, nil, r.folder.trouble(err, r.state.Head, r.folder.resume())
	}
	if r.state.Head != "" && !found {
		r.app.say("warning: the branch does not hold the build's newest known commit %s; no commit is recognised", r.state.Head)
		return repo, nil, nil
	}
	slices.Reverse(commits)
	return repo, commits, nil
}

// ours says whether a commit is one of the build's: of its id, or of its plan for a build that shares
// another's past.
func (r *rescue) ours(c workspace.Commit) bool {
	return c.Trailers[phases.TrailerBuild] == r.id || r.state.PlanHash != "" && c.Trailers[phases.TrailerPlan] == r.state.PlanHash
}

// recognise finds the tasks that are done by their commits and not by their records. A commit of
// somebody else ends the row: what stands on it was not proven on what is known.
func (r *rescue) recognise(ctx context.Context) ([]phases.Recognised, error) {
	repo, commits, err := r.commits(ctx)
	if err != nil || repo == nil {
		return nil, err
	}
	plans := planCache{ctx: ctx, blobs: r.blobs}
	plan := plans.of(r.state)
	if plan == nil {
		return nil, nil
	}
	var done []phases.Recognised
	begun := r.state.Head != ""
	for _, c := range commits {
		task, known := plan.Task(planner.TaskID(c.Trailers[phases.TrailerTask]))
		if !r.ours(c) || !known {
			if begun {
				break
			}
			continue // the branch before the build
		}
		begun = true
		if r.state.Task(task.ID).State == phases.TaskIsDone {
			continue
		}
		m, err := repo.TreeOf(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		h, err := r.blobs.Put(ctx, m.Encode())
		if err != nil {
			return nil, fmt.Errorf("keep tree of %s: %w", c.ID, err)
		}
		attempt, _ := strconv.Atoi(c.Trailers[phases.TrailerAttempt]) // a count for people: 0 when it is not told
		done = append(done, phases.Recognised{Task: task.ID, Phase: plan.PhaseOf(task.ID), Attempt: attempt, Parent: c.Parent, Commit: c.ID, Tree: h})
	}
	if r.state.Landing(done) {
		return nil, nil
	}
	return done, nil
}

// checkout brings the user's folder to the newest commit that was recognised, if it is the branch's.
func (r *rescue) checkout(ctx context.Context, done []phases.Recognised) error {
	if len(done) == 0 {
		return nil
	}
	repo, err := workspace.Open(ctx, r.folder.app, r.blobs)
	if err != nil {
		return repoFault(r.folder.app, err)
	}
	head, to, err := repo.Head(ctx)
	if err != nil || head != r.state.Head {
		return err
	}
	from, err := repo.TreeOf(ctx, done[0].Parent)
	if err != nil {
		return err
	}
	r.found.Edits, err = repo.Checkout(ctx, from, to)
	return repoFault(r.folder.app, err)
}

// begin opens the build anew when no record of it is left: from its status, else from the list of
// builds, and from its newest commit.
func (r *rescue) begin(ctx context.Context) error {
	first, planSHA, err := r.opening(ctx)
	if err != nil {
		return err
	}
	r.from = fromStatus
	if err := r.add(first); err != nil {
		return err
	}
	if planSHA == "" {
		return nil
	}
	if err := r.healPlan(ctx, checkpoint.Hash(planSHA)); err != nil {
		return err
	}
	return r.add(phases.PlanAccepted{Plan: checkpoint.Hash(planSHA), Hash: planSHA, By: "rule"})
}

// opening gathers what the first record said.
func (r *rescue) opening(ctx context.Context) (phases.BuildStarted, string, error) {
	first := phases.BuildStarted{Build: r.id, Builder: version, Engine: "native", Author: "Builder <builder@localhost>", At: nowOr(clock(r.app))}
	var plan string
	told := r.statuses()
	if len(told) > 0 {
		st := slices.MaxFunc(told, func(a, b phases.Status) int { return int(a.Seq) - int(b.Seq) })
		first.Engine, first.Provider, first.Model, first.Billing = st.Engine, st.Provider, st.Model, st.Billing
		first.BaseURL, first.API, first.Price = st.BaseURL, st.API, st.Price
		first.SpecPath, first.SpecSHA, first.At, plan = st.SpecPath, st.SpecSHA, st.StartedAt, st.PlanSHA
		first.Caps = budget.Caps{USD: budget.Micro(st.Budget.Cap), NoUSD: !st.Budget.Capped, Tokens: st.Budget.CapTokens}
	} else if reg, err := r.app.register(); err == nil {
		if b, ok := reg.Get(r.id); ok {
			first.Provider, first.Model, first.Billing, first.At = b.Provider, b.Model, budget.Billing(b.Billing), b.Started
			first.Caps = budget.Caps{USD: budget.Micro(b.Cost + b.Unknown)} // nothing is sent before a person has said more
			r.app.say("warning: what this build ran under is not known any more: when you go on, give --max-cost, and --base-url and --price where it had them")
		}
	}
	_, commits, err := r.commits(ctx)
	if err != nil {
		return first, "", err
	}
	for _, c := range commits { // the newest counts
		if c.Trailers[phases.TrailerBuild] == r.id {
			plan, first.Author = c.Trailers[phases.TrailerPlan], c.Author
		}
	}
	if first.Provider == "" {
		return first, "", &fault{
			code: "E_CHECKPOINT_LOST", exit: exitStorage, err: phases.ErrNothingTold, what: phases.ErrNothingTold.Error() + ": " + r.id,
			hint: "the proven commits are safe in git; build anew in a new folder: builder build --plan PLAN -o DIR",
		}
	}
	if p, err := phases.ReadPlan(ctx, r.blobs, checkpoint.Hash(plan)); err == nil && first.SpecSHA == "" {
		first.SpecSHA, first.SpecPath = p.Spec.SHA256, p.Spec.Path
	}
	first.Spec = checkpoint.Hash(first.SpecSHA)
	return first, plan, nil
}

// heal puts back blobs that a build cannot do without and that are kept elsewhere, too: its spec and
// its plan.
func (r *rescue) heal(ctx context.Context) error {
	if r.state.Plan != "" {
		if err := r.healPlan(ctx, r.state.Plan); err != nil {
			return err
		}
	}
	if err := r.healTrees(ctx); err != nil {
		return err
	}
	spec := r.state.Build.Spec
	if _, err := r.blobs.Get(ctx, spec); err == nil {
		return nil
	}
	raw, err := os.ReadFile(r.state.Build.SpecPath)
	if err == nil && checkpoint.HashOf(raw) == spec {
		_, err = r.blobs.Put(ctx, raw)
		return err
	}
	return &fault{
		code: "E_BLOB_LOST", exit: exitStorage, what: fmt.Sprintf("the build's specification is lost, and %s is not %s any more", r.state.Build.SpecPath, unlike(r.state.Build.SpecPath)),
		hint: fmt.Sprintf("put the file back as it was (sha256 %.12s…), then: builder checkpoint rebuild %s", spec, word(r.folder.app)),
	}
}

// healTrees puts back the trees of done tasks from their commits. Without the newest of them nothing goes on.
func (r *rescue) healTrees(ctx context.Context) error {
	var repo *workspace.Repo
	for _, id := range slices.Sorted(maps.Keys(r.state.Tasks)) {
		t := r.state.Tasks[id]
		if t.State != phases.TaskIsDone || t.Commit == "" {
			continue
		}
		whole, err := r.read(ctx, nil, []checkpoint.Hash{t.Tree})
		if err != nil {
			return err
		}
		if whole {
			continue
		}
		if repo == nil {
			repo, err = workspace.Open(ctx, r.folder.app, r.blobs)
		}
		if err == nil {
			err = r.healTree(ctx, repo, t)
		}
		if err == nil {
			continue
		}
		if err := r.unhealed(ctx, t, err); err != nil {
			return err
		}
	}
	return nil
}

func (r *rescue) healTree(ctx context.Context, repo *workspace.Repo, t *phases.TaskState) error {
	m, err := repo.TreeOf(ctx, t.Commit)
	if err != nil {
		return err
	}
	if m.ID() != t.Tree {
		return fmt.Errorf("commit %s has another tree", t.Commit)
	}
	_, err = r.blobs.Put(ctx, m.Encode())
	return err
}

// unhealed tells of a tree that is lost. Without the newest nothing goes on, nor where there is no room.
func (r *rescue) unhealed(ctx context.Context, t *phases.TaskState, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if full(err) {
		return err
	}
	if t.Tree == r.state.HeadTree {
		return &fault{
			code: "E_BLOB_LOST", exit: exitStorage, err: err, what: fmt.Sprintf("the tree of task %s is lost, and its commit does not give it back: %s", t.ID, err),
			hint: "bring the repository back as it was, then: builder checkpoint rebuild " + word(r.folder.app),
		}
	}
	r.app.say("warning: the tree of task %s is lost, and its commit does not give it back: %s", t.ID, err)
	return nil
}

// healPlan puts the plan's blob back from plan.yaml.
func (r *rescue) healPlan(ctx context.Context, want checkpoint.Hash) error {
	if _, err := phases.ReadPlan(ctx, r.blobs, want); err == nil {
		return nil
	}
	path := r.folder.planFile(r.id)
	plan, err := planfile.Read(ctx, path)
	var raw []byte
	if err == nil {
		raw, err = json.Marshal(plan)
	}
	if err == nil && checkpoint.HashOf(raw) == want {
		_, err = r.blobs.Put(ctx, raw)
		return err
	}
	return &fault{
		code: "E_BLOB_LOST", exit: exitStorage, err: err, what: fmt.Sprintf("the build's plan is lost, and %s is not %s", path, unlike(path)),
		hint: "the proven commits are safe in git; build anew in a new folder: builder build SPEC -o DIR",
	}
}

// unlike says what a file is not that was to be read in place of a lost blob.
func unlike(path string) string {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "there"
	}
	return "it"
}
