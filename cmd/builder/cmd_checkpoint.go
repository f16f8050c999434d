package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

func newCheckpoint(a *app) *cobra.Command {
	c := &cobra.Command{Use: "checkpoint", Short: "Look into a build's journal", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(checkpointVerb(a, "list [DIR]", "List the records of a build", a.listRecords),
		checkpointShow(a), checkpointVerb(a, "verify [DIR]", "Recompute everything from the journal and compare", a.verifyCheckpoint),
		checkpointRestore(a), checkpointRebuild(a))
	return c
}

// reader is a build opened for reading.
type reader struct {
	*store
	json bool
}

func checkpointVerb(a *app, use, short string, run func(context.Context, reader) error) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: use, Short: short, Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error {
		return a.reading(c.Context(), dirArg(args), asJSON, run)
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON lines")
	return c
}

func (a *app) reading(ctx context.Context, dir string, asJSON bool, run func(context.Context, reader) error) (err error) {
	f, err := openFolder(dir)
	if err != nil {
		return err
	}
	s, err := viewStore(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = f.located(f.resume(), errors.Join(err, s.Close())) }()
	return run(ctx, reader{s, asJSON})
}

func (a *app) listRecords(ctx context.Context, r reader) error {
	return r.journal.Read(ctx, 0, func(e checkpoint.Envelope) error {
		if r.json {
			return json.NewEncoder(a.out).Encode(e)
		}
		_, err := fmt.Fprintf(a.out, "%6d  %s  %-18s %s\n", e.Seq, e.Time.Format("15:04:05.000"), e.Kind, tidy(short(e.Payload, 120), a.secrets()))
		return err
	})
}

func short(raw []byte, n int) string {
	if r := []rune(string(raw)); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return string(raw)
}

func checkpointShow(a *app) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "show SEQ|HASH", Short: "Print a record by its number, or a blob by its hash", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reading(c.Context(), dir, true, func(ctx context.Context, r reader) error { return a.showOne(ctx, r, args[0]) })
		},
	}
	c.Flags().StringVarP(&dir, "dir", "C", ".", "folder of the application")
	return c
}

var errFound = errors.New("found")

func (a *app) showOne(ctx context.Context, r reader, what string) error {
	if len(what) == 64 {
		raw, err := r.blobs.Get(ctx, checkpoint.Hash(what))
		if err == nil {
			_, err = a.out.Write(raw)
		}
		return err
	}
	var seq uint64
	if _, err := fmt.Sscanf(what, "%d", &seq); err != nil || seq == 0 {
		return usage("E_USAGE", "numbers stand in: builder checkpoint list", "%q is neither a record's number nor a hash", what)
	}
	err := r.journal.Read(ctx, seq-1, func(e checkpoint.Envelope) error {
		if err := writeJSON(a.out, e); err != nil {
			return err
		}
		return errFound
	})
	if errors.Is(err, errFound) {
		return nil
	}
	if err == nil {
		return usage("E_USAGE", "numbers stand in: builder checkpoint list", "there is no record %d", seq)
	}
	return err
}

// verification is what `checkpoint verify` found.
type verification struct {
	Records  uint64   `json:"records"`
	Blobs    int      `json:"blobs"`
	Commits  int      `json:"commits"`
	Problems []string `json:"problems"`
}

func (a *app) verifyCheckpoint(ctx context.Context, r reader) error {
	v, err := verifyStore(ctx, r.store)
	if err != nil {
		return err
	}
	if r.json {
		if err := writeJSON(a.out, v); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.out, "%d records folded, %d blobs read, %d commits found\n", v.Records, v.Blobs, v.Commits)
		for _, p := range v.Problems {
			fmt.Fprintln(a.out, tidy(p, a.secrets()))
		}
	}
	if len(v.Problems) > 0 {
		return &fault{code: "E_CHECKPOINT_CORRUPT", exit: exitStorage, what: fmt.Sprintf("%d problems found", len(v.Problems)), hint: safeInGit + "builder checkpoint rebuild " + word(r.app)}
	}
	return nil
}

// verifyStore folds the journal from its first record and compares the result with what a start
// from the snapshot gives; it reads every blob that a record names, recomputes every cost, and looks
// for every commit.
func verifyStore(ctx context.Context, s *store) (verification, error) {
	v := verification{Problems: []string{}}
	whole := phases.NewState()
	audit := phases.NewAudit()
	err := s.journal.Read(ctx, 0, func(e checkpoint.Envelope) error {
		v.Records++
		if err := audit.Add(e); err != nil {
			return err
		}
		return whole.ApplyEnvelope(e)
	})
	if err != nil {
		return v, err
	}
	fast, _, err := phases.Load(ctx, s.journal)
	if err != nil {
		return v, err
	}
	a, err := json.Marshal(whole)
	if err != nil {
		return v, fmt.Errorf("encode state: %w", err)
	}
	b, err := json.Marshal(fast)
	if err != nil {
		return v, fmt.Errorf("encode state: %w", err)
	}
	if string(a) != string(b) {
		v.Problems = append(v.Problems, "the snapshot is not the fold of the records before it")
	}
	v.Problems = append(v.Problems, audit.Problems()...)
	for _, h := range audit.Blobs() {
		v.Blobs++
		if _, err := s.blobs.Get(ctx, h); err != nil {
			v.Problems = append(v.Problems, fmt.Sprintf("blob %s: %s", h, err))
		}
	}
	for _, c := range audit.Commits() {
		if ok, err := workspace.HasCommit(s.app, c); err != nil || !ok {
			v.Problems = append(v.Problems, "commit "+c+" is not in the repository")
			continue
		}
		v.Commits++
	}
	return v, nil
}
