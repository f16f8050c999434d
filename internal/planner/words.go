package planner

import (
	"errors"
	"strings"
)

// Words splits a command line into its words as a shell would, with single and double quotes and
// backslashes, and nothing else of a shell: no variables, globs, pipes or substitutions.
func Words(line string) ([]string, error) {
	var (
		words  []string
		word   strings.Builder
		inWord bool
		quote  rune
		escape bool
	)
	for _, r := range line {
		switch {
		case escape:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteRune('\\')
			}
			word.WriteRune(r)
			escape = false
		case r == '\\' && quote != '\'':
			escape, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("split words: a quote is not closed")
	}
	if escape {
		return nil, errors.New("split words: nothing behind the last backslash")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
