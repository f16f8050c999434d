package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

type doctorOptions struct {
	limits limitFlags
	asJSON bool
	probe  bool
	cap    string // of the probe, in US dollars
}

func newDoctor(a *app) *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use: "doctor", Short: "Say what works on this machine and at the provider, and what to mend", Args: cobra.NoArgs,
		Long: `Doctor looks at the configuration, the keys, the sandbox, the toolchains and the disk, and asks the
provider, where one is configured, which models it has; that costs nothing. With --probe it also makes
two small model calls, metered and under a cap, and says whether tools, streaming, usage and
structured answers work, and what they cost. It exits 2 when something must be mended.`,
		Example: "  builder doctor\n  builder doctor --probe --model claude-haiku-5-5",
		RunE:    func(c *cobra.Command, _ []string) error { return a.runDoctor(c.Context(), o) },
	}
	f := c.Flags()
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	f.BoolVar(&o.probe, "probe", false, "also make two small model calls (see --max-cost)")
	f.StringVar(&o.cap, "max-cost", "0.05", "with --probe: hard cap in US dollars")
	o.limits.addProvider(f)
	return c
}

// finding is one thing that doctor looked at.
type finding struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok | warn | bad
	Detail string `json:"detail"`
	Fix    string `json:"fix,omitempty"`
}

func (a *app) runDoctor(ctx context.Context, o doctorOptions) error {
	found := []finding{{Name: "builder", State: "ok", Detail: version}}
	set, err := a.settings(o.limits, ".")
	found = append(found, checkConfig(set, err))
	found = append(found, a.checkKeys()...)
	found = append(found, checkSandbox(ctx))
	found = append(found, a.checkTools(ctx)...)
	found = append(found, a.checkDisk()...)
	if err == nil {
		found = append(found, a.checkPrice(set))
		found = append(found, a.checkProvider(ctx, set)...)
		if o.probe && !anyBad(found) {
			found = append(found, a.probe(ctx, set, o.cap)...)
		}
	}
	if o.asJSON {
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

// anyBad says whether something was found that must be mended first.
func anyBad(found []finding) bool {
	return slices.ContainsFunc(found, func(f finding) bool { return f.State == "bad" })
}

func checkConfig(s settings, err error) finding {
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

// checkKeys says which keys are set, and never what they are.
func (a *app) checkKeys() []finding {
	var out []finding
	for _, name := range keyVariables() {
		switch key := a.getenv(name); {
		case key == "":
			out = append(out, finding{name, "ok", "not set", ""})
		case strings.ContainsAny(key, " \t\r\n\"'"):
			out = append(out, finding{name, "warn", "set, and holds a space, a quote or a line break", "copy the key again"})
		default:
			out = append(out, finding{name, "ok", fmt.Sprintf("set, %d characters", len(key)), ""})
		}
	}
	return out
}

// checkPrice says by which row calls would be paid for.
func (a *app) checkPrice(s settings) finding {
	p := s.price
	detail := fmt.Sprintf("%s in, %s out per million tokens; source: %s, checked on %s", p.Input, p.Output, orOwn(p.Source), dash(p.CheckedOn))
	if p.Free {
		detail = "costs nothing: " + orOwn(p.Source)
	}
	if p.Stale(nowOr(clock(a)), staleAfter) {
		return finding{"price", "warn", p.Model + ": " + detail, "look whether it still holds; a newer list: builder models import FILE"}
	}
	return finding{"price", "ok", p.Model + ": " + detail, ""}
}

// checkDisk says how much is free where builds keep themselves.
func (a *app) checkDisk() []finding {
	cache, err := a.cacheDir()
	if err != nil {
		return []finding{{"disk", "bad", err.Error(), ""}}
	}
	free, err := freeSpace([]string{".", cache})
	switch {
	case err != nil:
		return []finding{{"disk", "warn", err.Error(), ""}}
	case free < 1<<30:
		return []finding{{"disk", "warn", fmt.Sprintf("%d MiB are free here and in %s", free>>20, cache), "free some space: a build pauses when there is none"}}
	}
	return []finding{{"disk", "ok", fmt.Sprintf("%d GiB are free here and in %s", free>>30, cache), ""}}
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
	if git, err := lookPath("git", a.getenv("PATH")); err == nil {
		out = append(out, finding{"git", "ok", git + "; builds do not need it, people do", ""})
	} else {
		out = append(out, finding{"git", "warn", "not on PATH; builds do not need it, people do", "install git to look at what was committed"})
	}
	if len(tools) == 0 {
		out = append(out, finding{"toolchains", "warn", "none found on PATH", "install go for what the offline model writes"})
	}
	return out
}
