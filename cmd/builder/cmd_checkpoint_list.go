package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

func checkpointList(a *app) *cobra.Command {
	return checkpointVerb(a, "list [DIR]", "List the records of a build", a.listRecords)
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
