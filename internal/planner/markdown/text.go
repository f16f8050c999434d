package markdown

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// bom is the UTF-8 byte order mark.
const bom = "\ufeff"

// maxNesting is how deep quotes and lists on one line may go. Deeper is no text a person wrote,
// and makes block parsers slow.
const maxNesting = 60

// indentedItem is a list item so far to the right that it must be nested as deeply.
var indentedItem = lazy(`^[ \t]{120,}([-*+]|[0-9]{1,9}[.)])[ \t]`)

// checkText finds what makes data no spec: size, emptiness, encoding, control characters, nesting.
func checkText(path string, data []byte) error {
	if len(data) > MaxBytes {
		return tooLarge(path)
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return fault("E_SPEC_ENCODING", path+": byte 0", "the spec is UTF-16, not UTF-8",
			"save it as UTF-8, for example with: iconv -f UTF-16 -t UTF-8 "+path)
	}
	if at := invalidUTF8(data); at >= 0 {
		return fault("E_SPEC_ENCODING", fmt.Sprintf("%s: byte %d", path, at), "the spec is not UTF-8",
			"save it as UTF-8, for example with: iconv -f ISO-8859-1 -t UTF-8 "+path)
	}
	text := strings.TrimPrefix(string(data), bom)
	if strings.TrimSpace(text) == "" {
		return fault("E_SPEC_EMPTY", path, "the spec is empty", "say in it what to build; builder init writes an example")
	}
	if ps := controlChars(path, text); len(ps) > 0 {
		return ps
	}
	return checkNesting(path, text)
}

// invalidUTF8 gives the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return -1
}

// controlChars reports, at most ten, the lines that hold characters which deceive a reader.
func controlChars(path, text string) planner.Problems {
	var ps planner.Problems
	line, last := 1, 0
	for _, r := range text {
		if r == '\n' {
			line++
			continue
		}
		if isControl(r) && last != line && len(ps) < 10 {
			last = line
			ps = append(ps, planner.Problem{
				Code: "E_SPEC_CONTROL_CHARS", Where: place(path, line),
				What: fmt.Sprintf("the line holds the control character U+%04X", r), Hint: "delete it",
			})
		}
	}
	return ps
}

// isControl tells C0 and C1 controls other than tab and return, and the characters that reorder
// what is shown (embeddings, overrides and isolates of Unicode's bidirectional algorithm).
func isControl(r rune) bool {
	switch {
	case r == '\t', r == '\r', r == '\n':
		return false
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	default:
		return unicode.IsControl(r)
	}
}

// checkNesting refuses lines that open many quotes or lists at once.
func checkNesting(path, text string) error {
	line := 0
	for s := range strings.Lines(text) {
		line++
		if openers(s) > maxNesting || indentedItem().MatchString(s) {
			return fault("E_SPEC_TOO_COMPLEX", place(path, line), "quotes or lists are nested too deeply", "write it flatter")
		}
	}
	return nil
}

// openers counts the quote and list markers that a line begins with.
func openers(line string) int {
	n := 0
	for i := 0; i < len(line); i++ {
		c := line[i]
		blankNext := i+1 < len(line) && strings.IndexByte(" \t\r\n", line[i+1]) >= 0
		switch {
		case c == '>':
			n++
		case strings.IndexByte("-*+", c) >= 0 && blankNext:
			n++
		case (c == '.' || c == ')') && blankNext && i > 0 && isDigit(line[i-1]):
			n++
		case !isDigit(c) && strings.IndexByte(" \t\r\n", c) < 0:
			return n
		}
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// place names a line of a file.
func place(path string, line int) string { return fmt.Sprintf("%s:%d", path, line) }

// lineIndex finds the line of an offset.
type lineIndex []int // offsets at which lines begin

func newLineIndex(src []byte) lineIndex {
	ix := lineIndex{0}
	for i, c := range src {
		if c == '\n' && i+1 < len(src) {
			ix = append(ix, i+1)
		}
	}
	return ix
}

// line gives the line, from 1, that holds the byte at offset.
func (ix lineIndex) line(offset int) int {
	return sort.Search(len(ix), func(i int) bool { return ix[i] > offset })
}
