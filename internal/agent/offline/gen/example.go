package gen

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// exampleLine is one step of an http block: method, path, body, status, expectation.
var exampleLine = regexp.MustCompile(`^([A-Z]+)\s+(/\S*)(?:\s+(.*?))?\s*->\s*(\d{3})(?:\s+(.*))?$`)

// exampleStart is how a step begins.
var exampleStart = regexp.MustCompile(`^[A-Z]+\s+/`)

// example is a step of the acceptance section.
type example struct {
	method, path string
	body, want   map[string]any
	list         bool // the answer is a bare list
	status       int
	line         int // of its beginning in the block, from 0
}

// examples reads the steps of a block; a line that begins no step goes on with the one before.
func examples(text string) []example {
	var lines []string
	var starts []int
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case exampleStart.MatchString(line):
			lines, starts = append(lines, line), append(starts, i)
		case len(lines) > 0:
			lines[len(lines)-1] += " " + line
		}
	}
	var out []example
	for i, line := range lines {
		m := exampleLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		x := example{method: m[1], path: m[2], line: starts[i]}
		x.status, _ = strconv.Atoi(m[4]) // three digits by the pattern
		x.body, _ = object(m[3])
		x.want, x.list = object(m[5])
		out = append(out, x)
	}
	return out
}

// object reads a JSON object; list tells that the text is a JSON list instead.
func object(text string) (o map[string]any, list bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	o, _ = v.(map[string]any)
	_, list = v.([]any)
	return o, list
}
