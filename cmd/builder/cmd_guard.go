package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/gateway"
	"github.com/seed-c331f47d/builder/internal/phases"
)

type guardOptions struct {
	limits  limitFlags
	summary string
	json    bool
	argv    []string
}

func newGuard(a *app) *cobra.Command {
	var o guardOptions
	c := &cobra.Command{
		Use: "guard [flags] -- COMMAND [ARGS...]", Short: "Run any agent's command line under a hard cap",
		Long: `Guard runs the command line of an agent with its model calls going through builder: each is
reserved before it leaves and booked when it ends, and the first that does not fit the cap is refused.
The agent's input and output are its own. The key stays with builder, the agent does not see it.

It sets up claude, codex and opencode; for any other command it sets the usual variables
(ANTHROPIC_BASE_URL, OPENAI_BASE_URL, ...) and prints them. What a command sends past them is not seen.

Exit code: 75 when a call was refused for the cap, else the command's own (128 and the signal's number
when a signal ended it). The summary goes to stderr, with --json as one line of JSON.`,
		Example: "  builder guard --max-cost 5 -- claude -p \"fix the tests\"\n  builder guard --max-cost 2 --summary cost.json -- codex exec \"explain this\"",
		RunE: func(c *cobra.Command, args []string) error {
			o.argv = args
			return a.runGuard(c.Context(), o)
		},
	}
	f := c.Flags()
	f.SetInterspersed(false)
	f.StringVar(&o.limits.maxCost, "max-cost", "", "hard cap in US dollars (default 10)")
	f.StringVar(&o.limits.maxTokens, "max-tokens", "", "hard cap in tokens of all classes (default none)")
	f.StringVar(&o.limits.provider, "provider", "", "whose API --base-url speaks: anthropic or openai (default: the command's own)")
	f.StringVar(&o.limits.baseURL, "base-url", "", "the provider's address, for gateways and local servers")
	f.StringVar(&o.limits.model, "model", "", "the model that --price is of")
	f.StringVar(&o.limits.price, "price", "", "price of that model: 0 for one of your own, or IN/OUT in US dollars per million tokens")
	f.StringVar(&o.summary, "summary", "", "also write the summary as JSON to this file")
	f.BoolVar(&o.json, "json", false, "the summary on stderr is one line of JSON")
	return c
}

// guardTask is the task under which a guard books.
const guardTask = "guard"

// guard is one run of an agent under a cap.
type guard struct {
	app    *app
	opts   guardOptions
	cli    cli
	set    guardSettings
	store  *guardStore
	gw     *gateway.Gateway
	ticket *gateway.Ticket
	begun  time.Time
}

func (a *app) runGuard(ctx context.Context, o guardOptions) error {
	g := &guard{app: a, opts: o, begun: time.Now()}
	program, err := g.look()
	if err != nil {
		return err
	}
	if g.store, err = a.openGuard(ctx, g.set); err != nil {
		return err
	}
	code, err := g.run(ctx, program)
	if cerr := g.store.close(ctx); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return endWith(code)
}

// look checks everything that can be checked: nothing is written or started before it returns.
func (g *guard) look() (program string, err error) {
	if len(g.opts.argv) == 0 {
		return "", usage("E_USAGE", `as in: builder guard --max-cost 5 -- claude -p "..."`, "the command to guard is missing")
	}
	if program = g.opts.argv[0]; !strings.Contains(program, "/") {
		program, err = lookPath(program, g.app.getenv("PATH"))
	}
	if err == nil {
		_, err = exec.LookPath(program) // with a slash: whether it can be run
	}
	if err != nil {
		return "", usage("E_COMMAND", "install it, or give its path", "there is no program %s that can be run", g.opts.argv[0])
	}
	g.cli = cliOf(g.opts.argv)
	if err := g.cli.bypass(g.app); err != nil {
		return "", err
	}
	g.set, err = g.app.guardSettings(g.opts.limits, g.cli)
	return program, err
}

