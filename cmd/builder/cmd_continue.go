package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func newContinue(a *app) *cobra.Command {
	o := orderOptions{req: control.Request{Verb: string(phases.OrderContinue)}}
	c := &cobra.Command{
		Use: "continue [DIR]", Short: "Let a running build go on after a pause; starts no process, as resume does",
		Args: cobra.MaximumNArgs(1), PreRun: func(_ *cobra.Command, args []string) { o.dir = dirArg(args) },
	}
	return orderVerb(a, c, &o, func(rep control.Reply, _ folder) string {
		return fmt.Sprintf("goes on (order %s, record %d)", rep.ID, rep.Seq)
	})
}
