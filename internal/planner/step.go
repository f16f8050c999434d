package planner

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Step is one request of an http gate and what must come back. In Path, Body and Expect a string
// "$name" stands for a value: in Expect its first occurrence captures, everywhere later it is put in.
type Step struct {
	Method string            // upper case
	Path   string            // starts with "/", may hold a query
	Header map[string]string // request headers, nil without any
	Body   json.RawMessage   // nil without a body
	Status int               // 100 to 599
	Expect json.RawMessage   // JSON that the answer must contain; nil when nothing is asked of it
	// ExpectText is text that the answer must contain; set instead of Expect when what stands
	// behind the status is not JSON.
	ExpectText string
}

// LineError is a fault in a block of text, with its line in that block, from 1.
type LineError struct {
	Line int
	Err  error
}

// Error says the line and the fault.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap gives the fault alone.
func (e *LineError) Unwrap() error { return e.Err }

// stepStart is what the first line of a step looks like.
var stepStart = regexp.MustCompile(`^[A-Za-z]+[ \t]+/`)

// stepHeader is a request header between path and body: [X-Role: admin].
var stepHeader = regexp.MustCompile(`^\[([A-Za-z][A-Za-z0-9-]*):[ \t]*([^\]\r\n]*)\]`)

// stepMethods are the methods a step may use.
func stepMethods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
}

// ParseStep reads one step:
//
//	METHOD /path?query [Header: value] {body} -> STATUS {expected}
//
// Headers, body and expectation may be left out. The body is JSON and may itself hold "->"; what
// follows the status is JSON, or else text the answer must contain.
func ParseStep(line string) (Step, error) {
	var s Step
	method, rest := cutWord(strings.TrimSpace(line))
	s.Method = strings.ToUpper(method)
	if !slices.Contains(stepMethods(), s.Method) {
		return Step{}, fmt.Errorf("parse step: %.40q is not an HTTP method", method)
	}
	s.Path, rest = cutWord(rest)
	if !strings.HasPrefix(s.Path, "/") {
		return Step{}, fmt.Errorf("parse step: path %.80q must start with /", s.Path)
	}
	for {
		m := stepHeader.FindStringSubmatch(rest)
		if m == nil {
			break
		}
		if s.Header == nil {
			s.Header = map[string]string{}
		}
		s.Header[m[1]] = strings.TrimSpace(m[2])
		rest = strings.TrimSpace(rest[len(m[0]):])
	}
	rest, err := s.takeBody(rest)
	if err != nil {
		return Step{}, err
	}
	if err := s.takeExpectation(rest); err != nil {
		return Step{}, err
	}
	return s, nil
}

// takeBody reads the body, if there is one, and returns what follows the arrow.
func (s *Step) takeBody(rest string) (string, error) {
	if !strings.HasPrefix(rest, "->") && rest != "" {
		dec := json.NewDecoder(strings.NewReader(rest))
		var body json.RawMessage
		if err := dec.Decode(&body); err != nil {
			return "", fmt.Errorf("parse step: body is not JSON: %w", err)
		}
		s.Body = compact(body)
		rest = strings.TrimSpace(rest[dec.InputOffset():])
	}
	after, ok := strings.CutPrefix(rest, "->")
	if !ok {
		return "", errors.New("parse step: no \"-> STATUS\" behind the request")
	}
	return strings.TrimSpace(after), nil
}

// takeExpectation reads the status and what is expected of the answer.
func (s *Step) takeExpectation(rest string) error {
	status, rest := cutWord(rest)
	n, err := strconv.Atoi(status)
	if err != nil || n < 100 || n > 599 {
		return fmt.Errorf("parse step: status %.20q is not a number from 100 to 599", status)
	}
	s.Status = n
	switch {
	case rest == "":
	case json.Valid([]byte(rest)):
		s.Expect = compact([]byte(rest))
	case strings.ContainsAny(rest[:1], `{["`):
		var v any
		return fmt.Errorf("parse step: expectation is not JSON: %w", json.Unmarshal([]byte(rest), &v))
	default:
		s.ExpectText = rest
	}
	return nil
}

// ParseSteps reads a block of steps, one a line. A step may run over several lines: a line that
// does not begin with a method and a path continues the one before. Blank lines and lines that
// begin with # are left out. It returns the joined lines and the steps; a fault is a [LineError].
func ParseSteps(block string) (lines []string, steps []Step, err error) {
	var starts []int
	var parts [][]string // of the lines
	for i, line := range strings.Split(block, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case stepStart.MatchString(line):
			parts, starts = append(parts, []string{line}), append(starts, i+1)
		case len(parts) == 0:
			return nil, nil, &LineError{Line: i + 1, Err: errors.New("parse step: does not begin with a method and a path")}
		default:
			parts[len(parts)-1] = append(parts[len(parts)-1], line)
		}
	}
	for i, p := range parts {
		line := strings.Join(p, " ")
		s, err := ParseStep(line)
		if err != nil {
			return nil, nil, &LineError{Line: starts[i], Err: err}
		}
		lines, steps = append(lines, line), append(steps, s)
	}
	if len(steps) == 0 {
		return nil, nil, &LineError{Line: 1, Err: errors.New("parse steps: the block has none")}
	}
	return lines, steps, nil
}

// cutWord splits s at its first blank; both halves come trimmed.
func cutWord(s string) (word, rest string) {
	i := strings.IndexAny(s, " \t\r\n")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimSpace(s[i:])
}

// compact removes blanks between the tokens of valid JSON.
func compact(raw []byte) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return raw
	}
	return b.Bytes()
}
