package offline

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// What OpenAI's two wires have in common.

// openRefuse writes f in the shape of OpenAI's API.
func openRefuse(w http.ResponseWriter, id string, f *failure) {
	type detail struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	d := detail{Message: f.message, Type: "invalid_request_error"}
	code := map[string]string{"not_found_error": "model_not_found", "authentication_error": "invalid_api_key", "request_too_large": "request_too_large"}[f.kind]
	if code != "" {
		d.Code = &code
	}
	w.Header().Set("X-Request-Id", id)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	// The reader may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(map[string]detail{"error": d})
}

// openBilled is a usage as OpenAI bills it: what is written to the cache counts as input.
func openBilled(u usage) usage {
	u.InputTokens += u.CacheWrite
	u.CacheWrite, u.CacheCreation.FiveMinutes, u.CacheCreation.OneHour = 0, 0, 0
	return u
}

// openRead is the part of reading that both wires share. Prefixes are cached without marks: every
// segment ends one.
type openRead struct{ question }

// limit takes the most output tokens; without one the model's own limit holds.
func (o *openRead) limit(name string, n *int64) *failure {
	switch {
	case n == nil:
		o.Request.MaxTokens = outputTokens
	case *n < 1:
		return invalid("Invalid '%s': integer below minimum value. Expected a value >= 1, but got %d instead.", name, *n)
	case *n > outputTokens:
		return invalid("%s is too large: %d. This model supports at most %d completion tokens.", name, *n, outputTokens)
	default:
		o.Request.MaxTokens = *n
	}
	return nil
}

// segment counts a part of the request.
func (o *openRead) segment(raw json.RawMessage) *failure {
	if f := o.addSegment(raw); f != nil {
		return f
	}
	o.segments[len(o.segments)-1].mark = "5m"
	return nil
}

// tool takes a tool.
func (o *openRead) tool(i int, name, description string, schema json.RawMessage) *failure {
	if !toolName().MatchString(name) {
		return invalid("Invalid 'tools[%d].name': string does not match pattern. Expected a string that matches the pattern '%s'.", i, toolName())
	}
	if len(schema) == 0 {
		schema = json.RawMessage(`{"type":"object"}`)
	}
	var kind struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(schema, &kind) != nil || kind.Type != "object" {
		return invalid("Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"'.", name)
	}
	o.Request.Tools = append(o.Request.Tools, agent.ToolDef{Name: name, Description: description, Schema: schema})
	return nil
}

// choice refuses to be forced to call a tool: rules cannot.
func (o *openRead) choice(raw json.RawMessage) *failure {
	switch string(raw) {
	case "", "null", `"auto"`:
	case `"none"`:
		o.Request.Tools = nil
	default:
		return invalid("Invalid 'tool_choice': the offline model cannot be forced to call a tool; use 'auto' or 'none'.")
	}
	return nil
}

// format takes the schema of a structured question.
func (o *openRead) format(name, kind string, schema json.RawMessage) *failure {
	switch {
	case kind == "" || kind == "text":
	case kind != "json_schema" || len(schema) == 0:
		return invalid("Invalid '%s': the offline model answers a json_schema with a schema only.", name)
	default:
		o.Schema = schema
	}
	return nil
}

// add puts blocks at the end of the conversation: those of one speaker in a row are one turn.
func (o *openRead) add(role agent.Role, blocks ...agent.Block) {
	ms := o.Request.Messages
	if n := len(ms); n > 0 && ms[n-1].Role == role {
		ms[n-1].Blocks = append(ms[n-1].Blocks, blocks...)
		return
	}
	o.Request.Messages = append(ms, agent.Message{Role: role, Blocks: blocks})
}

// result takes what a tool answered. These wires have no mark for an error; who makes requests for
// this model begins the text with one.
func (o *openRead) result(id, text string) {
	rest, failed := strings.CutPrefix(text, "Error: ")
	o.add(agent.User, agent.Block{Kind: agent.ResultBlock, ID: id, Text: rest, Error: failed})
}

// call takes a tool call of the model's own.
func (o *openRead) call(where, id, name, arguments string) *failure {
	var object map[string]json.RawMessage
	switch {
	case id == "" || name == "":
		return invalid("Missing required parameter: '%s'.", where)
	case json.Unmarshal([]byte(arguments), &object) != nil || object == nil:
		return invalid("Invalid '%s': the arguments of %.80s are no JSON object.", where, name)
	}
	o.add(agent.Assistant, agent.Block{Kind: agent.UseBlock, ID: id, Name: name, Input: json.RawMessage(arguments)})
	return nil
}

// say takes a text that has any.
func (o *openRead) say(role agent.Role, text string) {
	if text != "" {
		o.add(role, agent.Block{Kind: agent.TextBlock, Text: text})
	}
}

// finish checks the conversation as a whole.
func (o *openRead) finish(body []byte) (question, *failure) {
	if len(o.Request.Messages) == 0 {
		return question{}, invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.")
	}
	if f := o.checkTurns(); f != nil {
		return question{}, f
	}
	o.sign(body)
	return o.question, nil
}

// openText reads content: a text, or a list of parts that hold one.
func openText(raw json.RawMessage) (string, bool) {
	var text string
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &text) == nil {
		return text, true
	}
	var parts []struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return "", false
	}
	var texts []string
	for _, p := range parts {
		if t := p.Text + p.Refusal; t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, "\n"), true
}

// openCallID is a call's id as these wires write it.
func openCallID(b block) string { return "call_" + strings.TrimPrefix(b.ID, "toolu_") }
