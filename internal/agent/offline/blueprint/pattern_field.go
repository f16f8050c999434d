package blueprint

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The rules are:
//   - A pattern is a regular expression as Go has them, and the whole text must match it.
//   - Words such as "exactly 15 digits" are patterns too.

var (
	patternWord = lazy("(?i)^(?:pattern|regexp?|regular expression|format|matches|matching|must match|match|like)(?: the)?(?: pattern| regexp?| regular expression)?\\s*[:=]?\\s*[`/\"]?(\\^.*\\$|.*[\\[\\\\].*)[`/\"]?$")
	runOfSigns  = lazy(`(?i)^(?:(exactly|only|consists? of|made of) )?(?:(\d+)(?:\s*(?:-|–|to|or)\s*(\d+))? )?(digits?|(?:upper[- ]?case |capital |lower[- ]?case )?letters?|capitals|letters (?:and|or) digits|digits (?:and|or) letters|alphanumeric(?: characters| chars)?|hex(?:adecimal)? digits?)( only)?$`)
)

// longestPattern bounds the expressions that are taken over, in bytes.
const longestPattern = 200

// readPattern reads "pattern `[A-Z]+`" or "exactly 15 digits".
func readPattern(f *Field, part string) bool {
	part = strings.TrimSpace(part)
	if m := runOfSigns.FindStringSubmatch(part); m != nil && (m[1] != "" || m[2] != "" || m[5] != "" || strings.HasPrefix(strings.ToLower(part), "alphanumeric")) {
		f.Pattern = "^" + signClass(strings.ToLower(m[4])) + signCount(m[2], m[3]) + "$"
		return compiles(f.Pattern)
	}
	m := patternWord.FindStringSubmatch(part)
	if m == nil {
		return false
	}
	p := strings.Trim(m[1], "`/\" ")
	if !strings.HasPrefix(p, "^") || !strings.HasSuffix(p, "$") {
		p = "^(?:" + strings.TrimSuffix(strings.TrimPrefix(p, "^"), "$") + ")$"
	}
	if !compiles(p) {
		return false
	}
	f.Pattern = p
	return true
}

func compiles(p string) bool {
	_, err := regexp.Compile(p)
	return err == nil && len(p) <= longestPattern
}

func signClass(words string) string {
	switch {
	case strings.HasPrefix(words, "hex"):
		return "[0-9A-Fa-f]"
	case strings.HasPrefix(words, "alphanumeric"), strings.Contains(words, "letter") && strings.Contains(words, "digit"):
		return "[0-9A-Za-z]"
	case strings.HasPrefix(words, "digit"):
		return "[0-9]"
	case strings.HasPrefix(words, "upper"), strings.HasPrefix(words, "capital"):
		return "[A-Z]"
	case strings.HasPrefix(words, "lower"):
		return "[a-z]"
	default:
		return "[A-Za-z]"
	}
}

func signCount(low, high string) string {
	switch {
	case low == "":
		return "+"
	case high == "":
		return "{" + low + "}"
	default:
		return "{" + low + "," + high + "}"
	}
}

// Matching gives up to n different texts that f's pattern and lengths allow, always the same ones;
// fewer where there are not so many, or where they are hard to find.
func (f Field) Matching(n int) []string {
	re, err := regexp.Compile(f.Pattern)
	tree, bad := syntax.Parse(f.Pattern, syntax.Perl)
	if err != nil || bad != nil {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for seed := 0; seed < 40*n && len(out) < n; seed++ {
		for extra := range 24 {
			w := &matcher{seed: seed, extra: extra}
			w.write(tree)
			s := w.b.String()
			size := utf8.RuneCountInString(s)
			if seen[s] || s == "" || s != strings.TrimSpace(s) || !re.MatchString(s) || f.MinLen != nil && size < *f.MinLen || f.MaxLen != nil && size > *f.MaxLen {
				continue
			}
			seen[s] = true
			out = append(out, s)
			break
		}
	}
	return out
}

// matcher writes one text of a pattern; seed says which, extra how often what may be repeated is.
type matcher struct {
	b           strings.Builder
	seed, extra int
}

// longestMatch bounds the texts that are tried, in bytes.
const longestMatch = 400

// choose takes one of n choices off the seed.
func (w *matcher) choose(n int) int {
	i := w.seed % n
	w.seed /= n
	return i
}

func (w *matcher) write(re *syntax.Regexp) {
	if w.b.Len() > longestMatch {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		w.b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		w.class(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		w.b.WriteByte("abcdefghij"[w.choose(10)])
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			w.write(sub)
		}
	case syntax.OpAlternate:
		w.write(re.Sub[w.choose(len(re.Sub))])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		w.repeat(re)
	}
}

func (w *matcher) repeat(re *syntax.Regexp) {
	low, high := map[syntax.Op]int{syntax.OpPlus: 1, syntax.OpRepeat: re.Min}[re.Op], -1
	switch re.Op {
	case syntax.OpQuest:
		high = 1
	case syntax.OpRepeat:
		high = re.Max
	}
	n := low + w.extra
	if high >= 0 {
		n = min(n, high)
	}
	for range n {
		w.write(re.Sub[0])
	}
}

// class writes one of the first signs of a class, whose ranges are pairs of runes.
func (w *matcher) class(ranges []rune) {
	var signs []rune
	for i := 0; i+1 < len(ranges) && len(signs) < 36; i += 2 {
		for r := max(ranges[i], '!'); r <= ranges[i+1] && len(signs) < 36; r++ {
			signs = append(signs, r)
		}
	}
	if len(signs) > 0 {
		w.b.WriteRune(signs[w.choose(len(signs))])
	}
}

// shownPattern is a pattern without its anchors, for people.
func shownPattern(p string) string {
	p = strings.TrimSuffix(strings.TrimPrefix(p, "^"), "$")
	if inner, ok := strings.CutPrefix(p, "(?:"); ok && strings.HasSuffix(inner, ")") && !strings.ContainsAny(inner[:len(inner)-1], "()") {
		p = strings.TrimSuffix(inner, ")")
	}
	return p
}

// PatternWords tells a pattern to people: the expression as the spec has it, or "15 digits".
func (f Field) PatternWords() string {
	for class, words := range map[string]string{"[0-9]": "digits", "[A-Z]": "capital letters", "[a-z]": "lower-case letters", "[A-Za-z]": "letters", "[0-9A-Za-z]": "letters and digits", "[0-9A-Fa-f]": "hexadecimal digits"} {
		count, ok := strings.CutPrefix(shownPattern(f.Pattern), class)
		switch n := strings.Trim(count, "{}"); {
		case !ok:
		case count == "+":
			return words + " only"
		case strings.HasPrefix(count, "{") && !strings.Contains(n, ","):
			if _, err := strconv.Atoi(n); err == nil {
				return n + " " + words
			}
		}
	}
	return shownPattern(f.Pattern)
}
