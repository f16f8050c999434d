package verify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// mostFaults is how many faults of a session or a server are told; later ones often follow from
// earlier ones.
const mostFaults = 5

// transcript plays the session and compares what a terminal would show. It runs in an empty folder,
// or where the gate names a folder, in that one of a copy of the tree: each session begins anew.
func (v *Verifier) transcript(ctx context.Context, r *room) (Report, error) {
	exchanges, err := planner.ParseSession(r.fillText(r.gate.Session, 0))
	if err != nil {
		return Report{}, err
	}
	dir, err := r.stage()
	if err != nil {
		said := "the tree cannot be copied for the session: " + err.Error()
		return Report{Summary: said, Feedback: fmt.Sprintf("Gate %s failed: %s", r.gate.ID, said)}, nil
	}
	report := Report{}
	var faults []string
	failed := 0
	for _, x := range exchanges {
		out, err := v.exchange(ctx, r, dir, x)
		if err != nil {
			return Report{}, err
		}
		report.Exit = out.Exit
		fault := compare(x, out)
		if fault == "" {
			continue
		}
		if failed++; failed <= mostFaults {
			faults = append(faults, fault)
		}
		if out.TimedOut {
			break
		}
	}
	report.Pass = failed == 0
	report.Summary = fmt.Sprintf("%d of %d commands as expected", len(exchanges)-failed, len(exchanges))
	report.Feedback = fmt.Sprintf("Gate %s failed: %d of the session's %d commands did not do as expected.\n\n%s",
		r.gate.ID, failed, len(exchanges), strings.Join(faults, "\n\n"))
	return report, nil
}

// stage is the folder that a session runs in.
func (r *room) stage() (string, error) {
	if r.gate.Dir == "" {
		return r.data, nil
	}
	copied := filepath.Join(r.data, "tree")
	if err := os.CopyFS(copied, os.DirFS(r.tree)); err != nil {
		return "", fmt.Errorf("copy tree: %w", err)
	}
	return filepath.Join(copied, r.gate.Dir), nil
}

// exchange runs one command of a session in dir: the tree's bin first on PATH, the data folder as
// home.
func (v *Verifier) exchange(ctx context.Context, r *room, dir string, x planner.Exchange) (sandbox.Output, error) {
	argv, err := sessionWords(x.Command)
	if err != nil {
		return sandbox.Output{}, fmt.Errorf("session line %d: %w", x.Line, err)
	}
	c := v.config.Profile.Apply(sandbox.Command{
		Argv: argv, Dir: dir, Stdin: strings.NewReader(x.Stdin), OneStream: true,
		Env:    map[string]string{"HOME": r.data},
		Policy: sandbox.Policy{Read: []string{r.tree}, Write: []string{r.data}, Network: r.network()},
		Limits: sandbox.Limits{Time: r.left(), Output: 1 << 20},
	})
	path := filepath.Join(r.tree, "bin") + ":" + r.tree
	if old := c.Env["PATH"]; old != "" {
		path += ":" + old
	} else {
		path += ":/usr/local/bin:/usr/bin:/bin"
	}
	c.Env["PATH"] = path
	fmt.Fprintf(&r.log, "$ %s\n", x.Command)
	out, err := v.config.Runner.Run(ctx, c)
	if err != nil {
		return out, err
	}
	fmt.Fprintf(&r.log, "%s\n(%s)\n", out.Stdout, ending(out))
	return out, nil
}

// sessionWords splits a command as typed. One with a pipe, a redirection or a sequence is a line for
// the shell: it comes from the spec, not from the agent, and runs confined like everything else.
func sessionWords(command string) ([]string, error) {
	if needsShell(command) {
		return []string{"sh", "-c", command}, nil
	}
	return planner.Words(command)
}

// needsShell says whether command has an operator outside quotes, or sets a variable first.
func needsShell(command string) bool {
	var quote rune
	escaped := false
	for _, c := range command {
		switch {
		case escaped:
			escaped = false
		case c == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case strings.ContainsRune("|<>;&", c):
			return true
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(command), " ")
	name, _, assigns := strings.Cut(first, "=")
	return assigns && name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == ""
}

// compare says how what came differs from what was expected, "" when it does not.
func compare(x planner.Exchange, out sandbox.Output) string {
	got, want := screen(string(out.Stdout)), screen(x.Output)
	exitFits := out.Exit == x.Exit && out.Signal == "" && out.Exceeded == ""
	textFits := x.Output == "" || fits(want, got)
	if exitFits && textFits {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "$ %s\n", x.Command)
	if !exitFits {
		fmt.Fprintf(&b, "expected exit code %d, but the command %s\n", x.Exit, ending(out))
	}
	switch {
	case !textFits:
		fmt.Fprintf(&b, "output (- expected, + came):\n%s", clip(diff(want, got)))
	case len(got) > 0:
		fmt.Fprintf(&b, "output:\n%s", clip(strings.Join(got, "\n")))
	}
	return strings.TrimRight(b.String(), "\n")
}

// screen is text as lines without what nobody sees: blanks at line ends, blank lines at both ends.
func screen(text string) []string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	return lines
}

// elision is an expected line that stands for any lines, or none.
const elision = "..."

// fits says whether got is what want describes.
func fits(want, got []string) bool {
	// reach[j] says whether the expected lines so far can account for the first j lines that came.
	reach := make([]bool, len(got)+1)
	reach[0] = true
	for _, line := range want {
		next := make([]bool, len(got)+1)
		for j := range reach {
			switch {
			case line == elision:
				next[j] = reach[j] || j > 0 && next[j-1]
			case j > 0:
				next[j] = reach[j-1] && got[j-1] == line
			}
		}
		reach = next
	}
	return reach[len(got)]
}
