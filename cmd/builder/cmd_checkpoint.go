package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

func newCheckpoint(a *app) *cobra.Command {
	c := &cobra.Command{Use: "checkpoint", Short: "Look into a build's journal, check it, and carry it elsewhere", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(checkpointList(a), checkpointShow(a), checkpointVerify(a), checkpointFork(a), checkpointExport(a), checkpointImport(a), checkpointCompact(a), checkpointRestore(a), checkpointRebuild(a))
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
