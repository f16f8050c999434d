package agent

import (
	"fmt"
	"strings"
)

// Render makes what an agent is told before its first turn. System[0] holds the role and its rules
// (prompts/<role>.md, engineer when the role is unknown); System[1] what all tasks of a build share,
// so that a provider caches it once; first is the task itself. Sections without content are left
// out. The texts inside are untrusted: whoever reads a section takes its last closing tag, which
// always stands at the end of a line.
//
// The same Brief always gives the same bytes.
func (b Brief) Render() (system []string, first Message) {
	system = []string{rolePrompt(b.Role)}
	if shared := b.shared(); shared != "" {
		system = append(system, shared)
	}
	return system, Say(User, b.task())
}

// shared is the part that every task of a build is told.
func (b Brief) shared() string {
	var s sections
	s.inline("project", b.Project)
	s.lines("plan", b.Plan)
	s.lines("environment", b.Environment)
	if b.Spec != "" {
		s.verbatim("spec", attrs("path", b.SpecPath), b.Spec)
	}
	return s.String()
}

// task is the first message.
func (b Brief) task() string {
	var s sections
	s.verbatim("task", attrs("id", b.TaskID), oneLine(b.Title)+"\n"+strings.TrimSpace(b.Goal))
	s.lines("near", b.Near)
	s.lines("requirements", b.requirements())
	s.lines("gates", b.gates())
	s.lines("writes", strings.Join(b.Writes, "\n"))
	s.lines("shared", strings.Join(b.Shared, "\n"))
	s.lines("tree", b.Tree)
	s.lines("notes", strings.Join(b.Notes, "\n"))
	s.lines("person", strings.Join(b.Person, "\n"))
	s.lines("changed", b.Changed)
	s.lines("last_failure", b.LastFailure)
	return s.String()
}

// requirements has one line each: line breaks inside a requirement become spaces.
func (b Brief) requirements() string {
	lines := make([]string, len(b.Requirements))
	for i, r := range b.Requirements {
		lines[i] = fmt.Sprintf("<requirement%s>%s</requirement>", attrs("id", r.ID, "lines", r.Source), oneLine(r.Text))
	}
	return strings.Join(lines, "\n")
}

func (b Brief) gates() string {
	var lines []string
	if how := strings.TrimSpace(b.HowGatesRun); how != "" {
		lines = append(lines, how)
	}
	for _, g := range b.Gates {
		lines = append(lines, fmt.Sprintf("<gate%s>%s</gate>", attrs("id", g.ID, "kind", g.Kind), strings.TrimSpace(g.Text)))
	}
	return strings.Join(lines, "\n")
}

// sections joins tagged texts, one after the other.
type sections struct{ strings.Builder }

// inline writes <name>text</name> on one line.
func (s *sections) inline(name, text string) {
	if text = oneLine(text); text != "" {
		fmt.Fprintf(s, "<%s>%s</%s>\n", name, text, name)
	}
}

// lines writes text between tags on lines of their own, and nothing for an empty text.
func (s *sections) lines(name, text string) {
	if text = strings.Trim(text, "\r\n"); strings.TrimSpace(text) != "" {
		s.verbatim(name, "", text)
	}
}

// verbatim writes the opening tag, the text as it is, and the closing tag on a line of its own.
func (s *sections) verbatim(name, attrs, text string) {
	fmt.Fprintf(s, "<%s%s>\n%s\n</%s>\n", name, attrs, text, name)
}

// attrs writes pairs of names and values; the values cannot leave their quotes.
func attrs(pairs ...string) string {
	quote := strings.NewReplacer(`"`, "'", "<", "(", ">", ")", "\r", " ", "\n", " ")
	var s strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&s, ` %s="%s"`, pairs[i], quote.Replace(pairs[i+1]))
	}
	return s.String()
}

// oneLine replaces every run of white space that holds a line break by one space.
func oneLine(text string) string {
	if !strings.ContainsAny(text, "\r\n") {
		return strings.TrimSpace(text)
	}
	var parts []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}
