package main

import (
	"errors"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Exit codes. They are part of the interface: scripts match on them.
const (
	exitDone        = 0
	exitFailed      = 1   // finished, with tasks failed
	exitUsage       = 2   // usage, config, spec or plan error; nothing was sent
	exitInternal    = 70  // a bug
	exitStorage     = 74  // the checkpoint cannot be read or written
	exitPaused      = 75  // resumable: budget, time, provider, disk, a branch that was moved
	exitPolicy      = 77  // refused: sandbox, permissions
	exitInterrupted = 130 // stopped by the user, resumable
)

// exitOf is the one switch from errors to exit codes.
func exitOf(err error) int {
	var f *fault
	var pause *phases.PauseError
	var problems planner.Problems
	var locked *checkpoint.LockedError
	var own *bug.Error
	var order *phases.OrderError
	var end *endError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &end):
		return end.code
	case errors.As(err, &own):
		return exitInternal
	case errors.As(err, &f):
		return f.exit
	case errors.As(err, &pause) && pause.Reason.Code == phases.CodeInterrupted:
		return exitInterrupted
	case errors.As(err, &pause):
		return exitPaused
	case errors.As(err, &problems), errors.As(err, &locked), errors.As(err, &order), errors.Is(err, checkpoint.ErrNewer):
		return exitUsage
	case full(err):
		return exitPaused
	case denied(err), foldered(err), unmade(err), errors.Is(err, syscall.EIO), errors.Is(err, checkpoint.ErrCorrupt), errors.Is(err, checkpoint.ErrPoisoned), errors.Is(err, checkpoint.ErrNotFound):
		return exitStorage
	}
	return exitInternal
}
