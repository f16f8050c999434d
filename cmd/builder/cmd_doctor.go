package main

import (
	"context"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

func newDoctor(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "doctor", Short: "Say what works on this machine and what to mend", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.runDoctor(c.Context(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// finding is one thing that doctor looked at.
type finding struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok | warn | bad
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

func (a *app) runDoctor(ctx context.Context, asJSON bool) error {
	found := []finding{{Name: "builder", State: "ok", Detail: version}}
	found = append(found, a.checkConfig(), checkSandbox(ctx))
	found = append(found, a.checkTools(ctx)...)
	if asJSON {
		if err := writeJSON(a.out, map[string]any{"version": 1, "findings": found}); err != nil {
			return err
		}
	} else if err := a.showFindings(found); err != nil {
		return err
	}
	for _, f := range found {
		if f.State == "bad" {
			return &fault{code: "E_DOCTOR", what: f.Name + ": " + f.Detail, hint: f.Fix, exit: exitUsage, err: errTold}
		}
	}
	return nil
}

func (a *app) showFindings(found []finding) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, f := range found {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, f.Name, tidy(f.Detail, a.secrets()))
		if f.Fix != "" {
			fmt.Fprintf(w, "\t\t%s\n", tidy(f.Fix, a.secrets()))
		}
	}
	return w.Flush()
}

func (a *app) checkConfig() finding {
	s, err := a.settings(limitFlags{}, ".")
	if err != nil {
		f := linesOf(explain(err))[0]
		return finding{"configuration", "bad", f.what, f.hint}
	}
	detail := fmt.Sprintf("provider %s, model %s, cap %s", s.Provider, s.Model, s.caps.USD)
	if s.Provider == providerOffline {
		return finding{"configuration", "ok", detail, "for a real model: export ANTHROPIC_API_KEY=…"}
	}
	return finding{"configuration", "ok", detail, ""}
}

func checkSandbox(ctx context.Context) finding {
	_, rep := ladder.Measure(ctx)
	detail := fmt.Sprintf("%s by %s", rep.Level, rep.Mechanism)
	switch rep.Level {
	case sandbox.Full:
		return finding{"sandbox", "ok", detail, ""}
	case sandbox.FilesOnly:
		return finding{"sandbox", "warn", detail + ": the network cannot be taken away", "install bubblewrap, or allow user namespaces"}
	}
	return finding{"sandbox", "bad", fmt.Sprintf("none: %s", rep), "install bubblewrap, or allow user namespaces; else builds need --no-sandbox"}
}

func (a *app) checkTools(ctx context.Context) []finding {
	cache, err := a.cacheDir()
	if err != nil {
		return []finding{{"toolchains", "bad", err.Error(), ""}}
	}
	_, tools, err := toolchain.Detect(ctx, filepath.Join(cache, "toolchains", "gates"), a.env)
	if err != nil {
		return []finding{{"toolchains", "bad", err.Error(), ""}}
	}
	var out []finding
	for _, t := range tools {
		out = append(out, finding{t.Name, "ok", t.Version + " " + t.Path, ""})
	}
	if len(tools) == 0 {
		out = append(out, finding{"toolchains", "warn", "none found on PATH", "install go for what the offline model writes"})
	}
	return out
}
