package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
)

type serveOptions struct {
	listen  string
	options offline.Options
}

func newModel(a *app) *cobra.Command {
	c := &cobra.Command{Use: "model", Short: "The built-in offline model", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var o serveOptions
	serve := &cobra.Command{
		Use: "serve", Short: "Offer the offline model to other programs over the APIs of Anthropic and OpenAI",
		Long: `Serve offers the offline model on this machine. It is not a language model: it reads the
structured parts of a spec and writes programs by rule. It answers POST /v1/messages (Anthropic),
/v1/chat/completions and /v1/responses (OpenAI), to every model name unless --as is given.
Agent CLIs can work with it: a task as Builder words it is carried out with whatever tools they
offer; to anything else it says what it is. GET /_ledger tells what was asked and billed.`,
		Example: "  builder model serve --listen 127.0.0.1:8080 --as claude-sonnet-5-5\n  builder build SPEC -o app --provider anthropic --base-url http://127.0.0.1:8080\n  builder build SPEC -o app --provider openai --base-url http://127.0.0.1:8080 --model gpt-6-sol\n  ANTHROPIC_BASE_URL=http://127.0.0.1:8080 ANTHROPIC_API_KEY=none claude -p hello",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.options.Any = o.options.As == ""
			return a.runServe(c.Context(), o)
		},
	}
	f := serve.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address; port 0 chooses one and prints it")
	f.StringVar(&o.options.As, "as", "", "answer as this model only, so that it is priced as it")
	f.DurationVar(&o.options.Latency, "latency", 0, "wait this long before each answer")
	f.Float64Var(&o.options.TokensPerSecond, "tokens-per-second", 0, "pace streamed answers; 0: as fast as they are read")
	f.BoolVar(&o.options.Cache, "cache", false, "account for cache marks as a provider's prompt cache would")
	c.AddCommand(serve)
	return c
}

func (a *app) runServe(ctx context.Context, o serveOptions) error {
	host, _, err := net.SplitHostPort(o.listen)
	ip, perr := netip.ParseAddr(host)
	if err != nil || host != "localhost" && (perr != nil || !ip.IsLoopback()) {
		return usage("E_LISTEN", "as in: --listen 127.0.0.1:8080", "the offline model is offered on loopback addresses only, not on %q", o.listen)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return usage("E_LISTEN", "choose another port, or 0", "%s", err)
	}
	fmt.Fprintf(a.out, "listening on http://%s\n", l.Addr())
	if err := offline.Serve(ctx, l, offline.Handler(o.options)); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve offline model: %w", err)
	}
	return nil
}
