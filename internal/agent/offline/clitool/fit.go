package clitool

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// bases is how many readings of a base example are tried, mods how many changes to one, patience
// how many phrases in all: a session may be hostile.
const (
	bases    = 40
	mods     = 5
	patience = 20_000
)

// fit finds one phrase that gives every example's line from its facts. It starts from the reading
// of the example with the most facts and adds, one at a time, optional values and choices that
// the other examples need; the fewer the better.
func fit(examples []example) (phrase, bool) {
	examples = distinct(examples)
	if len(examples) == 0 {
		return nil, false
	}
	var candidates []phrase
	for _, base := range richest(examples) {
		rs := readings(base)
		slices.SortStableFunc(rs, func(a, b phrase) int { return cmp.Compare(hits(b, examples), hits(a, examples)) })
		candidates = append(candidates, rs[:min(bases, len(rs))]...)
	}
	left := patience
	for depth := 0; depth <= min(mods, len(examples)*2); depth++ {
		for _, c := range candidates {
			if p, ok := grow(c, examples, depth, &left); ok {
				return p.tidy(), true
			}
		}
	}
	return nil, false
}

// richest gives the examples to start from, those with the longest lines first.
func richest(examples []example) []example {
	sorted := slices.Clone(examples)
	slices.SortStableFunc(sorted, func(a, b example) int {
		return cmp.Or(cmp.Compare(filled(b.facts), filled(a.facts)), cmp.Compare(len(b.line), len(a.line)))
	})
	return sorted[:min(3, len(sorted))]
}

func filled(k facts) int {
	n := 0
	for _, v := range k {
		if v != "" {
			n++
		}
	}
	return n
}

func distinct(examples []example) []example {
	var out []example
	for _, ex := range examples {
		if !slices.ContainsFunc(out, func(o example) bool { return o.line == ex.line && maps.Equal(o.facts, ex.facts) }) {
			out = append(out, ex)
		}
	}
	return out
}

func hits(p phrase, examples []example) int {
	n := 0
	for _, ex := range examples {
		if p.render(ex.facts) == ex.line {
			n++
		}
	}
	return n
}

// grow changes p until it gives all examples, with at most depth changes; left counts the tries
// that remain.
func grow(p phrase, examples []example, depth int, left *int) (phrase, bool) {
	if *left--; *left < 0 {
		return nil, false
	}
	i := slices.IndexFunc(examples, func(ex example) bool { return p.render(ex.facts) != ex.line })
	if i < 0 {
		return p, !p.hardCoded(examples)
	}
	if depth == 0 {
		return nil, false
	}
	var right []example
	for _, ex := range examples {
		if p.render(ex.facts) == ex.line {
			right = append(right, ex)
		}
	}
	changes := apart(p, examples[i], right)
	if len(changes) == 0 {
		changes = choices(p, examples[i], right)
	}
	for _, changed := range slices.Concat(optionals(p, examples[i], right), changes) {
		if hits(changed, right) < len(right) {
			continue
		}
		if q, ok := grow(changed, examples, depth-1, left); ok {
			return q, true
		}
	}
	return nil, false
}

// hardCoded says whether a text that depends on something holds a value of an example: such a
// phrase repeats the examples and says nothing about other values.
func (p phrase) hardCoded(examples []example) bool {
	for _, text := range p.conditional() {
		for _, ex := range examples {
			for name, v := range ex.facts {
				if _, few := ex.facts[choiceMark+name]; few || len(v) < 2 || v == "yes" || v == "no" || spoken(name) {
					continue
				}
				if i := strings.Index(text, v); i >= 0 && bounded(text, i, i+len(v)) {
					return true
				}
			}
		}
	}
	return false
}

// spoken says whether a fact is a word of the program rather than a value of a user.
func spoken(name string) bool {
	return slices.Contains([]string{"entity", "Entity", "field", "key", "command", "flag", "arg", "Arg", "choices", "limit"}, name)
}

// conditional lists the texts of p that not every line has.
func (p phrase) conditional() []string {
	var out []string
	for _, x := range p {
		out = append(out, x.empty)
		for _, branch := range []phrase{x.then, x.otherwise} {
			for _, y := range branch {
				out = append(out, y.lit)
			}
			out = append(out, branch.conditional()...)
		}
	}
	return out
}
