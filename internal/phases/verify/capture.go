package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// captures are the values that answers gave to names, for one run of one gate.
type captures map[string]any

// reference is a name in text.
var reference = regexp.MustCompile(`\$\$|\$[A-Za-z_][A-Za-z0-9_]*`)

// captureName is the name that a whole string stands for, "" when it is text.
func captureName(text string) string {
	if m := reference.FindString(text); m == text && text != "$$" && text != "" {
		return text[1:]
	}
	return ""
}

// text puts captured values into text; an unknown name stays, "$$" is "$".
func (c captures) text(text string) string {
	return c.replace(text, func(s string) string { return s })
}

// replace puts captured values, each through escape, into text.
func (c captures) replace(text string, escape func(string) string) string {
	return reference.ReplaceAllStringFunc(text, func(ref string) string {
		if ref == "$$" {
			return "$"
		}
		if value, ok := c[ref[1:]]; ok {
			return escape(plainText(value))
		}
		return ref
	})
}

// path puts captured values into a request's path and query, escaped for where they stand.
func (c captures) path(path string) string {
	path, query, asked := strings.Cut(path, "?")
	path = c.replace(path, url.PathEscape)
	if asked {
		path += "?" + c.replace(query, url.QueryEscape)
	}
	return path
}

// plainText is a value as it stands in a path: strings without quotes.
func plainText(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	return show(value)
}

// body puts captured values into a request's body: a whole string becomes the value, with its type.
// A body that is not JSON is text.
func (c captures) body(raw json.RawMessage) ([]byte, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	value, err := decode(raw)
	if err != nil {
		return []byte(c.text(string(raw))), nil
	}
	if !reference.Match(raw) {
		return raw, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c.fill(value)); err != nil {
		return nil, fmt.Errorf("write body: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// fill replaces the names in a JSON value.
func (c captures) fill(value any) any {
	switch value := value.(type) {
	case string:
		if known, ok := c[captureName(value)]; ok {
			return known
		}
		return c.text(value)
	case []any:
		filled := make([]any, len(value))
		for i := range value {
			filled[i] = c.fill(value[i])
		}
		return filled
	case map[string]any:
		filled := make(map[string]any, len(value))
		for key := range value {
			filled[key] = c.fill(value[key])
		}
		return filled
	default:
		return value
	}
}

// unknown is the first name in a step's path or headers that nothing was captured for: the step
// cannot be sent as it is meant.
func (c captures) unknown(s planner.Step) string {
	texts := []string{s.Path}
	for _, value := range s.Header {
		texts = append(texts, value)
	}
	for _, text := range texts {
		for _, ref := range reference.FindAllString(text, -1) {
			if _, ok := c[ref[1:]]; !ok && ref != "$$" {
				return ref
			}
		}
	}
	return ""
}
