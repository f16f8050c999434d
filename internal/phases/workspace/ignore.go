package workspace

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The rules are gitignore(5), of the .gitignore files of the tree alone: never the user's global
// ones, so that a tree means the same on every machine. go-git's matcher is not used: it takes `!`
// for a letter in classes, `a/**` for a itself, and a re-included name for all below it.

const (
	ignoreFile   = ".gitignore"
	maxIgnore    = 1 << 20 // bytes of one .gitignore
	maxPatterns  = 2000    // in force at one place; what they would leave out beyond that stays in
	maxLine      = 4096    // bytes of one pattern
	plainPattern = "\\*?["
)

// rules are the patterns in force in one folder, the latest last.
type rules struct{ patterns []pattern }

// pattern is one line of a .gitignore.
type pattern struct {
	base    string // folder of the file, with a slash at the end; "" for the root
	include bool
	dirOnly bool
	anchor  bool           // matches the path below base, else the last name
	literal string         // for a pattern without wildcards
	suffix  string         // for a pattern of a star and a literal
	expr    *regexp.Regexp // for any other
}

// with adds the lines of a .gitignore that stands in folder dir ("" for the root).
func (r rules) with(dir string, content []byte) rules {
	base := ""
	if dir != "" {
		base = dir + "/"
	}
	out := r.patterns[:len(r.patterns):len(r.patterns)]
	for line := range strings.SplitSeq(string(bytes.TrimPrefix(content, []byte("\ufeff"))), "\n") {
		if p, ok := parsePattern(strings.TrimSuffix(line, "\r")); ok && len(out) < maxPatterns {
			p.base = base
			out = append(out, p)
		}
	}
	return rules{out}
}

// ignored says whether the last pattern that matches leaves path out. The folders above must have
// been asked before: what is below an ignored folder is ignored.
func (r rules) ignored(path string, dir bool) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	for i := len(r.patterns) - 1; i >= 0; i-- {
		p := &r.patterns[i]
		if p.dirOnly && !dir || !strings.HasPrefix(path, p.base) {
			continue
		}
		subject := name
		if p.anchor {
			subject = path[len(p.base):]
		}
		if p.match(subject) {
			return !p.include
		}
	}
	return false
}

func (p *pattern) match(s string) bool {
	switch {
	case p.expr != nil:
		return p.expr.MatchString(s)
	case p.suffix != "":
		return strings.HasSuffix(s, p.suffix)
	}
	return s == p.literal
}

func parsePattern(line string) (pattern, bool) {
	var p pattern
	if strings.HasPrefix(line, "#") || len(line) > maxLine {
		return p, false
	}
	line, p.include = strings.CutPrefix(trimSpaces(line), "!")
	line, p.dirOnly = strings.CutSuffix(line, "/")
	if line == "" {
		return p, false
	}
	p.anchor = strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if !strings.ContainsAny(line, plainPattern) {
		p.literal = line
		return p, true
	}
	if rest := line[1:]; line[0] == '*' && rest != "" && !p.anchor && !strings.ContainsAny(rest, plainPattern) {
		p.suffix = rest
		return p, true
	}
	text, ok := translate(line)
	if !ok {
		return p, false
	}
	expr, err := regexp.Compile(`(?s)\A` + text + `\z`)
	p.expr = expr
	return p, err == nil // one that cannot be read matches nothing
}

// trimSpaces cuts trailing spaces but an escaped one.
func trimSpaces(line string) string {
	end := len(line)
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
			end = len(line)
		case ' ':
			if end == len(line) {
				end = i
			}
		default:
			end = len(line)
		}
	}
	return line[:min(end, len(line))]
}

// translate turns a pattern into a regular expression; false for one that git takes for none.
func translate(p string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(p); {
		rest := p[i:]
		stars := len(rest) - len(strings.TrimLeft(rest, "*"))
		whole := stars > 1 && (i == 0 || p[i-1] == '/') // may stand for folders
		switch {
		case whole && stars == len(rest):
			b.WriteString(".*")
			i += stars
		case whole && rest[stars] == '/':
			b.WriteString("(?:.*/)?")
			i += stars + 1
		case stars > 0:
			b.WriteString("[^/]*")
			i += stars
		case rest[0] == '?':
			b.WriteString("[^/]")
			i++
		case rest[0] == '[':
			class, n, ok := translateClass(rest)
			if !ok {
				return "", false
			}
			b.WriteString(class)
			i += n
		case rest[0] == '\\':
			if len(rest) == 1 {
				return "", false
			}
			b.WriteString(regexp.QuoteMeta(rest[1:2]))
			i += 2
		default:
			n := strings.IndexAny(rest, plainPattern)
			if n < 0 {
				n = len(rest)
			}
			b.WriteString(regexp.QuoteMeta(rest[:n]))
			i += n
		}
	}
	return b.String(), true
}

// translateClass turns a bracket expression at the start of p into a regular expression's class,
// and says how long it was. A class never matches a slash; a range that runs backwards is empty.
func translateClass(p string) (class string, n int, ok bool) {
	var b strings.Builder
	i := 1
	negated := i < len(p) && (p[i] == '!' || p[i] == '^')
	if negated {
		i++
	}
	low := "" // of a range that may follow
	for first := true; ; first = false {
		if i >= len(p) {
			return "", 0, false
		}
		switch c := p[i]; {
		case c == ']' && !first:
			return closeClass(b.String(), negated), i + 1, true
		case c == '-' && low != "" && i+1 < len(p) && p[i+1] != ']':
			high, size := classChar(p[i+1:])
			if high == "" {
				return "", 0, false
			}
			if low <= high {
				b.WriteString(quoteHex(low) + "-" + quoteHex(high))
			}
			i, low = i+1+size, ""
		case strings.HasPrefix(p[i:], "[:") && strings.Contains(p[i:], ":]"):
			end := strings.Index(p[i:], ":]") + 2
			b.WriteString(p[i : i+end])
			i, low = i+end, ""
		default:
			char, size := classChar(p[i:])
			if char == "" {
				return "", 0, false
			}
			b.WriteString(quoteHex(char))
			i, low = i+size, char
		}
	}
}

func closeClass(class string, negated bool) string {
	switch {
	case negated:
		return "[^/" + class + "]"
	case class == "":
		return `[^\x{0}-\x{10FFFF}]` // nothing
	}
	// Go has no intersection of classes: the slash is taken out where a range may hold it.
	return "[" + strings.ReplaceAll(class, quoteHex("/"), "") + "]"
}

// classChar is the first character of s, unescaped, and how many bytes it took; "" when s ends
// within an escape.
func classChar(s string) (char string, size int) {
	escape := 0
	if strings.HasPrefix(s, `\`) {
		s, escape = s[1:], 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n], n + escape
}

// quoteHex spells a character so that it means nothing else in a class.
func quoteHex(char string) string {
	r, _ := utf8.DecodeRuneInString(char)
	return fmt.Sprintf(`\x{%x}`, r)
}
