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

// optionals makes a value that is empty in ex optional, together with the literal text around it
// that is missing there too.
func optionals(p phrase, ex example, right []example) []phrase {
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
		head, tail := p[:i].render(ex.facts), p[i+1:].render(ex.facts)
		for _, c := range cuts(head, tail, before, after, ex.line) {
			q := slices.Clone(p)
			q[i] = piece{source: x.source, optional: true, pre: before[len(before)-c.a:], post: after[:c.b], empty: c.empty}
			if before != "" {
				q[i-1].lit = before[:len(before)-c.a]
			}
			if after != "" {
				q[i+1].lit = after[c.b:]
			}
			if c.empty == "" || !isKnown(c.empty, ex.facts) {
				out = append(out, q)
			}
			if c.empty != "" {
				out = append(out, besides(q, i, ex, right)...)
			}
		}
	}
	return out
}

// apart reads text that is wholly missing in ex as several values that are each optional: one that
// is empty goes with the text in front of it, one of a few words may be left unsaid.
func apart(p phrase, ex example, right []example) []phrase {
	before, here, after, text := p.difference(ex)
	if text != "" || len(here.sources()) < 2 {
		return nil
	}
	var out phrase
	pre := ""
	for _, x := range here {
		_, few := ex.facts[choiceMark+x.source]
		t := test{x.source, ex.facts[x.source]}
		switch {
		case isLiteral(x):
			rest := strings.TrimLeft(x.lit, ")]}>")
			if n := len(out); n > 0 {
				out[n-1] = out[n-1].closed(x.lit[:len(x.lit)-len(rest)])
				x.lit = rest
			}
			pre = x.lit
			continue
		case x.when != nil || x.optional:
			if n := len(out); n > 0 {
				out[n-1] = out[n-1].closed(pre)
			} else {
				out = append(out, piece{lit: pre})
			}
			out = append(out, x)
		case t.value == "":
			out = append(out, piece{source: x.source, optional: true, pre: pre})
		case few && !slices.ContainsFunc(right, func(o example) bool { return t.holds(o.facts) }):
			out = append(out, piece{when: &t, otherwise: phrase{{lit: pre}, x}.tidy()})
		default:
			return nil
		}
		pre = ""
	}
	if n := len(out); n > 0 {
		out[n-1] = out[n-1].closed(pre)
	}
	q := slices.Concat(before, out, after).tidy()
	if q.render(ex.facts) != ex.line {
		return nil
	}
	return []phrase{q}
}

// closed adds the text that follows a value when there is one.
func (p piece) closed(text string) piece {
	if isLiteral(p) {
		p.lit += text
		return p
	}
	if p.when != nil {
		p.otherwise = append(p.otherwise, piece{lit: text}).tidy()
		return p
	}
	p.post += text
	return p
}

// isKnown says whether a text is a value of ex and therefore hardly words for the lack of another.
func isKnown(text string, k facts) bool {
	for _, v := range k {
		if v != "" && v != "yes" && v != "no" && v == strings.TrimSpace(text) {
			return true
		}
	}
	return false
}

// besides reads what stands in place of the empty value i as a text of its own that depends on
// something else.
func besides(q phrase, i int, ex example, right []example) []phrase {
	var out []phrase
	text := q[i].empty
	for _, t := range tests(q, ex, right) {
		x := piece{when: &t, then: words(text)}
		if !t.holds(ex.facts) {
			x.then, x.otherwise = x.otherwise, x.then
		}
		p := slices.Clone(q)
		p[i].empty = ""
		out = append(out, slices.Insert(p, i+1, x))
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
	before, here, after, text := p.difference(ex)
	there := words(text)
	if rs := readings(example{text, ex.facts}); len(rs) > 0 {
		there = rs[0]
	}
	about := slices.Concat(here.sources(), there.sources())
	found := tests(p, ex, right)
	slices.SortStableFunc(found, func(a, b test) int {
		return cmp.Compare(index(about, a.source), index(about, b.source))
	})
	var out []phrase
	for _, t := range found {
		x := piece{when: &t, then: there, otherwise: here}
		if !t.holds(ex.facts) {
			x.then, x.otherwise = x.otherwise, x.then
		}
		out = append(out, slices.Concat(before, phrase{x}, after).tidy())
	}
	return out
}

// index is 0 for a source that the texts in question tell, 1 for any other.
func index(about []string, source string) int {
	if slices.Contains(about, source) {
		return 0
	}
	return 1
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
		case strings.HasPrefix(s, choiceMark) || s == "id" || s == "value" || strings.HasPrefix(s, "arg."):
		case p.uses(s) && isNumber(v):
			add(&one, test{s, "1"})
		default:
			add(&empty, test{s, ""})
			if _, few := ex.facts[choiceMark+s]; few && v != "" {
				add(&equal, test{s, v})
			}
		}
	}
	return slices.Concat(yes, one, empty, equal)
}

func isNumber(v string) bool {
	return v != "" && strings.Trim(v, "0123456789.") == ""
}

// difference parts p where its text for ex departs from ex's line, in whole words and whole
// values: what stands before and after, what p has between them, and what the line has there.
func (p phrase) difference(ex example) (before, here, after phrase, text string) {
	have, want := []rune(p.render(ex.facts)), []rune(ex.line)
	a := 0
	for a < len(have) && a < len(want) && have[a] == want[a] {
		a++
	}
	b := 0
	for b < len(have)-a && b < len(want)-a && have[len(have)-1-b] == want[len(want)-1-b] {
		b++
	}
	inWord := func(i, j int) bool { return i < len(have)-b && wordy(have[i]) || j < len(want)-b && wordy(want[j]) }
	for a > 0 && wordy(have[a-1]) && inWord(a, a) {
		a--
	}
	for b > 0 && wordy(have[len(have)-b]) && (len(have)-b > a && wordy(have[len(have)-b-1]) || len(want)-b > a && wordy(want[len(want)-b-1])) {
		b--
	}
	at := 0
	for _, x := range p {
		s := []rune(x.render(ex.facts))
		from, to := at, at+len(s)
		at = to
		switch {
		case isLiteral(x):
			i, j := min(max(a-from, 0), len(s)), min(max(len(have)-b-from, 0), len(s))
			before = append(before, piece{lit: string(s[:i])})
			here = append(here, piece{lit: string(s[i:max(i, j)])})
			after = append(after, piece{lit: string(s[max(i, j):])})
		case from == to && from >= a && from <= len(have)-b:
			here = append(here, x) // an empty value at the edge belongs to what is missing
		case to <= a:
			before = append(before, x)
		case from >= len(have)-b:
			after = append(after, x)
		default:
			here = append(here, x)
			a, b = min(a, from), min(b, len(have)-to)
		}
	}
	return before, here.tidy(), after, string(want[a : len(want)-b])
}
