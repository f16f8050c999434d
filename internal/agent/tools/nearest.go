package tools

import (
	"fmt"
	"strings"
)

const mostNear = 12 // lines shown

// nearest shows the lines of text that are most like old, so that the next edit can match.
func nearest(text, old string) string {
	lines, want := strings.Split(text, "\n"), strings.Split(strings.Trim(old, "\n"), "\n")
	best, score := -1, 0
	for i := range lines {
		if s := likeness(lines[i:], want); s > score {
			best, score = i, s
		}
	}
	if best < 0 {
		return fmt.Sprintf("No line is like it; the file has %s.", count(lineCount(text), "line"))
	}
	var hint string
	switch {
	case strings.Contains(text, "\r\n") && !strings.Contains(old, "\r\n"):
		hint = " (the file's lines end in CR LF)"
	case squeeze(strings.Join(lines[best:min(len(lines), best+len(want))], "\n")) == squeeze(old):
		hint = " (only white space differs)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "The nearest lines are, from line %d%s:\n", best+1, hint)
	for _, line := range lines[best:min(len(lines), best+min(len(want), mostNear)+1)] {
		b.WriteString(shorten(line, 400))
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// likeness scores how well lines begin like want: the first line counts by its shared beginning
// and end, the next few by being equal but for white space.
func likeness(lines, want []string) int {
	a, b := strings.TrimSpace(lines[0]), strings.TrimSpace(want[0])
	if a == "" || b == "" {
		return 0
	}
	score := 0
	if a == b {
		score = 200
	} else if shared := affix(a, b); 2*shared >= min(len(a), len(b)) && 3*shared >= max(len(a), len(b)) {
		score = 100 * shared / max(len(a), len(b))
	}
	if score == 0 {
		return 0
	}
	for i := 1; i < min(len(lines), len(want), mostNear); i++ {
		if strings.TrimSpace(lines[i]) == strings.TrimSpace(want[i]) {
			score += 100
		}
	}
	return score
}

// affix is the length of the common beginning and the common end of a and b together.
func affix(a, b string) int {
	n := min(len(a), len(b))
	pre := 0
	for pre < n && a[pre] == b[pre] {
		pre++
	}
	post := 0
	for post < n-pre && a[len(a)-1-post] == b[len(b)-1-post] {
		post++
	}
	return pre + post
}

// squeeze drops all white space.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
