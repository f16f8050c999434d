package verify

import (
	"regexp"
	"strconv"
)

// textCount reads one runner's last words: a pattern with the number of tests that passed, and what
// the number of skipped ones looks like.
type textCount struct{ passed, skipped *regexp.Regexp }

// textCounts are the runners that print numbers.
func textCounts() []textCount {
	return []textCount{
		{regexp.MustCompile(`(?m)^# pass (\d+)`), regexp.MustCompile(`(?m)^# skipped (\d+)`)},                                   // node --test, TAP
		{regexp.MustCompile(`(?m)^ℹ pass (\d+)`), regexp.MustCompile(`(?m)^ℹ skipped (\d+)`)},                                   // node --test, spec
		{regexp.MustCompile(`test result: \w+\. (\d+) passed`), regexp.MustCompile(`test result:.* (\d+) ignored`)},             // cargo test
		{regexp.MustCompile(`(?m)^(?:Tests:?|\s+Tests)\s.*?(\d+) passed`), regexp.MustCompile(`(?m)^\s*Tests.*?(\d+) skipped`)}, // jest, vitest
		{regexp.MustCompile(`(?m)^=*.*?\b(\d+) passed\b.* in [\d.]+`), regexp.MustCompile(`(?m)\b(\d+) skipped\b.* in [\d.]+`)}, // pytest
		{regexp.MustCompile(`(?m)^\s*(\d+) passing`), regexp.MustCompile(`(?m)^\s*(\d+) pending`)},                              // mocha
		{regexp.MustCompile(`(?m)^Ran (\d+) tests? in `), regexp.MustCompile(`skipped=(\d+)`)},                                  // unittest
	}
}

// goTextPassed are the tests of "go test -v"; goTextPackage a package that had some, without -v.
var (
	goTextPassed  = lazy(`(?m)^\s*--- PASS: (\S+)`)
	goTextPackage = lazy(`(?m)^ok\s+(\S+)\s+[\d.(cached)]+s?(?:\s+coverage: \S+ of statements)?\s*$`)
)

// countText counts the tests that a runner says have passed. It believes the runner's words, which
// is why only events prove more than that something ran.
func countText(text string) tally {
	t := tally{passed: map[string]bool{}}
	for _, c := range textCounts() {
		n, skipped := sum(c.passed, text), sum(c.skipped, text)
		if c.passed.String() == `(?m)^Ran (\d+) tests? in ` {
			n = max(0, n-skipped) // unittest counts the skipped among those that ran
		}
		t.skipped += skipped
		for i := range n {
			t.passed["test "+strconv.Itoa(i)] = true
		}
		if n > 0 {
			return t
		}
	}
	for _, pattern := range []*regexp.Regexp{goTextPassed(), goTextPackage()} {
		for _, m := range pattern.FindAllStringSubmatch(text, -1) {
			t.passed["test "+m[1]] = true
		}
		if len(t.passed) > 0 {
			break
		}
	}
	return t
}

// sum adds the numbers that pattern finds, within reason.
func sum(pattern *regexp.Regexp, text string) int {
	const most = 100_000
	total := 0
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && n >= 0 {
			total = min(most, total+n)
		}
	}
	return total
}
