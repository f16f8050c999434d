package markdown

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// sentence is one sentence of a paragraph with the lines it stands on.
type sentence struct {
	text        string
	first, last int
}

var (
	// strongWords ask for something wherever they stand. Compiled when first read: every start of the
	// program, also as the sandbox's helper, would pay for it.
	strongWords = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\b(must|shall|should|cannot|can't|can not|may not|mustn't|never|(is|are) (required|forbidden|mandatory)|(is|are) not allowed|(has|have|needs?) to)\b`)
	})
	// plainWords ask for something outside introductions.
	plainWords = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\b(can|may|always|only|at most|at least|no (more|fewer|less|later|earlier) than|up to|exactly|(is|are) (refused|rejected)|answers?|prints?|returns?|responds?|replies|refuses?|rejects?|fails?|exits?|accepts?|supports?)\b`)
	})
	// endpointSpan is an endpoint in backticks.
	endpointSpan = lazy("`(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)([|,/ ](GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS))* +/")
	// abbreviations do not end a sentence.
	abbreviation = lazy(`(?i)(^|[\s(])(e\.g|i\.e|etc|vs|cf|approx|no|nr|incl|resp|ca|[a-z])\.$`)
)

// normative says whether a sentence asks for something; an intro only does so in strong words.
func normative(text string, intro bool) bool {
	prose := codeSpan.ReplaceAllString(text, "`x`")
	if strongWords().MatchString(prose) {
		return true
	}
	if intro {
		return false
	}
	return plainWords().MatchString(prose) || endpointSpan().MatchString(text) || strings.HasPrefix(text, "`")
}

// sentencesOf splits lines of text, each with its line number, into sentences. Code in backticks
// and abbreviations are not cut.
func sentencesOf(lines []textLine) []sentence {
	var (
		out    []sentence
		cur    strings.Builder
		first  int
		last   int
		inCode bool
	)
	flush := func() {
		if text := squeeze(cur.String()); text != "" {
			out = append(out, sentence{text, first, last})
		}
		cur.Reset()
		first = 0
	}
	for _, l := range lines {
		rs := strings.TrimSpace(l.text)
		for i, r := range rs {
			if first == 0 && !unicode.IsSpace(r) {
				first = l.line
			}
			last = l.line
			if r == '`' {
				inCode = !inCode
			}
			cur.WriteRune(r)
			if !inCode && endsSentence(r, cur.String(), rs[i+utf8.RuneLen(r):]) {
				flush()
			}
		}
		cur.WriteByte(' ')
		if strings.HasSuffix(rs, "  ") {
			flush()
		}
	}
	flush()
	return out
}

// textLine is a line of a paragraph.
type textLine struct {
	text string
	line int
}

// endsSentence says whether the rune just read closes a sentence, given what stands behind it.
func endsSentence(r rune, read, rest string) bool {
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return false
	}
	switch r {
	case '!', '?', '。', '！', '？':
	case '.':
		if len(read) > 8 {
			read = read[len(read)-8:]
		}
		if abbreviation().MatchString(read) {
			return false
		}
	default:
		return false
	}
	return true
}

// squeeze puts one blank where there were several.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
