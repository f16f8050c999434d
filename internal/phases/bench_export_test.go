package phases

import (
	"context"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// ErrCrash stands for kill -9 of the process that writes a journal of [Dying].
var ErrCrash = errCrash

// Dying is a journal that takes so many appends; fewer than none: all.
func Dying(j checkpoint.Journal, appends int) checkpoint.Journal { return &dyingJournal{j, appends} }

// OpenBench is the bench of attempt 1 at task t, and what takes its candidates, as a new process opens them.
func OpenBench(ctx context.Context, w *Writer, blobs checkpoint.Blobs, tools agent.Toolbox, trees Trees, dir string) (agent.Toolbox, func(context.Context) error, error) {
	e := &Engine{Writer: w, Blobs: blobs, Trees: trees, Scratch: dir + ".spare"}
	var open AttemptState
	if err := w.View(ctx, func(s *State) { open = *s.Task("t").Open }); err != nil {
		return nil, nil, err
	}
	if err := e.bringTree(ctx, open.Tree, dir, true); err != nil {
		return nil, nil, err
	}
	at := &attempt{build: "b-1", task: "t", number: 1}
	b := newBench(tools, e.door(), trees, at, dir, open.Start, open.Kept)
	p := &prover{door: e.door(), trees: trees, plan: &planner.Plan{}, at: at, dir: dir, bench: b}
	return b, func(ctx context.Context) error { _, _, _, err := p.candidate(ctx); return err }, nil
}
