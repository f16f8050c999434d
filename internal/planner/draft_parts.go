package planner

import (
	"fmt"
	"strconv"
	"strings"
)

// specPart is a run of a spec's lines with what it asks for.
type specPart struct {
	number       int // from 1
	first, last  int // lines
	text         string
	requirements []Requirement
	acceptance   []Gate
}

// splitSpec cuts a spec into parts whose prompts stay below size, at headings where it can, else at
// blank lines, else at lines. Every line, requirement and acceptance gate is in exactly one part.
func splitSpec(spec *Spec, size int) []specPart {
	lines := strings.SplitAfter(spec.Text, "\n")
	if n := len(lines); n > 1 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	cost := lineCosts(spec, lines)
	total := 0
	for _, c := range cost {
		total += c
	}
	if total <= size {
		return []specPart{cutPart(spec, lines, 1, 1, len(lines))}
	}
	heads := map[int]int{} // line to level
	for _, s := range spec.Sections {
		heads[s.First] = s.Level
	}
	var parts []specPart
	first := 1
	for first <= len(lines) {
		last := lastOfPart(lines, cost, heads, first, size)
		parts = append(parts, cutPart(spec, lines, len(parts)+1, first, last))
		first = last + 1
	}
	return parts
}

// lineCosts gives the bytes that each line brings into a prompt: itself, and the requirements and
// gates that begin on it.
func lineCosts(spec *Spec, lines []string) []int {
	cost := make([]int, len(lines)+1)
	for i, l := range lines {
		cost[i+1] = len(l)
	}
	for _, r := range spec.Requirements {
		cost[clampLine(r.Source, len(lines))] += len(renderRequirement(r))
	}
	for _, g := range spec.Acceptance {
		cost[clampLine(g.Source, len(lines))] += len(renderGate(g))
	}
	return cost
}

// lastOfPart finds the line at which the part that begins at first ends: before the last heading of the
// highest level there is, else at the last blank line, past the first quarter of the size.
func lastOfPart(lines []string, cost []int, heads map[int]int, first, size int) int {
	sum, heading, level, blank := 0, 0, 0, 0
	for l := first; l <= len(lines); l++ {
		if l > first && sum+cost[l] > size {
			switch {
			case heading > 0:
				return heading
			case blank > 0:
				return blank
			default:
				return l - 1
			}
		}
		sum += cost[l]
		if sum < size/4 {
			continue
		}
		if next := heads[l+1]; next > 0 && (heading == 0 || next <= level) {
			heading, level = l, next
		}
		if strings.TrimSpace(lines[l-1]) == "" {
			blank = l
		}
	}
	return len(lines)
}

// cutPart takes the lines from first to last with what begins on them.
func cutPart(spec *Spec, lines []string, number, first, last int) specPart {
	p := specPart{number: number, first: first, last: last, text: strings.Join(lines[first-1:last], "")}
	for _, r := range spec.Requirements {
		if l := clampLine(r.Source, len(lines)); l >= first && l <= last {
			p.requirements = append(p.requirements, r)
		}
	}
	for _, g := range spec.Acceptance {
		if l := clampLine(g.Source, len(lines)); l >= first && l <= last {
			p.acceptance = append(p.acceptance, g)
		}
	}
	return p
}

// clampLine gives the first line of a source such as "12-13", within 1 to n.
func clampLine(source string, n int) int {
	first, _, _ := strings.Cut(source, "-")
	l, err := strconv.Atoi(first)
	if err != nil || l < 1 {
		return 1
	}
	return min(l, n)
}

// prompt writes the question for one part.
func (d *drafter) prompt(part specPart) string {
	var b strings.Builder
	lines := ""
	if d.parts > 1 {
		lines = fmt.Sprintf(" lines=\"%d-%d\" part=\"%d of %d\"", part.first, part.last, part.number, d.parts)
	}
	fmt.Fprintf(&b, "<spec path=%s%s>\n%s\n</spec>\n", attribute(d.spec.Path), lines, strings.TrimSuffix(part.text, "\n"))
	if d.parts > 1 {
		b.WriteString(d.outline(part))
	}
	p := d.plan.Project
	stack := ""
	if len(p.Stack) > 0 {
		stack = " stack=" + attribute(strings.Join(p.Stack, " "))
	}
	fmt.Fprintf(&b, "<project name=%s type=%s%s></project>\n", attribute(p.Name), attribute(string(p.Type)), stack)
	if d.environment != "" {
		fmt.Fprintf(&b, "<environment>\n%s\n</environment>\n", strings.TrimSpace(d.environment))
	}
	b.WriteString("<requirements>\n")
	for _, r := range part.requirements {
		b.WriteString(renderRequirement(r))
	}
	b.WriteString("</requirements>\n")
	if len(part.acceptance) > 0 {
		b.WriteString("<acceptance>\n")
		for _, g := range part.acceptance {
			b.WriteString(renderGate(g))
		}
		b.WriteString("</acceptance>\n")
	}
	if d.parts > 1 {
		b.WriteString(d.earlier())
	}
	return b.String()
}

