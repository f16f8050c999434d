package failure

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes foreign text fit for a line of a terminal and a log: no control, invisible or
// direction characters, nothing that hide knows, at most 500 bytes.
func Clean(text string, hide *strings.Replacer) string {
	const most = 500
	if hide != nil {
		text = hide.Replace(text)
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return text
	}
	cut := most
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
