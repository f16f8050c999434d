package offline

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"sync"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// mostMarks is how many cache marks a request may hold.
const mostMarks = 4

var toolName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`) })

// readTools reads the tools; those that the provider itself would run are counted and left alone.
func (r *reader) readTools() *failure {
	names := map[string]bool{}
	for i, raw := range r.fields.Tools {
		var t struct {
			Type        string          `json:"type"`
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Schema      json.RawMessage `json:"input_schema"`
		}
		if json.Unmarshal(raw, &t) != nil {
			return invalid("tools.%d: Input should be a valid object", i)
		}
		if f := r.addSegment(raw); f != nil {
			return f.at("tools.%d", i)
		}
		if !toolName().MatchString(t.Name) {
			return invalid("tools.%d.name: String should match pattern '%s'", i, toolName())
		}
		if names[t.Name] {
			return invalid("tools: Tool names must be unique.")
		}
		names[t.Name] = true
		if t.Type != "" && t.Type != "custom" {
			continue
		}
		var schema struct {
			Type string `json:"type"`
		}
		if len(t.Schema) == 0 {
			return invalid("tools.%d.input_schema: Field required", i)
		}
		if json.Unmarshal(t.Schema, &schema) != nil || schema.Type != "object" {
			return invalid("tools.%d.input_schema.type: Input should be 'object'", i)
		}
		r.Request.Tools = append(r.Request.Tools, agent.ToolDef{Name: t.Name, Description: t.Description, Schema: t.Schema})
	}
	return r.readChoice()
}

// readChoice refuses to be forced to call a tool: rules cannot.
func (r *reader) readChoice() *failure {
	if len(r.ToolChoice) == 0 {
		return nil
	}
	var choice struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(r.ToolChoice, &choice) != nil {
		return invalid("tool_choice: Input should be a valid object")
	}
	switch choice.Type {
	case "auto":
		return nil
	case "none":
		r.Request.Tools = nil
		return nil
	case "any", "tool":
		return invalid("tool_choice.type: the offline model cannot be forced to call a tool; use 'auto' or 'none'")
	default:
		return invalid("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
	}
}

// readSystem reads the system text, a string or a list of text blocks.
func (r *reader) readSystem() *failure {
	blocks, f := blockList(r.fields.System, "system", true)
	if f != nil {
		return f
	}
	for i, raw := range blocks {
		var b struct {
			Type string  `json:"type"`
			Text *string `json:"text"`
		}
		if json.Unmarshal(raw, &b) != nil || b.Type != "text" || b.Text == nil {
			return invalid("system.%d: Input should be a text block", i)
		}
		if f := r.addSegment(raw); f != nil {
			return f.at("system.%d", i)
		}
		r.Request.System = append(r.Request.System, *b.Text)
	}
	return nil
}

// checkMarks counts the cache marks.
func (r *reader) checkMarks() *failure {
	n := 0
	for _, s := range r.segments {
		if s.mark != "" {
			n++
		}
	}
	if n > mostMarks {
		return invalid("A maximum of %d blocks with cache_control may be provided. Found %d.", mostMarks, n)
	}
	return nil
}

// addSegment notes a block and its cache mark.
func (q *question) addSegment(raw json.RawMessage) *failure {
	var block map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&block) != nil {
		return invalid("Input should be a valid object")
	}
	s := segment{}
	if mark, ok := block["cache_control"]; ok && mark != nil {
		m, _ := mark.(map[string]any)
		ttl, given := m["ttl"]
		switch {
		case m["type"] != "ephemeral":
			return invalid("cache_control.type: Input should be 'ephemeral'")
		case !given || ttl == nil || ttl == "5m":
			s.mark = "5m"
		case ttl == "1h":
			s.mark = "1h"
		default:
			return invalid("cache_control.ttl: Input should be '5m' or '1h'")
		}
	}
	delete(block, "cache_control")
	s.canonical = canonical(block)
	q.segments = append(q.segments, s)
	return nil
}

// canonical is v as compact JSON with sorted keys; v came from JSON, so it can be written as such.
func canonical(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return nil
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// blockList splits a string or a list of blocks into blocks; a string is one text block.
func blockList(raw json.RawMessage, where string, optional bool) ([]json.RawMessage, *failure) {
	if len(raw) == 0 || string(raw) == "null" {
		if optional {
			return nil, nil
		}
		return nil, invalid("%s: Field required", where)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == "" && optional {
			return nil, nil
		}
		return []json.RawMessage{canonical(map[string]any{"type": "text", "text": text})}, nil
	}
	var blocks []json.RawMessage
	if json.Unmarshal(raw, &blocks) != nil {
		return nil, invalid("%s: Input should be a valid string or a valid list of blocks", where)
	}
	return slices.Clip(blocks), nil
}