// run starts the gateway and the command, and gives the exit code once all is booked.
func (g *guard) run(ctx context.Context, program string) (int, error) {
	var err error
	if g.gw, err = gateway.New(ctx, g.store.gateway(g.set)); err != nil {
		return 0, err
	}
	g.ticket, err = g.gw.Open(ctx, gateway.Task{
		Op: budget.Op{Build: g.store.id, Task: guardTask, Attempt: 1, Step: 1}, Enter: g.store.enter,
	})
	if err != nil {
		return 0, errors.Join(err, g.close(ctx))
	}
	env, argv, err := g.cli.through(g)
	if err != nil {
		return 0, errors.Join(err, g.close(ctx))
	}
	g.headline(env)
	code, err := g.app.child(program, argv, env, g.cli)
	if err = errors.Join(err, g.close(ctx), g.store.tidy()); err != nil {
		return 0, err
	}
	return g.finish(ctx, code)
}

// close ends the gateway: calls whose asker has ended may arrive for a while.
func (g *guard) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	return g.gw.Close(ctx)
}

// headline says what is guarded, and how, before the command has the terminal.
func (g *guard) headline(env []string) {
	g.app.say("guard %s: %s under a cap of %s; the record: %s", g.store.id, g.cli.name, capText(g.set.caps), g.store.dir)
	if g.set.billing == budget.Subscription {
		g.app.say("no key is set, so calls are made with the command's own login: dollars are list prices, not spending")
	}
	if g.cli.kind != cliOther {
		return
	}
	g.app.say("%s is not known to builder; for it these are set:", g.cli.name)
	for _, kv := range env {
		if name, value, _ := strings.Cut(kv, "="); strings.Contains(value, g.ticket.URL) {
			g.app.say("  %s=%s", name, value)
		}
	}
}

// finish records the end, writes the summary, and gives the exit code.
func (g *guard) finish(ctx context.Context, code int) (int, error) {
	if err := g.ticket.Err(); err != nil {
		return 0, err
	}
	stopped := g.ticket.Stopped()
	var end phases.Fact = phases.Finished{State: string(phases.DoneState)}
	switch {
	case stopped != nil:
		code = exitPaused
		end = phases.Paused{Reason: phases.Reason{Code: phases.CodeBudget, Message: stopped.Error(), Hint: "give it more: builder guard --max-cost USD -- COMMAND"}}
	case code != 0:
		end = phases.Finished{State: string(phases.FailedState)}
	}
	if err := g.store.writer.Record(ctx, end); err != nil {
		return 0, err
	}
	sum, err := g.store.sum(ctx)
	if err != nil {
		return 0, err
	}
	counts := g.ticket.Counts()
	sum.Command, sum.Exit, sum.Seconds = g.opts.argv[0], &code, time.Since(g.begun).Seconds()
	sum.Refused, sum.Unmetered, sum.Redelivered = counts.Refused, counts.Unmetered, counts.Delivered
	if err := g.store.keep(sum); err != nil {
		return 0, err
	}
	return code, g.tell(sum)
}

// tell shows the summary.
func (g *guard) tell(sum guardSummary) error {
	if g.opts.summary != "" {
		raw, err := sum.encode()
		if err == nil {
			err = os.WriteFile(g.opts.summary, raw, 0o644)
		}
		if err != nil {
			return usage("E_WRITE", "the summary is also in "+g.store.dir, "write the summary: %s", err)
		}
	}
	if g.opts.json {
		return writeJSONLine(g.app.err, sum)
	}
	for _, line := range sum.lines() {
		g.app.say("%s", line)
	}
	if sum.Stopped != nil {
		g.app.complain(&fault{code: sum.Stopped.Code, what: sum.Stopped.Message, hint: sum.Stopped.Hint})
	}
	return nil
}

// endWith is the end of a verb with the exit code of what it ran; it has been told.
func endWith(code int) error {
	if code == 0 {
		return nil
	}
	return &endError{code}
}

// endError carries an exit code that is not builder's own.
type endError struct{ code int }

// Error says the code.
func (e *endError) Error() string { return fmt.Sprintf("the command ended with %d", e.code) }

// Unwrap says that all has been told.
func (e *endError) Unwrap() error { return errTold }
