package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func newPause(a *app) *cobra.Command {
	o := orderOptions{req: control.Request{Verb: string(phases.OrderPause)}}
	c := &cobra.Command{
		Use: "pause [DIR]", Short: "Let a running build begin nothing new, and wait",
		Long: `Pause lets calls and effects that have begun come to their end; no other begins. The process stays and
waits: it goes on with "builder resume", and ends with "builder stop".`,
		Args: cobra.MaximumNArgs(1), PreRun: func(_ *cobra.Command, args []string) { o.dir = dirArg(args) },
	}
	c.Flags().BoolVar(&o.req.Wait, "wait", false, "wait until nothing is in flight")
	return orderVerb(a, c, &o, func(rep control.Reply, f folder) string {
		return fmt.Sprintf("pausing: what has begun ends, nothing else begins (order %s, record %d); go on with: builder resume %s", rep.ID, rep.Seq, word(f.app))
	})
}
