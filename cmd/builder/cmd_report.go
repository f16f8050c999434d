package main

import (
	"context"
	"fmt"
	"html"

	"github.com/spf13/cobra"

	"github.com/seed-c331f47d/builder/internal/phases"
)

type reportOptions struct {
	dir    string
	format string
}

func newReport(a *app) *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use: "report [DIR]", Short: "Trace every requirement to tasks, gates and commits",
		Long: "Report says what was proven. It comes from the journal's records only, never from a model's words.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.dir = dirArg(args)
			return a.runReport(c.Context(), o)
		},
	}
	c.Flags().StringVar(&o.format, "format", "md", "md, json or html")
	c.Flags().BoolFunc("json", "the same as --format json", func(string) error { o.format = "json"; return nil })
	return c
}

func (a *app) runReport(ctx context.Context, o reportOptions) error {
	f, err := openFolder(o.dir)
	if err != nil {
		return err
	}
	st, _, err := readStatus(ctx, f)
	if err != nil {
		return err
	}
	switch o.format {
	case "md":
		_, err = fmt.Fprint(a.out, reportMarkdown(st))
	case "json":
		err = writeJSON(a.out, st)
	case "html":
		_, err = fmt.Fprint(a.out, reportHTML(st))
	default:
		return usage("E_USAGE", "use --format md, json or html", "--format cannot be %q", o.format)
	}
	return err
}

// reportHTML is the report as one page without scripts, links or styles from elsewhere.
func reportHTML(st phases.Status) string {
	return `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Report of ` +
		html.EscapeString(st.Project) + `</title><style>body{font:15px/1.5 system-ui;margin:2rem auto;max-width:72rem}pre{white-space:pre-wrap}</style><pre>` +
		html.EscapeString(reportMarkdown(st)) + "</pre></html>\n"
}
