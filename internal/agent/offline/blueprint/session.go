package blueprint

import (
	"strconv"
	"strings"
)

// Step is one command of a console session with what must come of it. Stdout and stderr are shown
// as a person sees them, together.
type Step struct {
	Command string   // the line after the prompt
	Argv    []string // its words, quotes removed; nil when it needs a shell
	Env     []string // NAME=value words in front of it
	Output  []string // expected lines, trailing blanks removed
	Exit    int
	Line    int // of the command in the spec
}

// ReadSession reads a console block: `$ command`, the expected output below it, `! exit N` where
// the command must fail. Lines before the first prompt and comments in front of a prompt are
// prose.
func ReadSession(b Block) []Step {
	var steps []Step
	for i, line := range strings.Split(strings.TrimRight(b.Text, "\n"), "\n") {
		line = strings.TrimRight(line, " \t\r")
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			s := Step{Command: strings.TrimSpace(command), Line: b.Line + i}
			s.Argv, s.Env = splitCommand(s.Command)
			steps = append(steps, s)
			continue
		}
		if len(steps) == 0 {
			continue
		}
		last := &steps[len(steps)-1]
		if code, ok := exitLine(line); ok {
			last.Exit = code
			continue
		}
		last.Output = append(last.Output, line)
	}
	for i := range steps {
		steps[i].Output = trimBlank(steps[i].Output)
	}
	return steps
}

// exitLine reads "! exit 1".
func exitLine(line string) (int, bool) {
	rest, ok := strings.CutPrefix(line, "! exit ")
	if !ok {
		return 0, false
	}
	code, err := strconv.Atoi(strings.TrimSpace(rest))
	return code, err == nil
}

// trimBlank drops empty lines at the end.
func trimBlank(lines []string) []string {
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// splitCommand splits a command as a POSIX shell would where that needs no shell: words, quotes
// and backslashes, leading assignments. Argv is nil for pipes, redirections, expansions and
// unfinished quotes.
func splitCommand(s string) (argv, env []string) {
	var words []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == '\'' && c != '\'':
			word.WriteByte(c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && i+1 < len(s) && (quote == 0 || strings.IndexByte("\"\\$`", s[i+1]) >= 0):
			i++
			word.WriteByte(s[i])
			inWord = true
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inWord = c, true
		case c == '$' || c == '`' || quote == 0 && strings.IndexByte("|<>&;()*?~", c) >= 0:
			return nil, nil
		case quote == 0 && (c == ' ' || c == '\t'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, nil
	}
	if inWord {
		words = append(words, word.String())
	}
	for len(words) > 0 && isAssignment(words[0]) {
		env, words = append(env, words[0]), words[1:]
	}
	return words, env
}

func isAssignment(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	if !ok || name == "" || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for _, r := range name {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}
