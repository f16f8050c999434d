package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func newAnswer(a *app) *cobra.Command {
	o := orderOptions{req: control.Request{Verb: string(phases.OrderAnswer)}}
	c := &cobra.Command{
		Use: "answer TASK TEXT [DIR]", Short: "Answer the question that a task waits with",
		Long: `Answer lets a task go on that waits for a decision of yours: "builder status" shows its question. A build
that runs takes it up when a worker is free; else go on with "builder resume". TEXT "-" reads it from the input.`,
		Example: `  builder answer api.errors "Status 422, not 400" app`,
		Args:    cobra.RangeArgs(2, 3),
		PreRunE: func(_ *cobra.Command, args []string) (err error) {
			o.req.Task, o.dir = args[0], dirArg(args[2:])
			o.req.Text, err = a.textArg(args[1])
			return err
		},
	}
	return orderVerb(a, c, &o, func(rep control.Reply, f folder) string {
		return fmt.Sprintf("answered (order %s, record %d); where no process works on the build, go on with: builder resume %s", rep.ID, rep.Seq, word(f.app))
	})
}
