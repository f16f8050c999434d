package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/phases/workspace"
)

func checkpointVerify(a *app) *cobra.Command {
	c := checkpointVerb(a, "verify [DIR]", "Recompute everything from the journal and compare", a.verifyCheckpoint)
	c.Long = `Verify reads the journal from its first record to its last, in two ways that share no code, and holds
against one another and against the disk: the state and the snapshot, every blob that a record or a
recorded tree names, every settlement and the sums of every scope, the cap at every record, and the
commits: each done task has one, with the recorded tree, in the history of the branch. It changes nothing.`
	return c
}

// verification is what `checkpoint verify` found.
type verification struct {
	Version  int      `json:"version"`
	Build    string   `json:"build"`
	Records  uint64   `json:"records"` // folded
	Calls    int64    `json:"calls"`   // whose money was added up
	Blobs    int      `json:"blobs"`   // read, and as their names say
	Commits  int      `json:"commits"` // of done tasks, as recorded and on the branch
	Objects  int      `json:"objects"` // of the repository, read, and as their names say
	Problems []string `json:"problems"`

	elsewhere int    // problems beside the repository
	newest    string // commit of the build
	repo      error  // why the repository cannot be read
}

func (v *verification) bad(format string, args ...any) {
	v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
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
		fmt.Fprintf(a.out, "%d records folded, %d calls added up, %d blobs and %d objects read, %d commits found\n", v.Records, v.Calls, v.Blobs, v.Objects, v.Commits)
		for _, p := range v.Problems {
			fmt.Fprintln(a.out, tidy(p, a.secrets()))
		}
	}
	if len(v.Problems) > 0 {
		return &fault{code: "E_CHECKPOINT_CORRUPT", exit: exitStorage, what: fmt.Sprintf("%d problems found", len(v.Problems)), hint: v.wayBack(r.folder)}
	}
	return nil
}

// wayBack is what to do about problems. The commits bring back all else, but for themselves.
func (v *verification) wayBack(f folder) string {
	if lost := v.lost(f); lost != nil {
		return lost.hint
	}
	return safeInGit + "builder checkpoint rebuild " + word(f.app)
}

// lost says that the repository cannot be read; nil when it can.
func (v *verification) lost(f folder) *fault {
	var known *fault
	if v.repo != nil && !errors.As(f.trouble(v.repo, v.newest, f.resume()), &known) {
		known = f.lostRepo(v.repo, f.resume())
	}
	return known
}

// verifyStore folds the journal from its first record, audits it beside that, and compares both with
// what a start from the snapshot gives, with the blobs and with the repository.
func verifyStore(ctx context.Context, s *store) (verification, error) {
	v := verification{Version: 1, Problems: []string{}}
	whole, audit := phases.NewState(), phases.NewAudit()
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
	v.Build, v.Calls = audit.Build(), audit.Calls()
	if err := v.snapshot(ctx, s, whole, audit); err != nil {
		return v, err
	}
	err = phases.Reach(ctx, s.blobs, audit.Blobs(), func(h checkpoint.Hash, _ []byte, err error) error {
		if err != nil {
			v.bad("blob %s: %s", h, err)
			return ctx.Err()
		}
		v.Blobs++
		return nil
	})
	if err != nil {
		return v, err
	}
	return v, v.history(ctx, s, whole, audit)
}

// snapshot compares the fold of all records with what a start from the snapshot gives, and both with
// the audit's addition.
func (v *verification) snapshot(ctx context.Context, s *store, whole *phases.State, audit *phases.Audit) error {
	v.Problems = append(v.Problems, audit.Problems("the fold", &whole.Guard)...)
	fast, _, err := phases.Load(ctx, s.journal)
	if err != nil {
		return err
	}
	a, err := json.Marshal(whole)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	b, err := json.Marshal(fast)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if string(a) == string(b) {
		return nil
	}
	v.bad("the snapshot is not the fold of the records before it")
	v.Problems = append(v.Problems, audit.Money("the snapshot", &fast.Guard)...)
	return nil
}

// history holds the repository against the records.
func (v *verification) history(ctx context.Context, s *store, whole *phases.State, audit *phases.Audit) error {
	v.elsewhere, v.newest = len(v.Problems), whole.Head
	h, err := workspace.ReadHistory(s.app, s.blobs)
	if errors.Is(err, fs.ErrNotExist) {
		v.repo = s.hasRepo()
		for _, d := range audit.Done() {
			v.bad("commit %s of task %s: there is no repository in %s", d.Commit, d.Task, s.app)
		}
		return nil
	}
	if err != nil {
		return err
	}
	branch, err := h.Branch(ctx)
	if err != nil {
		v.repo = err
		v.bad("%s", err)
	}
	sound, problems := audit.CheckHistory(branch, func(tree checkpoint.Hash) (string, error) {
		m, err := phases.ReadManifest(ctx, s.blobs, tree)
		if err != nil {
			return "", err
		}
		return h.Tree(ctx, m)
	})
	v.Commits, v.Problems = sound, append(v.Problems, problems...)
	if len(branch) == 0 {
		return ctx.Err()
	}
	if err := h.Objects(ctx, []string{branch[0].ID}, func(workspace.Object) error { v.Objects++; return nil }); err != nil {
		v.repo = err
		v.bad("%s", err)
	}
	return ctx.Err()
}
