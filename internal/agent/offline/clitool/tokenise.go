package clitool

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// beam is how many readings of a line are followed at each position.
const beam = 160

// reading is a phrase with how plausible it is.
type reading struct {
	phrase phrase
	score  int
}

// readings gives the phrases that a line may be an instance of, the most plausible first: every
// choice of known values at word boundaries, values rather than literals.
func readings(ex example) []phrase {
	names := slices.Sorted(maps.Keys(ex.facts))
	at := make([][]reading, len(ex.line)+1)
	at[0] = []reading{{}}
	for i := 0; i < len(ex.line); i++ {
		if len(at[i]) == 0 {
			continue
		}
		at[i] = best(at[i])
		_, size := utf8.DecodeRuneInString(ex.line[i:])
		for _, r := range at[i] {
			at[i+size] = append(at[i+size], r.with(piece{lit: ex.line[i : i+size]}, 0))
		}
		for _, name := range names {
			v := ex.facts[name]
			if v == "" || !strings.HasPrefix(ex.line[i:], v) || !bounded(ex.line, i, i+len(v)) {
				continue
			}
			w := weight(name, v, ex.line[:i], ex.line[i+len(v):])
			for _, r := range at[i] {
				at[i+len(v)] = append(at[i+len(v)], r.with(piece{source: name}, w))
			}
		}
	}
	var out []phrase
	for _, r := range best(at[len(ex.line)]) {
		out = append(out, r.phrase.tidy())
	}
	return out
}

func (r reading) with(p piece, score int) reading {
	n := len(r.phrase)
	if p.source == "" && n > 0 && r.phrase[n-1].source == "" {
		joined := slices.Clone(r.phrase)
		joined[n-1].lit += p.lit
		return reading{joined, r.score}
	}
	return reading{append(slices.Clone(r.phrase), p), r.score + score}
}

func best(rs []reading) []reading {
	slices.SortStableFunc(rs, func(a, b reading) int { return cmp.Compare(b.score, a.score) })
	return rs[:min(beam, len(rs))]
}

// bounded says whether line[from:to] stands on its own: no letter or digit goes on on either
// side, and a number is no part of a longer number or date.
func bounded(line string, from, to int) bool {
	first, _ := utf8.DecodeRuneInString(line[from:])
	last, _ := utf8.DecodeLastRuneInString(line[:to])
	before, n := utf8.DecodeLastRuneInString(line[:from])
	after, m := utf8.DecodeRuneInString(line[to:])
	if n > 0 && wordy(first) && wordy(before) || m > 0 && wordy(last) && wordy(after) {
		return false
	}
	if unicode.IsDigit(last) && strings.ContainsRune(".-:", after) && m > 0 {
		next, _ := utf8.DecodeRuneInString(line[to+m:])
		if unicode.IsDigit(next) {
			return false
		}
	}
	if unicode.IsDigit(first) && n > 0 && strings.ContainsRune(".-:", before) {
		prev, _ := utf8.DecodeLastRuneInString(line[:from-n])
		return !unicode.IsDigit(prev)
	}
	return true
}

func wordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// weight says how plausible it is that a text comes from a source, by the source's kind and by
// the words around the text. Every weight is positive: a known value is rather a value than chance.
func weight(source, value, before, after string) int {
	w := 40
	name := source[strings.LastIndexAny(source, ".:")+1:]
	switch {
	case value == "yes" || value == "no":
		w = 20
	case source == "id":
		w = 50
		if strings.HasSuffix(before, "#") {
			w += 30
		}
	case source == "count":
		w = 38
		if strings.HasPrefix(after, " ") && len(after) > 1 && unicode.IsLetter(rune(after[1])) {
			w += 20
		}
	case source == "all":
		w = 22
		if strings.HasSuffix(before, "of ") {
			w += 40
		}
	case strings.HasPrefix(source, "n.") || strings.HasPrefix(source, "sum."):
		w = 30
	case strings.HasPrefix(source, "arg."):
		w = 36
	case source == "value" || source == "file" || source == "group":
		w = 46
	case source == "entity" || source == "field" || source == "command":
		w = 26
	case strings.Contains(source, "."):
		w = 34
	}
	if label := strings.ReplaceAll(lastWord(name), "_", " "); label != "" && near(before, after, label) {
		w += 25
	}
	return w + min(len(value), 10)
}

// lastWord takes what a count is about: "read" of "n.read=yes", "pages" of "sum.pages".
func lastWord(name string) string {
	name, value, ok := strings.Cut(name, "=")
	if ok && value != "yes" && value != "no" {
		return value
	}
	if i := strings.LastIndex(name, "|"); i >= 0 {
		name = name[:i]
	}
	return name
}

// near looks for a label in the words right before and right after a value.
func near(before, after, label string) bool {
	before, after, label = strings.ToLower(before), strings.ToLower(after), strings.ToLower(label)
	if i := strings.LastIndexAny(before, ",;|"); i >= 0 {
		before = before[i:]
	}
	if i := strings.IndexAny(after, ",;|"); i >= 0 {
		after = after[:i]
	}
	return strings.Contains(before, label) || strings.HasPrefix(strings.TrimLeft(after, " "), label)
}
