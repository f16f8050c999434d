package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

// The rules of a person's edits are: what differs between the folder and the build's newest commit is
// named whenever a build is taken up again, and left alone; --keep-edits makes a commit of it, or takes
// commits that they made on top of the build's, and everything goes on from there; --discard-edits
// brings files back and keeps a copy of each, and never takes a commit back. History that was
// rewritten below the build's newest commit stops the build.

// editFlags say what is to be done about a person's edits.
type editFlags struct{ keep, discard bool }

func (o *editFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&o.keep, "keep-edits", false, "make a commit of what you changed in the folder, or take your own commits, and go on from there")
	f.BoolVar(&o.discard, "discard-edits", false, "bring the files that you changed back to the newest commit; copies are kept below .builder")
}

func (o editFlags) given() bool { return o.keep || o.discard }

// word is the flag as it is given.
func (o editFlags) word() string {
	switch {
	case o.keep:
		return " --keep-edits"
	case o.discard:
		return " --discard-edits"
	}
	return ""
}

func (o editFlags) check() error {
	if o.keep && o.discard {
		return usage("E_USAGE", "give one of the two", "--keep-edits and --discard-edits exclude each other")
	}
	return nil
}

// keptTrailer marks the commits that the builder makes of a person's edits.
const keptTrailer = "Builder-Edits: kept for the user"

// edits are what a person did in the repository since the build's newest commit.
type edits struct {
	head  string
	tree  phases.Manifest // of head
	own   []workspace.Commit
	files []workspace.Edit
	lost  bool // history was rewritten below the build's newest commit
}

func (e edits) none() bool { return len(e.own) == 0 && len(e.files) == 0 && !e.lost }

// lookForEdits compares branch and folder with the build's newest commit, whose tree is known.
func lookForEdits(ctx context.Context, repo *workspace.Repo, st *store, newest string, tree checkpoint.Hash) (edits, error) {
	var e edits
	var err error
	if e.head, err = repo.At(); err != nil {
		return e, err
	}
	if e.head == newest && tree != "" {
		e.tree, err = phases.ReadManifest(ctx, st.blobs, tree)
	} else {
		_, e.tree, err = repo.Head(ctx)
	}
	if err != nil {
		return e, err
	}
	if newest != "" && e.head != newest {
		if e.head == "" {
			e.lost = true
			return e, nil
		}
		own, ok, err := repo.Above(ctx, newest, e.head)
		if err != nil {
			return e, err
		}
		e.own, e.lost = own, !ok
	}
	e.files, err = repo.Edits(ctx, e.tree)
	return e, err
}

// tellEdits names a person's edits at the start of a resume. What cannot be looked at now is found
// where it matters.
func (a *app) tellEdits(ctx context.Context, st *store, state *phases.State, asked editFlags) {
	repo, err := workspace.Open(ctx, st.app, st.blobs)
	if err != nil {
		return
	}
	e, err := lookForEdits(ctx, repo, st, state.Head, state.HeadTree)
	if err == nil && state.Merge != nil {
		err = e.besideMerge(ctx, repo, st, state)
	}
	if err != nil || e.none() {
		return
	}
	again := "builder resume " + word(st.app)
	for i, c := range e.own {
		if i == 20 {
			a.say("E_USER_EDIT: and %d commits more", len(e.own)-i)
			break
		}
		if !e.lost {
			a.say("E_USER_EDIT: commit %.10s on top of the build's: %s", c.ID, c.Subject)
		}
	}
	if e.lost {
		a.say("E_USER_EDIT: the branch does not hold the build's newest commit %.10s any more; bring it back with: %s; then: %s", state.Head, st.toNewest(e, state.Head), again)
		return
	}
	if len(e.files) > 0 {
		a.say("E_USER_EDIT: not as in the newest commit: %s", some(e.files))
	}
	if asked.given() {
		return
	}
	a.say("they are left alone; go on from them with: %s --keep-edits; or take changed files back with: %s --discard-edits", again, again)
}

