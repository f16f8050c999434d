package phases

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// maxMergeText bounds a text that is merged by lines, in bytes.
const maxMergeText = 1 << 20

// textMerge says how a text is merged. The names stand behind markers; they MUST be one line each.
type textMerge struct {
	OursName, TheirsName string
	Union                bool // many tasks write this file: see [union]
}

// Why two versions were not merged by lines.
const (
	notText    = "it is not text"
	tooBigText = "it is too large to merge by lines"
)

// mergeText brings together what two sides made of one text, line by line. The rules are:
//
//   - a change on one side is taken; the same change on both sides counts once;
//   - changes that overlap or touch, with no line between them that all three have, are a conflict,
//     and stand in the text between markers as `git merge-file --diff3` writes them;
//   - lines are bytes: ends of lines and a missing last one are kept, and are differences like others;
//   - with NUL bytes, bytes that are not UTF-8, or more than maxMergeText bytes nothing is merged: why
//     says so, and merged is nil. Where only one side differs from base it is taken all the same.
//
// Git says the same wherever lines do not repeat. Where they do, a change may be read in more than
// one way, git and we may read it differently, and one may see a conflict where the other sees none.
func mergeText(base, ours, theirs []byte, how textMerge) (merged []byte, conflicts int, why string) {
	switch {
	case bytes.Equal(ours, theirs), bytes.Equal(base, theirs):
		return ours, 0, ""
	case bytes.Equal(base, ours):
		return theirs, 0, ""
	case !isText(base) || !isText(ours) || !isText(theirs):
		return nil, 0, notText
	case max(len(base), len(ours), len(theirs)) > maxMergeText:
		return nil, 0, tooBigText
	}
	ended := endsIn(base, ours, theirs)
	if how.Union {
		base, ours, theirs = withEnd(base), withEnd(ours), withEnd(theirs)
	}
	b, o, t := splitLines(base), splitLines(ours), splitLines(theirs)
	ids := map[string]int{}
	nb, no, nt := numberLines(ids, b), numberLines(ids, o), numberLines(ids, t)
	toOurs, ok1 := diffLines(nb, no)
	toTheirs, ok2 := diffLines(nb, nt)
	if !ok1 || !ok2 {
		return nil, 0, tooBigText
	}
	var out bytes.Buffer
	done := 0
	for _, h := range hunks(toOurs, toTheirs) {
		writeLines(&out, b[done:h.b0])
		conflicts += how.resolve(&out, b[h.b0:h.b1], o[h.o0:h.o1], t[h.t0:h.t1], h)
		done = h.b1
	}
	writeLines(&out, b[done:])
	merged = out.Bytes()
	if how.Union && conflicts == 0 && !ended {
		merged = withoutEnd(merged)
	}
	return merged, conflicts, ""
}

// isText says whether content can be shown and merged by lines.
func isText(content []byte) bool {
	return utf8.Valid(content) && bytes.IndexByte(content, 0) < 0
}

// endsIn says whether the merged text ends its last line: as the side that changed it does.
func endsIn(base, ours, theirs []byte) bool {
	ends := func(b []byte) bool { return len(b) == 0 || b[len(b)-1] == '\n' }
	if ends(ours) == ends(base) {
		return ends(theirs)
	}
	return ends(ours)
}

func withEnd(text []byte) []byte {
	if len(text) == 0 || text[len(text)-1] == '\n' {
		return text
	}
	return append(slices.Clip(text), '\n')
}

// withoutEnd takes the last newline away, unless that would take a line away, or half an end of line.
func withoutEnd(text []byte) []byte {
	cut := bytes.TrimSuffix(text, []byte("\n"))
	if n := len(cut); n == 0 || cut[n-1] == '\n' || cut[n-1] == '\r' {
		return text
	}
	return cut
}

// splitLines cuts a text into lines with their ends.
func splitLines(text []byte) []string {
	var lines []string
	for l := range bytes.Lines(text) {
		lines = append(lines, string(l))
	}
	return lines
}

