package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// The rules of a damaged checkpoint are:
//   - it is found before anything is sent, and said in one line with a code and the way back as a
//     command
//   - nothing is changed by finding it
//   - the way back is a backup where there is one that can be opened, else what else is kept

// resume is the command that goes on with the folder's build.
func (f folder) resume() string { return "builder resume " + word(f.app) }

// currentBuild reads which build the folder is for.
func (f folder) currentBuild() (string, error) {
	raw, err := os.ReadFile(f.current())
	id := strings.TrimSpace(string(raw))
	if err == nil && validBuildID(id) {
		return id, nil
	}
	hint := "write the name of a folder in " + filepath.Join(f.root(), "builds") + " into " + f.current()
	if newest := f.newestBuild(); newest != "" {
		hint = "name it again: echo " + newest + " > " + word(f.current())
	}
	return "", &fault{code: "E_CHECKPOINT_CORRUPT", exit: exitStorage, err: err, what: "cannot tell which build is in " + f.app, hint: hint}
}

// newestBuild is the newest of the folder's builds, by name; "" when there is none.
func (f folder) newestBuild() string {
	entries, err := os.ReadDir(filepath.Join(f.root(), "builds")) // sorted
	if err != nil {
		return ""
	}
	newest := ""
	for _, e := range entries {
		if e.IsDir() && validBuildID(e.Name()) {
			newest = e.Name()
		}
	}
	return newest
}

// hurt gives an error of opening a build's journal the way back.
func (f folder) hurt(id string, err error) error {
	switch {
	case errors.Is(err, checkpoint.ErrCorrupt):
		return &fault{code: "E_CHECKPOINT_CORRUPT", exit: exitStorage, err: err, what: err.Error(), hint: f.wayBack(id)}
	case errors.Is(err, checkpoint.ErrNotFound):
		return &fault{code: "E_CHECKPOINT_MISSING", exit: exitStorage, err: err, what: err.Error(), hint: f.wayBack(id)}
	}
	return err
}

// wayBack is what to do about a build whose journal cannot be read.
func (f folder) wayBack(id string) string { return safeInGit + f.backCommand(id) }

const safeInGit = "the proven commits are safe in git; bring the build back with: "

func (f folder) backCommand(id string) string {
	if all, err := bolt.Backups(f.backups(id)); err == nil && len(all) > 0 {
		return "builder checkpoint restore --backup " + word(f.app)
	}
	return "builder checkpoint rebuild " + word(f.app)
}

// owned says whether a journal is that of the build in whose folder it lies.
func (f folder) owned(ctx context.Context, id string, j *bolt.Journal) error {
	e, err := j.First(ctx)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return nil // it ended before it began
	}
	if err != nil {
		return f.hurt(id, err)
	}
	first, err := phases.Decode(e.Kind, e.Payload)
	if err != nil {
		return f.hurt(id, fmt.Errorf("open journal %s: %w: %w", f.journal(id), checkpoint.ErrCorrupt, err))
	}
	if b, ok := first.(phases.BuildStarted); !ok || b.Build != id {
		return &fault{
			code: "E_CHECKPOINT_FOREIGN", exit: exitStorage, what: fmt.Sprintf("%s is the journal of another build, not of %s", f.journal(id), id), hint: f.wayBack(id),
		}
	}
	return nil
}

// located gives errors of a build the commands that are about it; again goes on with it.
func (f folder) located(again string, err error) error {
	var at *located
	if err == nil || errors.As(err, &at) {
		return err
	}
	back := "builder checkpoint rebuild " + word(f.app)
	if id, cerr := f.currentBuild(); cerr == nil {
		back = f.backCommand(id)
	}
	return &located{again: again, back: back, rebuild: "builder checkpoint rebuild " + word(f.app), err: err}
}
