package clitool

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

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
