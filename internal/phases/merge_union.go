package phases

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// union keeps what both sides inserted at one place of a shared file. The rules are:
//
//   - sorted lists become one sorted list, each line once: the outcome does not depend on the order of
//     merging. So do lists within the same first lines and the same closing ones, as in a `require (`
//     block that both sides added;
//   - of lists that are not sorted, ours stands first, then what only theirs has;
//   - of blocks that are more than lists (sections of a README, rules of a Makefile) both stand whole,
//     ours first, unless one contains the other.
//
// A list has the same indentation everywhere, a letter or digit in every line, and no comment lines
// that would be torn from what they are about. Sorted is by bytes or with numbers by size (v1.9 before
// v1.10); the outcome is sorted with numbers by size.
func union(ours, theirs []string) []string {
	if oneList(ours, theirs) {
		if sortedLines(ours) && sortedLines(theirs) {
			return sortedUnion(ours, theirs)
		}
		return append(slices.Clone(ours), linesWithout(theirs, ours)...)
	}
	head, foot := commonEnds(ours, theirs)
	o, t := ours[head:len(ours)-foot], theirs[head:len(theirs)-foot]
	closing := ours[len(ours)-foot:]
	if oneList(o, t) && sortedLines(o) && sortedLines(t) && (foot == 0 || deeper(o, closing[0]) && deeper(t, closing[0])) {
		return slices.Concat(ours[:head], sortedUnion(o, t), closing)
	}
	switch {
	case containsBlock(ours, theirs):
		return ours
	case containsBlock(theirs, ours):
		return theirs
	}
	return slices.Concat(ours, theirs)
}

// oneList says whether two blocks are lists of one kind.
func oneList(ours, theirs []string) bool {
	comments, first := 0, ""
	for i, l := range slices.Concat(ours, theirs) {
		if !hasWord(l) {
			return false
		}
		if i == 0 {
			first = indentation(l)
		}
		if indentation(l) != first {
			return false
		}
		if strings.HasPrefix(l[len(first):], "#") || strings.HasPrefix(l[len(first):], "//") {
			comments++
		}
	}
	return comments == 0 || comments == len(ours)+len(theirs)
}

func hasWord(line string) bool {
	return strings.ContainsFunc(line, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

func indentation(line string) string {
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// deeper says whether lines are indented below a closing one.
func deeper(lines []string, closing string) bool {
	return !slices.ContainsFunc(lines, func(l string) bool { return len(indentation(l)) <= len(indentation(closing)) })
}

// commonEnds counts the lines that two blocks begin with alike, and the closing ones (without letter
// or digit) that they then end with alike.
func commonEnds(a, b []string) (head, foot int) {
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	for foot < min(len(a), len(b))-head && a[len(a)-1-foot] == b[len(b)-1-foot] && !hasWord(a[len(a)-1-foot]) {
		foot++
	}
	return head, foot
}

func sortedLines(lines []string) bool {
	return slices.IsSorted(lines) || slices.IsSortedFunc(lines, compareNumbered)
}

func sortedUnion(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.SortFunc(all, compareNumbered)
	return slices.Compact(all)
}

func linesWithout(lines, known []string) []string {
	there := make(map[string]bool, len(known))
	for _, l := range known {
		there[l] = true
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return there[l] })
}

// containsBlock says whether part stands in whole, in one piece.
func containsBlock(whole, part []string) bool {
	return strings.Contains("\n"+strings.Join(whole, ""), "\n"+strings.Join(part, ""))
}

// compareNumbered compares as people do: runs of digits by the number they write.
func compareNumbered(a, b string) int {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x, y := leadingDigits(a[i:]), leadingDigits(b[j:])
		if x == "" || y == "" {
			if a[i] != b[j] {
				return cmp.Compare(a[i], b[j])
			}
			i, j = i+1, j+1
			continue
		}
		i, j = i+len(x), j+len(y)
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
	}
	return cmp.Compare(a, b)
}

func leadingDigits(s string) string {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return s[:i]
		}
	}
	return s
}
