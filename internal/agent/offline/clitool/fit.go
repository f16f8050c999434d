package clitool

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// bases is how many readings of the base example are tried, mods how many changes to one.
const (
	bases = 80
	mods  = 5
)

// fit finds one phrase that gives every example's line from its facts. It starts from the reading
// of the example with the most facts and adds, one at a time, optional values and choices that
// the other examples need; the fewer the better.
func fit(examples []example) (phrase, bool) {
	examples = distinct(examples)
	if len(examples) == 0 {
		return nil, false
	}
	base := slices.MaxFunc(examples, func(a, b example) int { return cmp.Compare(filled(a.facts), filled(b.facts)) })
	candidates := readings(base)
	slices.SortStableFunc(candidates, func(a, b phrase) int { return cmp.Compare(hits(b, examples), hits(a, examples)) })
	candidates = candidates[:min(bases, len(candidates))]
	for depth := 0; depth <= min(mods, len(examples)*2); depth++ {
		for _, c := range candidates {
			if p, ok := grow(c, examples, depth); ok {
				return p.tidy(), true
			}
		}
	}
	return nil, false
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

// grow changes p until it gives all examples, with at most depth changes.
func grow(p phrase, examples []example, depth int) (phrase, bool) {
	i := slices.IndexFunc(examples, func(ex example) bool { return p.render(ex.facts) != ex.line })
	if i < 0 {
		return p, true
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
	for _, changed := range slices.Concat(optionals(p, examples[i]), choices(p, examples[i], right)) {
		if hits(changed, right) < len(right) {
			continue
		}
		if q, ok := grow(changed, examples, depth-1); ok {
			return q, true
		}
	}
	return nil, false
}

// optionals makes a value that is empty in ex optional, together with the literal text around it
// that is missing there too.
func optionals(p phrase, ex example) []phrase {
	var out []phrase
	for i, x := range p {
		if x.source == "" || x.optional || ex.facts[x.source] != "" {
			continue
		}
		var before, after string
		if i > 0 && isLiteral(p[i-1]) {
			before = p[i-1].lit
		}
		if i+1 < len(p) && isLiteral(p[i+1]) {
			after = p[i+1].lit
		}
		left, right := p[:i].render(ex.facts), p[i+1:].render(ex.facts)
		for _, c := range cuts(left, right, before, after, ex.line) {
			q := slices.Clone(p)
			q[i] = piece{source: x.source, optional: true, pre: before[len(before)-c.a:], post: after[:c.b], empty: c.empty}
			if before != "" {
				q[i-1].lit = before[:len(before)-c.a]
			}
			if after != "" {
				q[i+1].lit = after[c.b:]
			}
			out = append(out, q)
		}
	}
	return out
}

func isLiteral(x piece) bool { return x.source == "" && x.when == nil }

// cut says how much of the literals around a value goes with it, and what stands there instead.
type cut struct {
	a, b  int
	empty string
}

// cuts finds the ways to take a value out so that line remains: those that leave nothing first,
// and of them those that take text from one side only.
func cuts(left, right, before, after, line string) []cut {
	var out []cut
	for a := 0; a <= len(before); a++ {
		for b := 0; b <= len(after); b++ {
			l, r := left[:len(left)-a], right[b:]
			if len(l)+len(r) <= len(line) && strings.HasPrefix(line, l) && strings.HasSuffix(line, r) {
				out = append(out, cut{a, b, line[len(l) : len(line)-len(r)]})
			}
		}
	}
	slices.SortStableFunc(out, func(x, y cut) int {
		return cmp.Or(cmp.Compare(len(x.empty), len(y.empty)), cmp.Compare(min(x.a, x.b), min(y.a, y.b)), cmp.Compare(x.a+x.b, y.a+y.b))
	})
	return out[:min(6, len(out))]
}

// choices puts a choice where p's text and ex's line differ, by a test on which ex differs from
// every example that p already gives.
func choices(p phrase, ex example, right []example) []phrase {
	i, from, to, text, ok := difference(p, ex)
	if !ok {
		return nil
	}
	lit := ""
	if i < len(p) {
		lit = p[i].lit
	}
	var out []phrase
	for _, t := range tests(p, ex, right) {
		x := piece{when: &t, then: text, otherwise: lit[from:to]}
		if !t.holds(ex.facts) {
			x.then, x.otherwise = x.otherwise, x.then
		}
		q := slices.Clone(p[:i])
		q = append(q, piece{lit: lit[:from]}, x, piece{lit: lit[to:]})
		if i < len(p) {
			q = append(q, p[i+1:]...)
		}
		out = append(out, q.tidy())
	}
	return out
}

// tests lists the questions that tell ex from all that is right: yes/no facts first, then "is it
// one" of numbers that p prints, then emptiness, then choices.
func tests(p phrase, ex example, right []example) []test {
	var yes, one, empty, equal []test
	for _, s := range slices.Sorted(maps.Keys(ex.facts)) {
		v := ex.facts[s]
		add := func(list *[]test, t test) {
			if !slices.ContainsFunc(right, func(o example) bool { return t.holds(o.facts) == t.holds(ex.facts) }) {
				*list = append(*list, t)
			}
		}
		switch {
		case v == "yes" || v == "no":
			add(&yes, test{s, "yes"})
		case p.uses(s) && isNumber(v):
			add(&one, test{s, "1"})
		default:
			add(&empty, test{s, ""})
			if v != "" && !isNumber(v) {
				add(&equal, test{s, v})
			}
		}
	}
	return slices.Concat(yes, one, empty, equal)
}

func isNumber(v string) bool {
	return v != "" && strings.Trim(v, "0123456789.") == ""
}

// difference finds the one literal of p, or the place between two pieces, where the text for ex
// departs from its line: piece i, bytes from to to, and the line's text there, in whole words.
func difference(p phrase, ex example) (i, from, to int, text string, ok bool) {
	have, want := p.render(ex.facts), ex.line
	a := 0
	for a < len(have) && a < len(want) && have[a] == want[a] {
		a++
	}
	b := 0
	for b < len(have)-a && b < len(want)-a && have[len(have)-1-b] == want[len(want)-1-b] {
		b++
	}
	for a > 0 && (a < len(want) && !utf8.RuneStart(want[a]) || a < len(have) && !utf8.RuneStart(have[a])) {
		a--
	}
	for b > 0 && (!utf8.RuneStart(want[len(want)-b]) || !utf8.RuneStart(have[len(have)-b])) {
		b--
	}
	start := 0
	for i, x := range p {
		s := x.render(ex.facts)
		end := start + len(s)
		if isLiteral(x) && a >= start && len(have)-b <= end {
			from, to = a-start, len(have)-b-start
			for from > 0 && wordy(rune(s[from-1])) && (from < len(s) && wordy(rune(s[from])) || from < len(s) && a < len(want) && wordy(rune(want[a]))) {
				from--
				a--
			}
			for to < len(s) && wordy(rune(s[to])) && b > 0 {
				to++
				b--
			}
			return i, from, to, want[a : len(want)-b], true
		}
		start = end
	}
	if a == len(have) {
		return len(p), 0, 0, want[a:], true
	}
	if a == 0 && b == len(have) {
		return 0, 0, 0, want[:len(want)-b], len(p) > 0 && isLiteral(p[0])
	}
	return 0, 0, 0, "", false
}
