package clitool

import (
	"strings"
)

// phrase is a line of output with open places.
type phrase []piece

// piece is a literal, the value of a fact, or a choice between two phrases. A value with an
// optional form prints pre, value and post, or empty when the fact is empty.
type piece struct {
	lit             string
	source          string // a value's fact
	optional        bool
	pre, post       string
	empty           string
	when            *test // a choice
	then, otherwise phrase
}

// test asks whether a fact has a value; "" asks whether it is empty.
type test struct {
	source, value string
}

func (t test) holds(k facts) bool { return k[t.source] == t.value }

func (p piece) render(k facts) string {
	switch {
	case p.when != nil && p.when.holds(k):
		return p.then.render(k)
	case p.when != nil:
		return p.otherwise.render(k)
	case p.source == "":
		return p.lit
	case p.optional && k[p.source] == "":
		return p.empty
	default:
		return p.pre + k[p.source] + p.post
	}
}

func (p phrase) render(k facts) string {
	var b strings.Builder
	for _, x := range p {
		b.WriteString(x.render(k))
	}
	return b.String()
}

// sources lists the facts that p depends on.
func (p phrase) sources() []string {
	var out []string
	for _, x := range p {
		switch {
		case x.source != "":
			out = append(out, x.source)
		case x.when != nil:
			out = append(out, x.when.source)
			out = append(out, x.then.sources()...)
			out = append(out, x.otherwise.sources()...)
		}
	}
	return out
}

func (p phrase) uses(source string) bool {
	for _, s := range p.sources() {
		if s == source {
			return true
		}
	}
	return false
}

// tidy joins neighbouring literals and drops empty ones.
func (p phrase) tidy() phrase {
	var out phrase
	for _, x := range p {
		if x.source == "" && x.when == nil {
			if x.lit == "" {
				continue
			}
			if n := len(out); n > 0 && out[n-1].source == "" && out[n-1].when == nil {
				out[n-1].lit += x.lit
				continue
			}
		}
		out = append(out, x)
	}
	return out
}

// example is a line that was expected, with the facts behind it.
type example struct {
	line  string
	facts facts
}
