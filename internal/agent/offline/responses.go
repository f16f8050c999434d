package offline

import (
	"encoding/json"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// responsesDialect is the Responses API, without any state: what is to be remembered comes with the
// request.
type responsesDialect struct{}

func (responsesDialect) billed(u usage) usage { return openBilled(u) }

func (responsesDialect) refuse(w http.ResponseWriter, id string, f *failure) { openRefuse(w, id, f) }

type (
	// responsesFields are the fields of a body that are read; all others have no effect.
	responsesFields struct {
		Model        string            `json:"model"`
		Instructions string            `json:"instructions"`
		Input        json.RawMessage   `json:"input"`
		MaxTokens    *int64            `json:"max_output_tokens"`
		Stream       bool              `json:"stream"`
		Previous     *string           `json:"previous_response_id"`
		Conversation json.RawMessage   `json:"conversation"`
		Background   bool              `json:"background"`
		Tools        []json.RawMessage `json:"tools"`
		Choice       json.RawMessage   `json:"tool_choice"`
		Reasoning    struct {
			Effort string `json:"effort"`
		} `json:"reasoning"`
		Text struct {
			Format struct {
				Type   string          `json:"type"`
				Schema json.RawMessage `json:"schema"`
			} `json:"format"`
		} `json:"text"`
	}
	responsesItem struct {
		Type      string          `json:"type"`
		Role      string          `json:"role"`
		Content   json.RawMessage `json:"content"`
		CallID    string          `json:"call_id"`
		Name      string          `json:"name"`
		Arguments string          `json:"arguments"`
		Output    json.RawMessage `json:"output"`
	}
)

func (responsesDialect) read(_ *http.Request, body []byte, models func(id string) bool) (question, *failure) {
	var c responsesFields
	if err := json.Unmarshal(body, &c); err != nil {
		return question{}, invalid("We could not parse the JSON body of your request: %v", err)
	}
	if c.Previous != nil || c.Background || len(c.Conversation) > 0 && string(c.Conversation) != "null" {
		return question{}, invalid("The offline model keeps nothing: previous_response_id, conversation and background cannot be used.")
	}
	o := &openRead{}
	o.stream, o.Effort = c.Stream, c.Reasoning.Effort
	for _, step := range []func() *failure{
		func() *failure { return o.known(c.Model, models) },
		func() *failure { return o.limit("max_output_tokens", c.MaxTokens) },
		func() *failure { return o.responsesTools(c.Tools) },
		func() *failure { return o.choice(c.Choice) },
		func() *failure { return o.responsesInput(c.Instructions, c.Input) },
		func() *failure { return o.format("text.format", c.Text.Format.Type, c.Text.Format.Schema) },
	} {
		if f := step(); f != nil {
			return question{}, f
		}
	}
	return o.finish(body)
}

// responsesTools takes functions; tools that the provider itself would run are counted and left alone.
func (o *openRead) responsesTools(tools []json.RawMessage) *failure {
	for i, raw := range tools {
		var t struct {
			Type        string          `json:"type"`
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Parameters  json.RawMessage `json:"parameters"`
		}
		if json.Unmarshal(raw, &t) != nil {
			return invalid("Invalid 'tools[%d]': expected an object.", i)
		}
		if f := o.segment(raw); f != nil {
			return f
		}
		if t.Type != "function" {
			continue
		}
		if f := o.tool(i, t.Name, t.Description, t.Parameters); f != nil {
			return f
		}
	}
	return nil
}

// responsesInput takes the instructions and the items: a text, or a list.
func (o *openRead) responsesInput(instructions string, input json.RawMessage) *failure {
	if instructions != "" {
		o.Request.System = append(o.Request.System, instructions)
		if f := o.segment(canonical(map[string]any{"instructions": instructions})); f != nil {
			return f
		}
	}
	var text string
	if json.Unmarshal(input, &text) == nil && text != "" {
		o.say(agent.User, text)
		return o.segment(canonical(map[string]any{"role": "user", "content": text}))
	}
	var items []json.RawMessage
	if json.Unmarshal(input, &items) != nil {
		return invalid("Invalid 'input': expected a string or an array of items.")
	}
	for i, raw := range items {
		if f := o.segment(raw); f != nil {
			return f
		}
		if f := o.responsesItem(i, raw); f != nil {
			return f
		}
	}
	return nil
}

func (o *openRead) responsesItem(i int, raw json.RawMessage) *failure {
	var item responsesItem
	if json.Unmarshal(raw, &item) != nil {
		return invalid("Invalid 'input[%d]': expected an item.", i)
	}
	content, ok := openText(item.Content)
	output, okToo := openText(item.Output)
	if !ok || !okToo {
		return invalid("Invalid 'input[%d]': expected a string or an array of parts.", i)
	}
	switch item.Type {
	case "", "message":
		switch item.Role {
		case "system", "developer":
			o.Request.System = append(o.Request.System, content)
		case "user":
			o.say(agent.User, content)
		case "assistant":
			o.say(agent.Assistant, content)
		default:
			return invalid("Invalid value: '%.40s'. Supported values are: 'assistant', 'system', 'developer', and 'user'.", item.Role)
		}
	case "function_call":
		return o.call("input.function_call", item.CallID, item.Name, item.Arguments)
	case "function_call_output":
		if item.CallID == "" {
			return invalid("Missing required parameter: 'input[%d].call_id'.", i)
		}
		o.result(item.CallID, output)
	case "item_reference":
		return invalid("The offline model keeps nothing: item_reference cannot be used.")
	}
	return nil // reasoning and others: rules have no use for them
}
