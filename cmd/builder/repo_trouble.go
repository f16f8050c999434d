package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

// The rules of trouble with the repository of a build that goes on are:
//   - nothing is changed by finding it
//   - the hint is commands that bring the build on, and lose nothing when they are followed to the letter

// trouble gives errors of a session's repository their codes and the way on.
func (s *session) trouble(ctx context.Context, w *phases.Writer, err error) error {
	if err == nil {
		return nil
	}
	var newest string
	if verr := w.View(context.WithoutCancel(ctx), func(st *phases.State) { newest = st.Head }); verr != nil {
		return errors.Join(err, verr)
	}
	return s.store.trouble(err, newest, s.again)
}

// trouble gives errors of a build's repository their codes and the way on; newest is the build's newest
// commit, again what goes on with it.
func (f folder) trouble(err error, newest, again string) error {
	var known *fault
	var pause *phases.PauseError
	then := "; then: " + again
	state := func(hint string) error {
		return &fault{code: "E_REPO_STATE", exit: exitPaused, err: err, what: err.Error(), hint: hint + then}
	}
	switch {
	case errors.As(err, &known), errors.As(err, &pause):
		return err
	case errors.Is(err, workspace.ErrOffMain):
		return state(f.toMain())
	case errors.Is(err, workspace.ErrBadHead):
		return state("echo 'ref: " + workspace.Branch + "' > " + word(filepath.Join(f.app, ".git", "HEAD")))
	case errors.Is(err, workspace.ErrBadRef) && newest != "":
		return state("echo " + newest + " > " + word(filepath.Join(f.app, ".git", workspace.Branch)))
	case errors.Is(err, errNoRepo), errors.Is(err, workspace.ErrLost), errors.Is(err, workspace.ErrForeignRepo) && newest != "":
		return f.lostRepo(err, again)
	case errors.Is(err, workspace.ErrUnsupported):
		return state("take that back, or put " + word(filepath.Join(f.app, ".git")) + " back as it was")
	}
	return repoFault(f.app, err)
}

// errNoRepo means that the application's folder has no repository any more.
var errNoRepo = errors.New("there is no repository in it any more")

// hasRepo looks whether a repository is there.
func (f folder) hasRepo() error {
	if _, err := os.Lstat(filepath.Join(f.app, ".git")); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("open repository %s: %w", f.app, errNoRepo)
	}
	return nil
}

// lostRepo says that commits are lost.
func (f folder) lostRepo(err error, again string) *fault {
	return &fault{code: "E_REPO_LOST", exit: exitStorage, err: err, what: err.Error(), hint: f.anew(again)}
}

// anew is what is left to do about commits that are lost: a copy of them, or the same plan carried out
// again.
func (f folder) anew(again string) string {
	plan := "PLAN" // the build's own file is lost, too
	if id, err := f.currentBuild(); err == nil {
		if own := f.planFile(id); isFile(own) {
			plan = word(own)
		}
	}
	return "put " + word(filepath.Join(f.app, ".git")) + " back from a copy, then: " + again + "; or bring an export of the build back with: builder checkpoint import FILE -o DIR" +
		"; without either, its plan is carried out and paid anew by: builder build --plan " + plan + " -o " + word(newFolder(f.app))
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// newFolder is a name beside dir that is free.
func newFolder(dir string) string {
	for n := 2; ; n++ {
		name := fmt.Sprintf("%s-%d", dir, n)
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			return name
		}
	}
}

// git begins a command about the application's repository.
func (f folder) git() string { return "git -C " + word(f.app) }

var detached = regexp.MustCompile(`^[0-9a-f]{40}$`)

// toMain are the commands that bring a repository back to its main branch. Commits that are on no
// branch get one.
func (f folder) toMain() string {
	main := f.git() + " checkout main"
	h, err := workspace.ReadHistory(f.app, &checkpoint.MemoryBlobs{})
	if err != nil {
		return main
	}
	newest, err := h.Head()
	if err != nil {
		return main
	}
	if newest == "" {
		return f.git() + " symbolic-ref HEAD " + workspace.Branch
	}
	raw, err := os.ReadFile(filepath.Join(f.app, ".git", "HEAD"))
	if at := strings.TrimSpace(string(raw)); err == nil && detached.MatchString(at) && at != newest {
		return f.git() + " branch " + freeBranch(h) + " && " + main
	}
	return main
}

// toNewest are the commands that bring the branch back to the build's newest commit. What is on it now
// gets a branch of its own; files that a person changed stay as they are.
func (f folder) toNewest(e edits, newest string) string {
	if e.head == "" {
		return f.git() + " update-ref " + workspace.Branch + " " + newest
	}
	how := "--keep" // files follow; git refuses it where it would touch a changed one
	if len(e.files) > 0 {
		how = "--soft"
	}
	name := "mine"
	if h, err := workspace.ReadHistory(f.app, &checkpoint.MemoryBlobs{}); err == nil {
		name = freeBranch(h)
	}
	return fmt.Sprintf("%s branch %s && %s reset %s %s", f.git(), name, f.git(), how, newest)
}

// freeBranch is a name that no branch has.
func freeBranch(h *workspace.History) string {
	refs, odd, err := h.Refs()
	if err != nil {
		return "mine"
	}
	for name := range refs {
		odd = append(odd, name)
	}
	for n := 1; ; n++ {
		name := "mine"
		if n > 1 {
			name = fmt.Sprintf("mine-%d", n)
		}
		if !taken(odd, "refs/heads/"+name) {
			return name
		}
	}
}

// taken says whether a reference, or a folder of them, has a name.
func taken(refs []string, name string) bool {
	for _, r := range refs {
		if r == name || strings.HasPrefix(r, name+"/") {
			return true
		}
	}
	return false
}