// outline shows what the whole spec is about to somebody who sees one part of it: its first lines,
// where they are not in that part, and its headings, up to a quarter of a part.
func (d *drafter) outline(part specPart) string {
	var b strings.Builder
	b.WriteString("<outline>\n")
	most := d.partBytes / 4
	if part.first > 1 {
		opening := d.spec.Text
		if len(d.spec.Sections) > 1 {
			opening = strings.Join(strings.SplitAfterN(opening, "\n", d.spec.Sections[1].First)[:d.spec.Sections[1].First-1], "")
		}
		b.WriteString(strings.TrimSpace(excerpt(opening, most/2)) + "\n")
	}
	for i, s := range d.spec.Sections {
		line := fmt.Sprintf("%d %s %s\n", s.First, strings.Repeat("#", s.Level), excerpt(s.Title, maxExcerpt))
		if b.Len()+len(line) > most {
			fmt.Fprintf(&b, "and %d more\n", len(d.spec.Sections)-i)
			break
		}
		b.WriteString(line)
	}
	b.WriteString("</outline>\n")
	return b.String()
}

// earlier lists the tasks of the parts before, up to a quarter of a part.
func (d *drafter) earlier() string {
	var b strings.Builder
	b.WriteString("<earlier>\n")
	tasks := d.plan.Tasks()
	for i, t := range tasks {
		ids := make([]string, len(t.Gates))
		for j, g := range t.Gates {
			ids[j] = string(g)
		}
		line := fmt.Sprintf("<task id=%s writes=%s gates=%s>%s: %s</task>\n", attribute(string(t.ID)), attribute(strings.Join(t.Writes, " ")),
			attribute(strings.Join(ids, " ")), t.Title, excerpt(t.Goal, maxGoal))
		if b.Len()+len(line) > d.partBytes/4 {
			fmt.Fprintf(&b, "and %d more\n", len(tasks)-i)
			break
		}
		b.WriteString(line)
	}
	b.WriteString("</earlier>\n")
	return b.String()
}

// How much is shown again of what stands elsewhere, in bytes.
const (
	maxExcerpt = 80  // of a requirement, a heading, or the first line of a gate: the spec holds it whole
	maxGoal    = 400 // of an earlier task's goal
)

// excerpt is the beginning of a text, cut between words where it can be.
func excerpt(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := strings.ToValidUTF8(text[:most], "")
	if i := strings.LastIndexAny(cut, " \n"); i > most/2 {
		cut = cut[:i]
	}
	return cut + " …"
}

// renderRequirement names a requirement to the model, which has its text in the spec.
func renderRequirement(r Requirement) string {
	return fmt.Sprintf("<requirement id=%s lines=%s>%s</requirement>\n", attribute(string(r.ID)), attribute(r.Source), excerpt(r.Text, maxExcerpt))
}

// renderGate names an acceptance gate to the model, which has its block in the spec.
func renderGate(g Gate) string {
	text, start := g.Session, ""
	if g.Kind == GateHTTP {
		text, start = strings.Join(g.Steps, "\n"), " start="+attribute(strings.Join(g.Start, " "))
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	first = excerpt(first, maxExcerpt)
	if rest != "" && !strings.HasSuffix(first, "…") {
		first += " …"
	}
	return fmt.Sprintf("<gate id=%s kind=%s lines=%s%s>%s</gate>\n", attribute(string(g.ID)), attribute(string(g.Kind)), attribute(g.Source), start, first)
}

// attribute quotes a value; quotes, angle brackets and line ends in it are left out.
func attribute(s string) string {
	return `"` + strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"<>\n\r", r) {
			return -1
		}
		return r
	}, s) + `"`
}
