package verify

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// testRunner is a program whose tests can be counted.
type testRunner string

// The runners known. Another runner behind npm, make or a script is recognised by what it prints.
const (
	noRunner   testRunner = ""
	goRunner   testRunner = "go test"
	textRunner testRunner = "tests"
)

// tally is what a run of tests showed.
type tally struct {
	passed  map[string]bool // by package and name; every test once
	skipped int
	failed  []string
	said    string // what the failures said, "" when unknown
}

// runnerOf recognises the runner of argv.
func runnerOf(argv []string) testRunner {
	name := filepath.Base(argv[0])
	has := func(words ...string) bool {
		return slices.ContainsFunc(argv[1:], func(a string) bool { return slices.Contains(words, a) })
	}
	switch {
	case name == "go" && goTest(argv) > 0:
		return goRunner
	case slices.Contains([]string{"pytest", "py.test", "tox", "vitest", "jest", "mocha", "ava"}, name):
		return textRunner
	case strings.HasPrefix(name, "python") && has("pytest", "unittest"):
		return textRunner
	case name == "node" && has("--test"):
		return textRunner
	case slices.Contains([]string{"npm", "pnpm", "yarn", "cargo", "make", "deno", "bun"}, name) && has("test", "t", "tests"):
		return textRunner
	case slices.Contains([]string{"npx", "uv", "poetry"}, name) && has("vitest", "jest", "mocha", "ava", "pytest"):
		return textRunner
	case slices.Contains([]string{"sh", "bash"}, name) && has("-c") && strings.Contains(strings.Join(argv, " "), "test"):
		return shellRunner(argv)
	default:
		return noRunner
	}
}

// shellRunner looks for a runner in a script.
func shellRunner(argv []string) testRunner {
	script := strings.Join(argv[2:], " ")
	for _, word := range []string{"go test", "pytest", "node --test", "npm test", "npm run test", "cargo test", "unittest", "vitest", "jest"} {
		if strings.Contains(script, word) {
			return textRunner
		}
	}
	return noRunner
}

// goTest is the place of "test" in a go command, 0 when it is another.
func goTest(argv []string) int {
	at := 1
	if len(argv) > 3 && argv[1] == "-C" {
		at = 3
	}
	if len(argv) > at && argv[at] == "test" {
		return at
	}
	return 0
}

// withEvents makes a go test speak in events, afresh.
func withEvents(argv []string) []string {
	at := goTest(argv) + 1
	var extra []string
	if !slices.ContainsFunc(argv, func(a string) bool { return a == "-json" || a == "--json" || a == "-json=true" }) {
		extra = append(extra, "-json")
	}
	if !slices.ContainsFunc(argv, func(a string) bool { return strings.HasPrefix(strings.TrimLeft(a, "-"), "count") }) {
		extra = append(extra, "-count=1")
	}
	return slices.Insert(slices.Clone(argv), at, extra...)
}

// count reads the tests from what a command printed.
func (r testRunner) count(out sandbox.Output) tally {
	if r == goRunner {
		return countEvents(out.Stdout)
	}
	return countText(string(out.Stdout) + "\n" + string(out.Stderr))
}

// failures is what to show of a failed run.
func (t tally) failures(out sandbox.Output) string {
	if t.said != "" {
		return strings.TrimSpace(t.said + "\n" + string(out.Stderr))
	}
	return strings.TrimSpace(strings.TrimSpace(string(out.Stdout)) + "\n" + string(out.Stderr))
}

// explain says why no test counts.
func (t tally) explain() string {
	if t.skipped > 0 {
		return fmt.Sprintf("all %d were skipped", t.skipped)
	}
	return "write tests that the command finds"
}

// leastTests reads ">=N"; counted is false when nothing is asked.
func leastTests(expect string) (least int, counted bool, err error) {
	if expect == "" {
		return 0, false, nil
	}
	number := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(expect), ">="))
	least, err = strconv.Atoi(number)
	if err != nil || least < 0 {
		return 0, false, fmt.Errorf("expected tests %q are not of the form \">=N\"", expect)
	}
	return least, true, nil
}
