package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

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
		if fork, ok := f.(phases.BuildForked); ok && a.showCarried(fork, task, r.json) {
			found = true
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
		return noTask(r, task)
	}
	return err
}

// showCarried tells of a task that another build did before this one was forked.
func (a *app) showCarried(fork phases.BuildForked, task string, asJSON bool) bool {
	for _, c := range fork.Tasks {
		if string(c.Task) != task {
			continue
		}
		if asJSON {
			return json.NewEncoder(a.out).Encode(c) == nil
		}
		fmt.Fprintf(a.out, "done by %s in %d attempts, commit %s; its records are there\n", c.Build, c.Attempts, c.Commit)
		for _, id := range slices.Sorted(maps.Keys(c.Gates)) {
			g := c.Gates[id]
			fmt.Fprintf(a.out, "    gate %s: red before %s, passed %s  %s\n", id, yes(g.Red), yes(g.Pass), tidy(g.Short, a.secrets()))
		}
		return true
	}
	return false
}

func noTask(r reader, task string) error {
	return usage("E_USAGE", "tasks stand in: builder status "+word(r.app), "there is no record of task %q", task)
}

func lines(raw []byte) []string {
	text := strings.TrimRight(string(raw), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
