package planner

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	emptyRun = regexp.MustCompile(`^(\^\$|\$\^|\^\b\$|\$a|a\^)$`)
	testFile = regexp.MustCompile(`(?i)(_test\.[a-z]+|(^|/)test_[^/]*\.[a-z]+|[._-](test|spec)\.[a-z]+|(^|/)(tests?|spec|__tests__|testdata)/.+)$`)
)

// Vacuous says why a gate would pass whatever the work is like, "" when it would not by the looks
// of it. It is a net for honest mistakes and lazy plans; that a gate is red before the work is
// checked when it runs.
func Vacuous(g Gate) string {
	switch g.Kind {
	case GateCommand:
		if why := vacuousArgv(g.Run); why != "" {
			return why
		}
		return idleFrozen(g)
	case GateTranscript:
		return vacuousSession(g.Session)
	default:
		return ""
	}
}

// vacuousSession finds sessions in which no command could fail.
func vacuousSession(session string) string {
	xs, err := ParseSession(session)
	if err != nil {
		return ""
	}
	for _, x := range xs {
		for _, part := range simpleCommands(x.Command) {
			words, err := Words(part)
			if err != nil || vacuousArgv(words) == "" {
				return ""
			}
		}
	}
	return "no command of the session can fail"
}

// idleFrozen finds frozen files that the command does not run: they would prove nothing.
func idleFrozen(g Gate) string {
	if len(g.Frozen) == 0 {
		return ""
	}
	line := strings.Join(g.Run, " ")
	for _, f := range g.Frozen {
		if strings.Contains(line, f.Path) {
			return ""
		}
		goTest := strings.HasSuffix(f.Path, "_test.go") && len(g.Run) > 1 && g.Run[0] == "go" && g.Run[1] == "test"
		if goTest || testFile.MatchString(f.Path) && !strings.HasSuffix(f.Path, ".go") {
			return ""
		}
	}
	return "the command does not run the frozen files"
}

// vacuousArgv finds commands that succeed whatever the tree is like.
func vacuousArgv(argv []string) string {
	wrapped := len(argv) > 0
	argv = unwrapped(argv)
	if len(argv) == 0 {
		if wrapped {
			return "nothing is run"
		}
		return ""
	}
	name, rest := path.Base(argv[0]), argv[1:]
	switch name {
	case "true", ":", "echo", "printf", "exit", "sleep", "pwd", "date", "whoami", "id", "uname", "hostname", "cd", "yes":
		return name + " proves nothing"
	case "ls":
		if !slices.ContainsFunc(rest, func(a string) bool { return !strings.HasPrefix(a, "-") }) {
			return "ls of the folder proves nothing"
		}
	case "sh", "bash", "dash", "ash", "zsh", "ksh":
		return vacuousShell(rest)
	case "go":
		return vacuousGo(rest)
	case "make":
		if slices.ContainsFunc(rest, func(a string) bool { return slices.Contains([]string{"-n", "--dry-run", "--just-print", "-q"}, a) }) {
			return "make does not run anything"
		}
	case "pytest", "py.test":
		if slices.Contains(rest, "--collect-only") || slices.Contains(rest, "--co") {
			return "pytest only lists tests"
		}
	}
	if len(rest) == 1 && slices.Contains(toolNames(), name) && slices.Contains([]string{"--version", "-version", "--help", "-h", "version", "help"}, rest[0]) {
		return name + " only speaks of itself"
	}
	return ""
}

// toolNames are tools whose version says nothing of the tree.
func toolNames() []string {
	return []string{
		"go", "node", "npm", "npx", "yarn", "pnpm", "python", "python3", "pip", "pytest", "git", "docker", "make",
		"cargo", "rustc", "java", "javac", "gcc", "clang", "curl", "sh", "bash", "tsc", "deno", "bun", "ruby", "php",
	}
}

// unwrapped takes off the programs that only run another.
func unwrapped(argv []string) []string {
	for len(argv) > 0 {
		switch path.Base(argv[0]) {
		case "env", "nohup", "nice", "time", "command", "exec", "xargs", "stdbuf", "setsid":
			argv = argv[1:]
		case "timeout":
			argv = argv[1:]
			for len(argv) > 0 && (strings.HasPrefix(argv[0], "-") || argv[0] != "" && isASCIIDigit(argv[0][0])) {
				argv = argv[1:]
			}
			continue
		default:
			return argv
		}
		for len(argv) > 0 && (strings.HasPrefix(argv[0], "-") || strings.Contains(argv[0], "=")) {
			argv = argv[1:]
		}
	}
	return argv
}

func isASCIIDigit(c byte) bool { return c >= '0' && c <= '9' }

// vacuousGo finds go commands that test nothing.
func vacuousGo(args []string) string {
	if len(args) == 0 {
		return ""
	}
	switch args[0] {
	case "version", "env", "help", "fmt":
		return "go " + args[0] + " proves nothing"
	case "test":
	default:
		return ""
	}
	for i, a := range args[1:] {
		flag, value, joined := strings.Cut("-"+strings.TrimLeft(a, "-"), "=")
		if a == "" || a[0] != '-' {
			continue
		}
		if !joined && i+2 < len(args) {
			value = args[i+2]
		}
		switch {
		case flag == "-run" && emptyRun.MatchString(strings.Trim(value, `'"`)), flag == "-count" && value == "0":
			return "go test runs no test"
		case flag == "-list", flag == "-c", flag == "-n", flag == "-h", flag == "-help":
			return "go test runs no test"
		case flag == "-exec" && vacuousArgv(strings.Fields(value)) != "":
			return "go test runs no test"
		case flag == "-skip" && slices.Contains([]string{".", ".*", ""}, value):
			return "go test skips every test"
		}
	}
	return ""
}
