package clitool

import (
	"cmp"
	"slices"
	"strings"
)

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
