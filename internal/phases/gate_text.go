package phases

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// GateText spells out what one gate does and expects; howGatesRun says the rest.
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
		fmt.Fprintf(&b, "starts %s in %s, waits until GET %s answers, sends these requests, ends it with SIGTERM: exit %d expected\n%s",
			strings.Join(g.Start, " "), cmp.Or(strings.TrimPrefix(g.Dir, "."), "the tree"), cmp.Or(g.Ready, "/"), g.Expect.Exit, strings.Join(g.Steps, "\n"))
	case planner.GateTranscript:
		fmt.Fprintf(&b, "runs this console session in %s:\n%s", stage(g.Dir), g.Session)
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
		g.Steps = []string{fmt.Sprintf("(the %d requests of the spec's block on lines %s, from %s to %s)", len(g.Steps), own.Source, clipLine(g.Steps[0]), clipLine(g.Steps[len(g.Steps)-1]))}
	case strings.Count(g.Session, "\n") > 2:
		first, _, _ := strings.Cut(g.Session, "\n")
		g.Session = fmt.Sprintf("(the whole session of the spec's block on lines %s, which begins: %s)", own.Source, clipLine(first))
	}
	return g
}

// clipLine is the beginning of a line, enough to find it by.
func clipLine(line string) string {
	const most = 60
	if len(line) <= most {
		return line
	}
	return strings.ToValidUTF8(line[:most], "") + "…"
}

// howGatesRun says what comes before the gates, and of each kind of gate that a task has, once, what
// its text does not.
func howGatesRun(kinds map[planner.GateKind]bool, setup []planner.Setup) string {
	var b strings.Builder
	for _, s := range setup {
		fmt.Fprintf(&b, "Before the gates the builder runs %s", strings.Join(s.Run, " "))
		if len(s.Inputs) > 0 {
			fmt.Fprintf(&b, ", where the tree has one of %s", strings.Join(s.Inputs, ", "))
		}
		if s.Network == planner.NetworkRegistries {
			b.WriteString("; it reaches the package registries, your commands do not")
		}
		b.WriteString(".\n")
	}
	if kinds[planner.GateTranscript] {
		b.WriteString("Sessions: bin/ of the tree, then the tree itself, come first on PATH. Standard output and error come together and must be as shown, but for blanks at line ends; so must exit codes, 0 where none is shown. Below a command without lines anything may come; a line ... stands for any lines.\n")
	}
	if kinds[planner.GateHTTP] {
		b.WriteString("Requests: {port} is a free port, {data} an empty folder. Status and answer are compared; the answer may hold more than the JSON shown, \"$name\" keeps a value for later. After SIGTERM the server has 10 s to end.\n")
	}
	return b.String()
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
