package blueprint

import (
	"strings"
)

var (
	// usageToken splits a usage line: brackets, dots, bars, or a run of other characters.
	usageToken = lazy(`\.\.\.|…|[\[\](){}|,=]|"[^"]*"|<[^>]*>|[^\s\[\](){}|,=.]+(?:\.[^\s\[\](){}|,=.]+)*`)
	argName    = lazy(`^[A-Z][A-Z0-9_-]*$`)
)

// usageReader walks the tokens of one usage line.
type usageReader struct {
	tokens []string
	pos    int
	depth  int // open square brackets
	u      usage
}

// parseUsage reads `shelf add TITLE [--author A] [--tag T]...`.
func parseUsage(span, name string) usage {
	r := &usageReader{tokens: usageToken.FindAllString(span, -1)}
	if len(r.tokens) > 0 && r.tokens[0] == name {
		r.pos++
	}
	for r.pos < len(r.tokens) {
		r.step()
	}
	return r.u
}

func (r *usageReader) step() {
	t := r.tokens[r.pos]
	r.pos++
	switch {
	case t == "[":
		r.depth++
	case t == "]":
		r.depth = max(0, r.depth-1)
	case t == "..." || t == "…":
		r.repeat()
	case strings.HasPrefix(t, "--"):
		r.flag(strings.TrimPrefix(t, "--"), "")
	case strings.HasPrefix(t, "-") && len(t) == 2:
		r.short(strings.TrimPrefix(t, "-"))
	case isPlaceholder(t):
		r.u.args = append(r.u.args, Arg{Name: argWord(t), Optional: r.depth > 0})
	case verbWord.MatchString(t) && r.depth == 0 && len(r.u.args) == 0 && len(r.u.flags) == 0:
		r.u.words = append(r.u.words, t)
	case verbWord.MatchString(t):
		r.u.args = append(r.u.args, Arg{Name: t, Optional: r.depth > 0})
	}
}

// repeat marks the argument or flag before the dots; a bracket may stand between.
func (r *usageReader) repeat() {
	last := r.tokens[max(0, r.pos-2)]
	if last == "]" && r.pos >= 3 {
		last = r.tokens[r.pos-3]
	}
	if n := len(r.u.flags); n > 0 && r.u.flags[n-1].Value == last {
		r.u.flags[n-1].Many = true
		return
	}
	if n := len(r.u.args); n > 0 {
		r.u.args[n-1].Many = true
	}
}

// short reads "-a, --author A", "-a|--author A" or a flag with a short form only.
func (r *usageReader) short(letter string) {
	p := r.pos
	for p < len(r.tokens) && (r.tokens[p] == "," || r.tokens[p] == "|") {
		p++
	}
	if p < len(r.tokens) && strings.HasPrefix(r.tokens[p], "--") {
		r.pos = p + 1
		r.flag(strings.TrimPrefix(r.tokens[p], "--"), letter)
		return
	}
	r.flag(letter, letter)
}

// flag reads the value that follows a flag's name, if it has one.
func (r *usageReader) flag(name, short string) {
	f := Arg{Name: name, Short: short, Optional: r.depth > 0, Bool: true}
	if r.pos < len(r.tokens) && r.tokens[r.pos] == "=" {
		r.pos++
	}
	if r.pos < len(r.tokens) && isFlagValue(r.tokens[r.pos]) {
		f.Bool, f.Value = false, r.tokens[r.pos]
		r.pos++
		for r.pos+1 < len(r.tokens) && r.tokens[r.pos] == "|" && isFlagValue(r.tokens[r.pos+1]) {
			f.Value += "|" + r.tokens[r.pos+1]
			r.pos += 2
		}
	} else if r.pos < len(r.tokens) && (r.tokens[r.pos] == "(" || r.tokens[r.pos] == "{") {
		f.Bool, f.Value = false, r.group()
	}
	r.u.flags = append(r.u.flags, f)
}

// group reads "(title|pages)" and gives "title|pages".
func (r *usageReader) group() string {
	var b strings.Builder
	for r.pos++; r.pos < len(r.tokens) && r.tokens[r.pos] != ")" && r.tokens[r.pos] != "}"; r.pos++ {
		b.WriteString(r.tokens[r.pos])
	}
	r.pos = min(r.pos+1, len(r.tokens))
	return b.String()
}

func isPlaceholder(t string) bool {
	return argName.MatchString(t) || (strings.HasPrefix(t, "<") && strings.HasSuffix(t, ">")) || strings.HasPrefix(t, `"`)
}

func isFlagValue(t string) bool {
	return isPlaceholder(t) || (!strings.HasPrefix(t, "-") && !strings.ContainsAny(t, "[](){}|,=") && t != "..." && t != "…")
}

// argWord makes "book-id" of "<Book ID>", "BOOK_ID" or "BOOK-ID".
func argWord(t string) string {
	t = strings.Trim(t, `<>"`)
	return strings.Join(strings.FieldsFunc(strings.ToLower(t), func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), "-")
}
