package openai

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// formatName is what a schema is called on the wire.
const formatName = "answer"

// wanted words a schema, for servers that take none: they get it as part of the system text. Servers
// that constrain what is sampled often do not show the schema to the model, so all but OpenAI's own
// get the words, too.
func wanted(schema json.RawMessage) string {
	var short bytes.Buffer
	if json.Compact(&short, schema) != nil {
		short.Reset()
		short.Write(schema)
	}
	return "Answer with one JSON value that fits this JSON schema, and with nothing else, no code fence and no words around it:\n" + short.String()
}

// strictly says whether schema is of the kind that can be enforced to the letter: every object lists
// all its properties as required and allows no others, and only keywords are used that OpenAI takes.
func strictly(schema json.RawMessage) bool {
	var s map[string]json.RawMessage
	if json.Unmarshal(schema, &s) != nil {
		return false
	}
	for key, raw := range s {
		switch key {
		case "type", "title", "description", "enum", "const", "required", "additionalProperties":
		case "properties", "$defs":
			var each map[string]json.RawMessage
			if json.Unmarshal(raw, &each) != nil {
				return false
			}
			for _, sub := range each {
				if !strictly(sub) {
					return false
				}
			}
		case "items":
			if !strictly(raw) {
				return false
			}
		case "anyOf":
			var each []json.RawMessage
			if json.Unmarshal(raw, &each) != nil || slices.ContainsFunc(each, func(r json.RawMessage) bool { return !strictly(r) }) {
				return false
			}
		default:
			return false
		}
	}
	return !objects(s) || closed(s)
}

// objects says whether the schema is one of objects.
func objects(s map[string]json.RawMessage) bool {
	return s["properties"] != nil || strings.Contains(string(s["type"]), `"object"`)
}

// closed says whether an object's schema requires all that it allows.
func closed(s map[string]json.RawMessage) bool {
	var properties map[string]json.RawMessage
	var required []string
	if string(s["additionalProperties"]) != "false" || json.Unmarshal(s["properties"], &properties) != nil {
		return false
	}
	if len(properties) > 0 && json.Unmarshal(s["required"], &required) != nil {
		return false
	}
	for name := range properties {
		if !slices.Contains(required, name) {
			return false
		}
	}
	return true
}

// unwrap takes the JSON value that was asked for out of what a model says around it: a code fence, an
// introduction. A message whose words are JSON, or hold none, stays as it is.
func unwrap(m *agent.Message) {
	words := m.Words()
	if words == "" || json.Valid([]byte(words)) {
		return
	}
	value, ok := inside(words)
	if !ok {
		return
	}
	kept := m.Blocks[:0:0]
	for _, b := range m.Blocks {
		if b.Kind != agent.TextBlock {
			kept = append(kept, b)
		}
	}
	m.Blocks = append(kept, agent.Block{Kind: agent.TextBlock, Text: value})
}

// inside finds the JSON object or list in a text: from the first opening bracket to the last closing
// one.
func inside(text string) (string, bool) {
	for _, pair := range []string{"{}", "[]"} {
		from, to := strings.IndexByte(text, pair[0]), strings.LastIndexByte(text, pair[1])
		if from >= 0 && to > from && json.Valid([]byte(text[from:to+1])) {
			return text[from : to+1], true
		}
	}
	return "", false
}