// numberLines gives equal lines equal numbers.
func numberLines(ids map[string]int, lines []string) []int {
	out := make([]int, len(lines))
	for i, l := range lines {
		id, ok := ids[l]
		if !ok {
			id = len(ids)
			ids[l] = id
		}
		out[i] = id
	}
	return out
}

// hunk is a place where a side or both differ from base, as ranges of lines.
type hunk struct {
	b0, b1, o0, o1, t0, t1 int
	ours, theirs           bool // who differs
}

// hunks brings the edits of both sides in order, those that overlap or touch as one.
func hunks(ours, theirs []edit) []hunk {
	var out []hunk
	shiftOurs, shiftTheirs := 0, 0 // how far lines have moved against base so far
	for len(ours) > 0 || len(theirs) > 0 {
		start, end := 0, -1
		h := hunk{}
		for {
			mine := len(ours) > 0 && (end < 0 || ours[0].a0 <= end)
			yours := len(theirs) > 0 && (end < 0 || theirs[0].a0 <= end)
			if mine && (!yours || ours[0].a0 <= theirs[0].a0) {
				start, end = spanned(start, end, ours[0])
				shiftOurs, ours, h.ours = shiftOurs+ours[0].growth(), ours[1:], true
			} else if yours {
				start, end = spanned(start, end, theirs[0])
				shiftTheirs, theirs, h.theirs = shiftTheirs+theirs[0].growth(), theirs[1:], true
			} else {
				break
			}
		}
		h.b0, h.b1 = start, end
		h.o1, h.t1 = end+shiftOurs, end+shiftTheirs
		out = append(out, h)
	}
	for i, o, t := 0, 0, 0; i < len(out); i++ { // a hunk starts where the last one ended, and what lies between
		h := &out[i]
		h.o0, h.t0 = h.b0+o, h.b0+t
		o, t = h.o1-h.b1, h.t1-h.b1
	}
	return out
}

func spanned(start, end int, e edit) (int, int) {
	if end < 0 {
		return e.a0, e.a1
	}
	return start, max(end, e.a1)
}

func (e edit) growth() int { return (e.b1 - e.b0) - (e.a1 - e.a0) }

// resolve writes what a hunk becomes, and says how many conflicts it holds: one or none.
func (how textMerge) resolve(out *bytes.Buffer, base, ours, theirs []string, h hunk) int {
	switch {
	case !h.theirs, slices.Equal(ours, theirs):
		writeLines(out, ours)
	case !h.ours:
		writeLines(out, theirs)
	case how.Union && len(base) == 0:
		writeLines(out, union(ours, theirs))
	default:
		how.mark(out, base, ours, theirs)
		return 1
	}
	return 0
}

// Markers of a conflict; a space and a name follow the outer ones.
const (
	markOurs   = "<<<<<<<"
	markBase   = "||||||| base"
	markMiddle = "======="
	markTheirs = ">>>>>>>"
)

// mark writes a conflict, in the ends of lines that the text around it has.
func (how textMerge) mark(out *bytes.Buffer, base, ours, theirs []string) {
	end := "\n"
	for _, lines := range [][]string{ours, theirs, base} {
		if len(lines) > 0 && len(lines[0]) > 1 && lines[0][len(lines[0])-2:] == "\r\n" {
			end = "\r\n"
		}
	}
	section := func(marker string, lines []string) {
		out.WriteString(marker + end)
		writeLines(out, lines)
		if n := len(lines); n > 0 && lines[n-1][len(lines[n-1])-1] != '\n' {
			out.WriteString(end)
		}
	}
	section(markOurs+" "+how.OursName, ours)
	section(markBase, base)
	section(markMiddle, theirs)
	section(markTheirs+" "+how.TheirsName, nil)
}

func writeLines(out *bytes.Buffer, lines []string) {
	for _, l := range lines {
		out.WriteString(l)
	}
}
