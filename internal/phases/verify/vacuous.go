package verify

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// vacuous says why argv can only succeed, "" when it may fail. It knows the common ways to say
// nothing; what a program does inside is the tests' business.
func vacuous(argv []string) string {
	name := filepath.Base(argv[0])
	if slices.Contains([]string{"true", ":", "exit", "echo", "printf", "sleep", "pwd", "date"}, name) {
		return "the command " + name + " succeeds whatever the tree holds"
	}
	if slices.Contains([]string{"sh", "bash", "dash", "zsh", "ash"}, name) {
		return vacuousShell(argv[1:])
	}
	if name == "env" {
		rest := slices.IndexFunc(argv[1:], func(a string) bool { return !strings.Contains(a, "=") && !strings.HasPrefix(a, "-") })
		if rest >= 0 {
			return vacuous(argv[1+rest:])
		}
		return "env alone succeeds whatever the tree holds"
	}
	return ""
}

// vacuousShell looks at the script of a shell's -c: what counts is its last statement, or every one
// under set -e.
func vacuousShell(args []string) string {
	at := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") && strings.HasSuffix(a, "c") })
	if at < 0 || at+1 >= len(args) {
		return ""
	}
	var statements []string
	strict := strings.HasPrefix(args[at], "-e")
	for _, s := range strings.FieldsFunc(args[at+1], func(r rune) bool { return r == ';' || r == '\n' }) {
		s = strings.TrimSpace(s)
		switch {
		case strings.HasPrefix(s, "set -") && strings.Contains(strings.Fields(s)[1], "e"):
			strict = true
		case s != "":
			statements = append(statements, s)
		}
	}
	if !strict && len(statements) > 1 {
		statements = statements[len(statements)-1:]
	}
	for _, s := range statements {
		if !succeedsAlways(s) {
			return ""
		}
	}
	return "the script succeeds whatever the tree holds"
}

// succeedsAlways says whether a statement cannot fail: its last alternative cannot, or no part can.
func succeedsAlways(statement string) bool {
	alternatives := strings.Split(statement, "||")
	for _, part := range strings.Split(alternatives[len(alternatives)-1], "&&") {
		words, err := planner.Words(part)
		if err != nil || len(words) > 0 && vacuous(words) == "" || len(words) > 1 && words[0] == "exit" && words[1] != "0" {
			return false
		}
	}
	return true
}
