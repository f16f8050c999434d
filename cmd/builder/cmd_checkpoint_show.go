package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

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
		return a.showBlob(ctx, r, checkpoint.Hash(what))
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

// showBlob prints a blob. One that is not there is lost only where a record names it.
func (a *app) showBlob(ctx context.Context, r reader, h checkpoint.Hash) error {
	raw, err := r.blobs.Get(ctx, h)
	if err == nil {
		_, err = a.out.Write(raw)
		return err
	}
	if !errors.Is(err, checkpoint.ErrNotFound) {
		return err
	}
	audit := phases.NewAudit()
	if rerr := r.journal.Read(ctx, 0, audit.Add); rerr != nil {
		return errors.Join(err, rerr)
	}
	if _, named := slices.BinarySearch(audit.Blobs(), h); named {
		return err
	}
	return usage("E_USAGE", "hashes stand in the records: builder checkpoint show SEQ -C "+word(r.app), "no record of this build names a blob %s", h)
}
