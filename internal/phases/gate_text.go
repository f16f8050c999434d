package phases

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// GateText spells out what a gate does and expects, for agents and for `builder report`.
func GateText(g planner.Gate) string {
	var b strings.Builder
	switch g.Kind {
	case planner.GateCommand:
		fmt.Fprintf(&b, "runs %s", strings.Join(g.Run, " "))
		if g.Dir != "" {
			fmt.Fprintf(&b, " in %s", g.Dir)
		}
		fmt.Fprintf(&b, "; expects exit %d", g.Expect.Exit)
		if g.Expect.Tests != "" {
			fmt.Fprintf(&b, ", tests %s", g.Expect.Tests)
		}
		if g.Expect.Stdout != "" {
			fmt.Fprintf(&b, ", output containing %q", g.Expect.Stdout)
		}
		for _, f := range g.Frozen {
			fmt.Fprintf(&b, "\nwith this %s put into the tree by the builder:\n%s", f.Path, f.Content)
		}
	case planner.GateHTTP:
		fmt.Fprintf(&b, "starts %s in %s, waits until GET %s answers, sends the requests below in order and compares status and answer, which may hold more than shown; then SIGTERM, after which the server must exit %d within 10 s.\n%s",
			strings.Join(g.Start, " "), cmp.Or(strings.TrimPrefix(g.Dir, "."), "the tree"), cmp.Or(g.Ready, "/"), g.Expect.Exit, strings.Join(g.Steps, "\n"))
	case planner.GateTranscript:
		fmt.Fprintf(&b, "runs this console session in %s, with bin/ of the tree, then the tree itself, first on PATH; stdout and stderr come together and must be as shown, exit codes too (0 unless shown); below a command without lines anything may come:\n%s",
			stage(g.Dir), g.Session)
	case planner.GateFile:
		for _, f := range g.Files {
			fmt.Fprintf(&b, "file %s", f.Path)
			if f.Absent {
				b.WriteString(" must not exist")
			}
			for _, c := range f.Contains {
				fmt.Fprintf(&b, ", contains %q", c)
			}
			if f.Matches != "" {
				fmt.Fprintf(&b, ", matches %s", f.Matches)
			}
			b.WriteString("\n")
		}
	default:
		b.WriteString(g.Title)
	}
	return b.String()
}

// asTold is g as an agent is told it beside the text of a spec: what a gate of the spec's own does is
// there already, and is only pointed to.
func (e *Engine) asTold(g planner.Gate, told string) planner.Gate {
	if told != e.Spec.Text {
		return g
	}
	i := slices.IndexFunc(e.Spec.Acceptance, func(o planner.Gate) bool { return o.ID == g.ID })
	if i < 0 {
		return g
	}
	own := e.Spec.Acceptance[i]
	if own.Source == "" || own.Kind != g.Kind || own.Session != g.Session || !slices.Equal(own.Steps, g.Steps) {
		return g // the user's own words
	}
	switch {
	case len(g.Steps) > 1:
		g.Steps = []string{fmt.Sprintf("(the %d requests of the spec's block on lines %s, from %s to %s)", len(g.Steps), own.Source, g.Steps[0], g.Steps[len(g.Steps)-1])}
	case strings.Count(g.Session, "\n") > 2:
		first, _, _ := strings.Cut(g.Session, "\n")
		g.Session = fmt.Sprintf("(the whole session of the spec's block on lines %s, which begins: %s)", own.Source, first)
	}
	return g
}

// stage names the folder that a session runs in.
func stage(dir string) string {
	switch dir {
	case "":
		return "an empty folder"
	case ".":
		return "a fresh copy of the tree"
	default:
		return dir + " of a fresh copy of the tree"
	}
}