// besideMerge leaves out what the builder itself has left half done: its own commits on the branch, and
// files on their way from the newest commit's tree to that of the branch.
func (e *edits) besideMerge(ctx context.Context, repo *workspace.Repo, st *store, state *phases.State) error {
	e.own = slices.DeleteFunc(e.own, func(c workspace.Commit) bool {
		return c.Trailers[phases.TrailerBuild] == state.Build.Build && c.Trailers[phases.TrailerTask] != ""
	})
	if e.head == state.Head || len(e.files) == 0 {
		return nil
	}
	var before phases.Manifest
	if state.HeadTree != "" {
		var err error
		if before, err = phases.ReadManifest(ctx, st.blobs, state.HeadTree); err != nil {
			return err
		}
	}
	others, err := repo.Dirty(ctx, before)
	e.files = slices.DeleteFunc(e.files, func(f workspace.Edit) bool {
		_, found := slices.BinarySearch(others, f.Path)
		return !found
	})
	return err
}

func some(files []workspace.Edit) string {
	const most = 20
	var b strings.Builder
	for i, f := range files {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(files)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s (%s)", f.Path, f.How)
	}
	return b.String()
}

// takeEdits does what the user wants done about their edits, before any task goes on.
func (s *session) takeEdits(ctx context.Context, w *phases.Writer, e *phases.Engine) error {
	repo := branch{e.Repo.(branch).Repo, s.again + s.edits.word()}
	var newest string
	var tree checkpoint.Hash
	var half bool
	if err := w.View(ctx, func(st *phases.State) { newest, tree, half = st.Head, st.HeadTree, st.Merge != nil }); err != nil {
		return err
	}
	if !s.edits.given() && (newest == "" || half) {
		return nil
	}
	if half { // what the builder itself left half done comes first
		if err := e.Settle(ctx); err != nil && !errors.Is(err, phases.ErrDiverged) {
			return err
		}
		if err := w.View(ctx, func(st *phases.State) { newest, tree = st.Head, st.HeadTree }); err != nil {
			return err
		}
	}
	found, err := lookForEdits(ctx, repo.Repo, s.store, newest, tree)
	if err != nil {
		return err
	}
	switch {
	case found.none():
		if s.edits.given() {
			s.view.Say("nothing was edited since the newest commit")
		}
		return nil
	case found.lost && s.edits.given():
		return &fault{
			code: phases.CodeDiverged, exit: exitPaused, what: "the branch does not hold the build's newest commit " + newest + " any more: its history was rewritten",
			hint: "bring the branch back to it: " + s.store.toNewest(found, newest) + "; then: " + s.again,
		}
	case found.lost:
		return nil // the engine stops where it matters, and says so
	case s.edits.keep:
		return s.keepEdits(ctx, w, repo, found, newest)
	case keptOnTop(found.own, s.store.id):
		return s.keepEdits(ctx, w, repo, edits{head: found.head, tree: found.tree, own: found.own}, newest) // a crash came before the record
	case s.edits.discard:
		return s.discardEdits(ctx, w, repo, found)
	}
	return nil
}

// keptOnTop says whether the newest of a person's commits is one that the builder made of their edits
// in this build: then they have said that all below it is to be kept.
func keptOnTop(own []workspace.Commit, build string) bool {
	return len(own) > 0 && strings.Contains(own[0].Message, "\n"+phases.TrailerBuild+": "+build+"\n"+keptTrailer+"\n")
}

// keepEdits makes the user's work the head of the build: the commit, the index that goes with it, the
// record. Whatever of this a crash has left undone is done by the next run.
func (s *session) keepEdits(ctx context.Context, w *phases.Writer, repo branch, e edits, newest string) error {
	before, err := s.newestTree(ctx, w)
	if err != nil {
		return err
	}
	f := phases.UserCommitted{Commit: e.head, Parent: newest}
	for _, c := range e.own {
		f.Own = append(f.Own, c.ID)
	}
	tree := e.tree
	if len(e.files) > 0 {
		if tree, err = repo.Folder(ctx, e.tree); err != nil {
			return unkeepable(err)
		}
		if f.Commit, err = s.commitEdits(ctx, repo, e, tree); err != nil {
			return err
		}
	}
	if f.Tree, err = phases.Keep(ctx, s.store.blobs, tree); err != nil {
		return err
	}
	f.Paths = phases.Changed(before, tree)
	old, err := treesBelow(ctx, repo.Repo, e.own)
	if err != nil {
		return err
	}
	if err := repo.Index(ctx, tree, append(old, before, e.tree)...); err != nil {
		return err
	}
	return w.Record(ctx, f)
}

