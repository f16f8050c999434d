package planner

import (
	"regexp"
	"slices"
	"strings"
)

var (
	statementEnd = regexp.MustCompile(`;|\n`)
	background   = regexp.MustCompile(`(^|[^&])&\s*$`)
)

// vacuousShell looks at the script of sh -c. What decides is its last statement, or any one under
// set -e; a statement that exits by itself decides wherever it stands.
func vacuousShell(args []string) string {
	at := slices.IndexFunc(args, func(a string) bool {
		return strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.Contains(a, "c")
	})
	if at < 0 || at+1 >= len(args) {
		return ""
	}
	script := strings.TrimRight(args[at+1], "; \t\n")
	strict := slices.ContainsFunc(args[:at+1], stopsAtFailure)
	var last string
	for _, statement := range statementEnd.Split(script, -1) {
		words := strings.Fields(statement)
		switch {
		case len(words) == 0:
			continue
		case len(words) > 1 && words[0] == "set" && stopsAtFailure(words[1]):
			strict = true
			continue
		case background.MatchString(statement):
			last = "the script runs in the background"
			continue
		}
		last = idleStatement(statement, script)
		if last == "" && strict || exits(statement) {
			return ""
		}
	}
	if strings.TrimSpace(script) == "" {
		return "the script is empty"
	}
	return last
}

// stopsAtFailure says whether a word of a shell's or of set's options holds -e.
func stopsAtFailure(option string) bool {
	return strings.HasPrefix(option, "-") && !strings.HasPrefix(option, "--") && strings.Contains(option, "e")
}

// idleStatement says why a statement cannot fail, "" when it may: its last alternative decides.
func idleStatement(statement, script string) string {
	alternatives := strings.Split(statement, "||")
	last := alternatives[len(alternatives)-1]
	pipes := strings.Split(last, "|")
	if end := strings.Fields(pipes[len(pipes)-1]); len(pipes) > 1 && len(end) > 0 && !strings.Contains(script, "pipefail") &&
		slices.Contains([]string{"cat", "tee", "head", "tail", "less", "more", "sort", "wc"}, end[0]) {
		return "the pipe hides a failure"
	}
	for _, part := range strings.Split(last, "&&") {
		words, err := Words(part)
		if err != nil || vacuousArgv(words) == "" || exits(part) {
			return ""
		}
	}
	return "the script ends in a command that cannot fail"
}

// exits says whether a part of a statement ends the script with a failure of its own.
func exits(statement string) bool {
	for _, part := range strings.FieldsFunc(statement, func(r rune) bool { return r == '|' || r == '&' }) {
		if words := strings.Fields(part); len(words) > 1 && words[0] == "exit" && words[1] != "0" {
			return true
		}
	}
	return false
}
