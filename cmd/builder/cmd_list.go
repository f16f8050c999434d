package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/progress"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	known "github.com/seed-c331f47d/builder/internal/usage"
)

func newList(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List the builds known on this machine", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.runList(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// register is where builds of this machine are known.
func (a *app) register() (known.Register, error) {
	dir, err := a.stateDir()
	return known.Register{Dir: filepath.Join(dir, "builds")}, err
}

func (a *app) runList(asJSON bool) error {
	reg, err := a.register()
	if err != nil {
		return err
	}
	all, err := reg.List()
	if err != nil {
		return err
	}
	if asJSON {
		if all == nil {
			all = []known.Build{}
		}
		return writeJSON(a.out, map[string]any{"version": 1, "builds": all})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BUILD\tSTATE\tPROJECT\tMODEL\tCALLS\tCOST\tFOLDER")
	for _, b := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", b.ID, b.State, tidy(orDash(b.Project), nil), b.Model, b.Calls, progress.Billed(budget.Billing(b.Billing), budget.Micro(b.Cost+b.Unknown)), tidy(b.Folder, nil))
	}
	return w.Flush()
}

func newLogs(a *app) *cobra.Command {
	var dir string
	var told, asJSON bool
	c := &cobra.Command{
		Use: "logs TASK [DIR]", Short: "Show what happened in a task, record by record, with the logs of its gates", Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 2 {
				dir = args[1]
			}
			show := a.showLogs
			if told {
				show = a.showTold
			}
			return a.reading(c.Context(), dir, asJSON, func(ctx context.Context, r reader) error { return show(ctx, r, args[0]) })
		},
	}
	c.Flags().StringVarP(&dir, "dir", "C", ".", "folder of the application")
	c.Flags().BoolVar(&told, "context", false, "show instead what the model was told in each call, why, and what of it came from a cache")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON (records as lines)")
	return c
}

// showLogs prints a task's records, and the log of every gate that failed.
func (a *app) showLogs(ctx context.Context, r reader, task string) error {
	found := false
	err := r.journal.Read(ctx, 0, func(e checkpoint.Envelope) error {
		f, err := phases.Decode(e.Kind, e.Payload)
		if err != nil {
			return err
		}
		if phases.TaskOf(f) != task {
			return nil
		}
		found = true
		if r.json {
			return json.NewEncoder(a.out).Encode(e)
		}
		fmt.Fprintf(a.out, "%s  %-18s %s\n", e.Time.Format("15:04:05.000"), e.Kind, tidy(short(e.Payload, 200), a.secrets()))
		done, ok := f.(phases.EffectFinished)
		if !ok || done.Gate == nil || done.Gate.Pass || done.Gate.Log == "" {
			return nil
		}
		raw, err := r.blobs.Get(ctx, done.Gate.Log)
		if err != nil {
			return err
		}
		for _, line := range lines(raw) {
			fmt.Fprintf(a.out, "    %s\n", tidy(line, a.secrets()))
		}
		return nil
	})
	if err == nil && !found {
		return noTask(task)
	}
	return err
}

func noTask(task string) error {
	return &fault{code: "E_USAGE", what: fmt.Sprintf("there is no record of task %q", task), hint: "tasks stand in: builder status", exit: exitUsage}
}

func lines(raw []byte) []string {
	text := strings.TrimRight(string(raw), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
