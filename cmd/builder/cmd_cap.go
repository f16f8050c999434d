package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/control"
	"github.com/seed-c331f47d/builder/internal/phases"
)

func newCap(a *app) *cobra.Command {
	o := orderOptions{req: control.Request{Verb: string(phases.OrderCap)}}
	var tokens string
	c := &cobra.Command{
		Use: "cap [DIR]", Short: "Change the caps of a build, running or not",
		Long: `Cap sets the cap of a build, or of one of its phases, on money, tokens, or both. It counts from the next
call on, and is never below what is spent, unknown and held.`,
		Example: "  builder cap --max-cost 20 app\n  builder cap --phase foundation --max-cost 5 app",
		Args:    cobra.MaximumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			o.dir = dirArg(args)
			if tokens == "" && o.req.MaxCost == "" {
				return usage("E_USAGE", "as in: builder cap --max-cost 20 "+word(o.dir), "cap needs --max-cost, --max-tokens, or both")
			}
			if tokens == "" {
				return nil
			}
			n, err := strconv.ParseInt(tokens, 10, 64)
			if err != nil || n <= 0 {
				return usage("E_BUDGET_INVALID", "as in: --max-tokens 2000000", "%q is no number of tokens", tokens)
			}
			o.req.MaxTokens = &n
			return nil
		},
	}
	c.Flags().StringVar(&o.req.MaxCost, "max-cost", "", "cap in US dollars")
	c.Flags().StringVar(&tokens, "max-tokens", "", "cap in tokens of all classes")
	c.Flags().StringVar(&o.req.Phase, "phase", "", "of this phase, not of the build")
	return orderVerb(a, c, &o, func(rep control.Reply, _ folder) string {
		return fmt.Sprintf("the cap counts from the next call on (order %s, record %d)", rep.ID, rep.Seq)
	})
}
