package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func newStop(a *app) *cobra.Command {
	o := orderOptions{req: control.Request{Verb: string(phases.OrderStop)}}
	c := &cobra.Command{
		Use: "stop [DIR]", Short: "End a running build as one Ctrl-C does, resumable",
		Long: `Stop does what one Ctrl-C does: no new calls, those in flight may arrive for 30 seconds, then the process
ends. However often it is given, it cuts nothing.`,
		Args: cobra.MaximumNArgs(1), PreRun: func(_ *cobra.Command, args []string) { o.dir = dirArg(args) },
	}
	return orderVerb(a, c, &o, func(rep control.Reply, f folder) string {
		return fmt.Sprintf("stopping: calls in flight may end within %s (order %s, record %d); go on with: builder resume %s", grace, rep.ID, rep.Seq, word(f.app))
	})
}
