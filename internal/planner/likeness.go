package planner

import (
	"cmp"
	"slices"
	"strings"
)

// How like two texts must be to be one text that was edited: a share of the words of both. Texts
// that kept their place, told by the id, may differ more.
const (
	alike      = 0.5
	alikeByID  = 0.3
	mostScores = 4_000_000 // pairs that are compared; beyond, only equal texts are matched
)

// folded is a text without what white space says.
func folded(s string) string { return strings.Join(strings.Fields(s), " ") }

// textual is one of the texts that are matched.
type textual struct{ id, text string }

// match says for each of next which of old it was, -1 for what is new. Equal texts come first, in
// order; then the pairs that are most alike. No text is matched twice.
func match(old, next []textual) []int {
	out := make([]int, len(next))
	taken := make([]bool, len(old))
	same := map[string][]int{}
	for i, o := range old {
		same[folded(o.text)] = append(same[folded(o.text)], i)
	}
	var open []int
	for j, n := range next {
		key := folded(n.text)
		if at := same[key]; len(at) > 0 {
			out[j], same[key] = at[0], at[1:]
			taken[at[0]] = true
			continue
		}
		out[j] = -1
		open = append(open, j)
	}
	for _, p := range pairs(old, next, taken, open) {
		if out[p.next] < 0 && !taken[p.old] {
			out[p.next], taken[p.old] = p.old, true
		}
	}
	return out
}

// pair is two texts that may be one.
type pair struct {
	old, next int
	score     float64
}

// pairs lists what is alike, the likest first; among equals, those nearest to each other.
func pairs(old, next []textual, taken []bool, open []int) []pair {
	var rest []int
	for i := range old {
		if !taken[i] {
			rest = append(rest, i)
		}
	}
	if len(rest)*len(open) > mostScores {
		return nil
	}
	bags := make(map[int]map[string]int, len(rest))
	for _, i := range rest {
		bags[i] = bagOf(old[i].text)
	}
	var out []pair
	for _, j := range open {
		bag := bagOf(next[j].text)
		for _, i := range rest {
			score := likeness(bags[i], bag)
			if score >= alike || score >= alikeByID && old[i].id == next[j].id {
				out = append(out, pair{i, j, score})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(abs(a.old-a.next), abs(b.old-b.next)))
	})
	return out
}

func abs(n int) int { return max(n, -n) }

// bagOf counts the words of a text, without case and punctuation at their ends.
func bagOf(text string) map[string]int {
	bag := map[string]int{}
	for _, w := range strings.Fields(strings.ToLower(text)) {
		if w = strings.Trim(w, ".,;:!?()*`\"'"); w != "" {
			bag[w]++
		}
	}
	return bag
}

// likeness is the share of words that two texts have in common, from 0 to 1 (Dice).
func likeness(a, b map[string]int) float64 {
	common, all := 0, 0
	for w, n := range a {
		common += min(n, b[w])
		all += n
	}
	for _, n := range b {
		all += n
	}
	if all == 0 {
		return 0
	}
	return 2 * float64(common) / float64(all)
}
