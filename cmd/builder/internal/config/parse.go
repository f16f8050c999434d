package config

import (
	"errors"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	unknownField = regexp.MustCompile(`line (\d+): field (\S+) not found in type`)
	duplicateKey = regexp.MustCompile(`line (\d+): mapping key "([^"]*)" already defined at line (\d+)`)
	lineNumber   = regexp.MustCompile(`line (\d+)`)
)

// keys are all keys of a configuration, for hints.
func keys() []string {
	return []string{
		"engine", "provider", "model", "base_url", "api", "effort", "budget", "usd", "tokens", "max_time", "workers", "attempts",
		"author", "sandbox", "models", "planner", "engineer", "reviewer", "writer", "escalate", "fallback", "billing", "min_free", "claude_cli", "prices", "input", "output", "cache_read", "cache_write", "window", "max_output",
	}
}

// parseError turns a YAML error into one with a place and a hint.
func parseError(err error, path string) error {
	msg := err.Error()
	var typed *yaml.TypeError
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		msg = typed.Errors[0]
	}
	if m := unknownField.FindStringSubmatch(msg); m != nil {
		return &Error{"E_CONFIG_UNKNOWN_KEY", path + ":" + m[1], "unknown key " + m[2], "did you mean " + nearest(m[2], keys()) + "?"}
	}
	if m := duplicateKey.FindStringSubmatch(msg); m != nil {
		return &Error{"E_CONFIG_DUP_KEY", path + ":" + m[1], "key " + m[2] + " is set twice, first in line " + m[3], "keep one of the two"}
	}
	if strings.Contains(msg, "excessive aliasing") {
		return &Error{"E_CONFIG_TOO_COMPLEX", path, "too many aliases", "write the values out"}
	}
	where := path
	if m := lineNumber.FindStringSubmatch(msg); m != nil {
		where += ":" + m[1]
	}
	return &Error{"E_CONFIG_PARSE", where, strings.TrimPrefix(msg, "yaml: "), "check the file with: builder config validate"}
}

// nearest is the candidate with the smallest edit distance to s.
func nearest(s string, candidates []string) string {
	best, most := "", 1<<30
	for _, c := range candidates {
		if d := distance(s, c); d < most {
			best, most = c, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diag, row[j] = row[j], min(row[j]+1, row[j-1]+1, diag+cost)
		}
	}
	return row[len(b)]
}
