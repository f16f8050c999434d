package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func newNote(a *app) *cobra.Command {
	o := orderOptions{req: control.Request{Verb: string(phases.OrderNote)}}
	c := &cobra.Command{
		Use: "note TEXT [DIR]", Short: "Tell the agents of a build something",
		Long: `Note tells the agents at work, before their next answer, and all attempts after them. Gates stay as they
are: what is proven does not change. TEXT "-" reads it from the input.`,
		Example: `  builder note "Errors are written in German" app` + "\n" + `  builder note --task api.errors - app < hints.txt`,
		Args:    cobra.RangeArgs(1, 2),
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			o.dir = dirArg(args[1:])
			o.req.Text, err = a.textArg(args[0])
			return err
		},
	}
	c.Flags().StringVar(&o.req.Task, "task", "", "for the agents of this task only")
	return orderVerb(a, c, &o, func(rep control.Reply, _ folder) string {
		return fmt.Sprintf("noted: the agents are told before their next answer (order %s, record %d)", rep.ID, rep.Seq)
	})
}
