package planner

import (
	"path"
	"slices"
	"strings"
)

// runsTreeFiles says whether a session runs programs that lie in the tree as files: through an
// interpreter ("python3 -m spans", "node tool.js", "make"), or by their path ("./tool"). A person
// types such a session in the project's folder, so that is where it must run; a session that calls a
// program by its name runs in an empty folder.
func runsTreeFiles(session string) bool {
	xs, err := ParseSession(session)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(xs, func(x Exchange) bool {
		return slices.ContainsFunc(simpleCommands(x.Command), func(part string) bool {
			words, err := Words(part)
			return err == nil && runsTreeFile(words)
		})
	})
}

func runsTreeFile(argv []string) bool {
	argv = unwrapped(argv)
	for len(argv) > 0 && strings.Contains(argv[0], "=") {
		argv = argv[1:]
	}
	if len(argv) == 0 || strings.HasPrefix(argv[0], "/") || strings.HasPrefix(argv[0], "{") {
		return false
	}
	if strings.Contains(argv[0], "/") {
		return true
	}
	name := strings.TrimRight(path.Base(argv[0]), "0123456789.")
	switch name {
	case "sh", "bash":
		return len(argv) > 1 && !strings.HasPrefix(argv[1], "-")
	case "python", "node", "deno", "bun", "ruby", "perl", "php":
		return len(argv) > 1 && !slices.Contains([]string{"-c", "-e", "-p", "-pe", "-ne", "-r"}, argv[1])
	case "npm", "npx", "java", "make", "cargo", "go":
		return true
	}
	return false
}

// simpleCommands cuts a line as typed at the operators that stand between commands, outside quotes:
// pipes, lists and lines. Redirections stay with their command.
func simpleCommands(line string) []string {
	var parts []string
	var part strings.Builder
	var quote rune
	escaped, previous := false, rune(0)
	for _, r := range line {
		cut := false
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		default:
			cut = strings.ContainsRune("|;&\n()", r) && (r != '&' || previous != '>')
		}
		previous = r
		if !cut {
			part.WriteRune(r)
			continue
		}
		parts = append(parts, part.String())
		part.Reset()
	}
	parts = append(parts, part.String())
	return slices.DeleteFunc(parts, func(p string) bool { return strings.TrimSpace(p) == "" })
}
