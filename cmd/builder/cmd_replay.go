package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/verify"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
	"github.com/seed-c331f47d/builder/internal/planner/markdown"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

type replayOptions struct {
	dir       string
	json      bool
	noSandbox bool
}

func newReplay(a *app) *cobra.Command {
	var o replayOptions
	c := &cobra.Command{
		Use: "replay [DIR]", Short: "Run a build again from its journal, without network and money, and compare",
		Long: `Replay carries a build out again: every tool, gate, merge and commit is done anew in a folder of its
own, and only the answers of models come from the journal. It must come to the same commits. The
application, its repository and the build's journal are only read.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.dir = dirArg(args)
			return a.runReplay(c.Context(), o)
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "print the outcome as JSON")
	c.Flags().BoolVar(&o.noSandbox, "no-sandbox", false, "run commands unconfined where no sandbox can be had")
	return c
}

func (a *app) runReplay(ctx context.Context, o replayOptions) (err error) {
	f, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	st, err := viewStore(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	state, _, err := phases.Load(ctx, st.journal)
	if err != nil {
		return err
	}
	cache, err := a.cacheDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return fmt.Errorf("make folder for the replay: %w", err)
	}
	dir, err := os.MkdirTemp(cache, "replay-"+st.id+"-*")
	if err != nil {
		return fmt.Errorf("make folder for the replay: %w", err)
	}
	defer func() { err = errors.Join(err, sandbox.RemoveTree(dir)) }()
	braked, b := newBrake(ctx, 0, func(bool) { a.say("stopping") })
	defer b.release()
	r, err := a.replay(braked, st, state, dir, o)
	if err != nil {
		return err
	}
	rep, err := r.Run(braked, st.journal)
	if err != nil {
		if braked.Err() != nil {
			return &fault{code: phases.CodeInterrupted, exit: exitInterrupted, err: err, what: "stopped by the user", hint: "nothing was changed; again: builder replay " + word(f.app)}
		}
		return err
	}
	return a.tellReplay(rep, state, o.json)
}

// replay joins what a build's replay needs. Whoever runs it has the sandbox measured and the folder made.
func (a *app) replay(ctx context.Context, st *store, state *phases.State, dir string, o replayOptions) (*phases.Replay, error) {
	blobs, err := blob.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		return nil, err
	}
	both := overlay{Blobs: st.blobs, own: blobs}
	raw, err := both.Get(ctx, state.Build.Spec)
	if err != nil {
		return nil, err
	}
	spec, err := markdown.Parse(state.Build.SpecPath, raw)
	if err != nil {
		return nil, err
	}
	set := settings{}
	if o.noSandbox {
		set.Sandbox = "off"
	}
	w, err := a.works(ctx, spec, set)
	if err != nil {
		return nil, err
	}
	if err := w.confined(); err != nil {
		w.release()
		return nil, err
	}
	repo, err := workspace.Init(ctx, filepath.Join(dir, "app"), both)
	if err != nil {
		return nil, err
	}
	reader, err := readerOf(state.Build)
	if err != nil {
		return nil, err
	}
	set.Provider = state.Build.Provider
	return &phases.Replay{
		Engine: &phases.Engine{
			Blobs: both, Trees: workspace.NewTrees(both, workspace.Limits{}), Repo: replayRepo{repo},
			Gates: offGates{gates{verify.New(verify.Config{Runner: w.runner, Profile: w.gates}), func(context.Context) error { return nil }}}, Bench: w, Model: reader,
			Spec: spec, Draft: set.priced(state.Build.Model, time.Now()).drafter(), Scratch: filepath.Join(dir, "scratch"),
			Set: phases.Settings{Model: state.Build.Model, Models: state.Build.Models, Effort: state.Build.Effort},
		},
		Tell: func(line string) {
			if !o.json {
				a.say("%s", line)
			}
		},
	}, nil
}

// tellReplay says what came out; the error decides the exit code.
func (a *app) tellReplay(rep phases.ReplayReport, state *phases.State, asJSON bool) error {
	if asJSON {
		if err := writeJSON(a.out, rep); err != nil {
			return err
		}
	} else {
		for _, n := range rep.Notes {
			fmt.Fprintln(a.out, "note: "+tidy(n, a.secrets()))
		}
		for _, p := range rep.Problems {
			fmt.Fprintln(a.out, tidy(p, a.secrets()))
		}
	}
	switch {
	case len(rep.Problems) > 0 || rep.Head != state.Head || rep.Tree != state.HeadTree:
		return &fault{code: "E_REPLAY_DIFFERS", exit: exitFailed, what: fmt.Sprintf("the replay came out otherwise, after %d of the build's commits", rep.Commits), hint: "what was proven then is in the commits; whether the journal is whole says: builder checkpoint verify"}
	case !asJSON:
		fmt.Fprintf(a.out, "replayed %d records: %d attempts, %d merges, %d commits with the ids they had; tree %s; nothing was sent\n", rep.Records, rep.Attempts, rep.Merges, rep.Commits, orDash(string(rep.Tree)))
	}
	return nil
}