// treesBelow are those that commits of kept edits began from: a crash may have left the index there.
func treesBelow(ctx context.Context, repo *workspace.Repo, own []workspace.Commit) ([]phases.Manifest, error) {
	var out []phases.Manifest
	for _, c := range own {
		if c.Parent == "" || !strings.Contains(c.Message, keptTrailer) {
			continue
		}
		m, err := repo.TreeOf(ctx, c.Parent)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// newestTree is the tree of the build's newest commit; empty before the first.
func (s *session) newestTree(ctx context.Context, w *phases.Writer) (phases.Manifest, error) {
	var at checkpoint.Hash
	if err := w.View(ctx, func(st *phases.State) { at = st.HeadTree }); err != nil || at == "" {
		return nil, err
	}
	return phases.ReadManifest(ctx, s.store.blobs, at)
}

// commitEdits puts the folder as it is on the branch.
func (s *session) commitEdits(ctx context.Context, repo branch, e edits, tree phases.Manifest) (string, error) {
	return repo.Commit(ctx, phases.CommitDraft{
		Tree: tree, Parent: e.head, Author: s.set.Author, At: nowOr(clock(s.app)).UTC().Truncate(1e9),
		Message: fmt.Sprintf("Keep the user's edits\n\n%s\n\nBuilder-Build: %s\n%s\n", listed(e.files), s.store.id, keptTrailer),
	})
}

// listed names files in a commit message, one a line.
func listed(files []workspace.Edit) string {
	const most = 50
	var lines []string
	for i, f := range files {
		if i == most {
			lines = append(lines, fmt.Sprintf("- and %d more", len(files)-most))
			break
		}
		lines = append(lines, "- "+strconv.QuoteToGraphic(f.Path)+" "+f.How)
	}
	return strings.Join(lines, "\n")
}

// unkeepable says what in the folder cannot be in a commit.
func unkeepable(err error) error {
	var bad *phases.TreeProblem
	if errors.As(err, &bad) {
		return usage("E_USER_EDIT", "move it away or name it in .gitignore, then do the same again", "the folder holds what cannot be committed: %s", bad)
	}
	return err
}

// discardEdits keeps copies of what the user changed and brings the folder back to the head. Commits
// of theirs are never taken back.
func (s *session) discardEdits(ctx context.Context, w *phases.Writer, repo branch, e edits) error {
	if len(e.files) == 0 {
		return nil
	}
	now, err := repo.Folder(ctx, e.tree)
	if err != nil {
		return unkeepable(err)
	}
	edited := map[string]bool{}
	f := phases.UserDiscarded{}
	for _, file := range e.files {
		edited[file.Path] = true
		f.Paths = append(f.Paths, file.Path)
	}
	var copies phases.Manifest
	for _, entry := range now {
		if edited[entry.Path] {
			copies = append(copies, entry)
		}
	}
	if f.Kept, err = s.setAside(ctx, copies); err != nil {
		return err
	}
	if left, err := repo.Checkout(ctx, now, e.tree); err != nil || len(left) > 0 {
		return errors.Join(err, leftover(left))
	}
	return w.Record(ctx, f)
}

func leftover(paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	return usage("E_USER_EDIT", "do the same again", "these files changed meanwhile and are left alone: %s", strings.Join(paths, ", "))
}

// setAside writes files below the build's folder, and syncs nothing less than the blobs that hold them.
func (s *session) setAside(ctx context.Context, m phases.Manifest) (string, error) {
	root := filepath.Join(s.store.build(s.store.id), "discarded")
	for n := 1; ; n++ {
		dir := filepath.Join(root, strconv.Itoa(n))
		if err := os.MkdirAll(root, 0o700); err != nil {
			return "", fmt.Errorf("keep edits: %w", err)
		}
		err := os.Mkdir(dir, 0o700)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("keep edits: %w", err)
		}
		return dir, workspace.NewTrees(s.store.blobs, workspace.Limits{}).Materialise(ctx, m, dir, false)
	}
}
