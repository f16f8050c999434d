package offline

import (
	"encoding/json"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// chatDialect is Chat Completions.
type chatDialect struct{}

func (chatDialect) billed(u usage) usage { return openBilled(u) }

func (chatDialect) refuse(w http.ResponseWriter, id string, f *failure) { openRefuse(w, id, f) }

type (
	// chatFields are the fields of a body that are read; all others have no effect.
	chatFields struct {
		Model      string            `json:"model"`
		Messages   []json.RawMessage `json:"messages"`
		MaxTokens  *int64            `json:"max_tokens"`
		Completion *int64            `json:"max_completion_tokens"`
		N          *int64            `json:"n"`
		Stream     bool              `json:"stream"`
		Options    struct {
			Usage bool `json:"include_usage"`
		} `json:"stream_options"`
		Tools  []json.RawMessage `json:"tools"`
		Choice json.RawMessage   `json:"tool_choice"`
		Effort string            `json:"reasoning_effort"`
		Format struct {
			Type   string `json:"type"`
			Schema struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	chatSaid struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
		Calls   []chatCalled    `json:"tool_calls"`
		CallID  string          `json:"tool_call_id"`
	}
	chatCalled struct {
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	}
)

func (chatDialect) read(_ *http.Request, body []byte, models func(id string) bool) (question, *failure) {
	var c chatFields
	if err := json.Unmarshal(body, &c); err != nil {
		return question{}, invalid("We could not parse the JSON body of your request: %v", err)
	}
	o := &openRead{}
	o.stream, o.tally, o.Effort = c.Stream, c.Options.Usage, c.Effort
	most := c.Completion
	if most == nil {
		most = c.MaxTokens
	}
	if c.N != nil && *c.N != 1 {
		return question{}, invalid("Invalid 'n': the offline model gives one answer.")
	}
	for _, step := range []func() *failure{
		func() *failure { return o.known(c.Model, models) },
		func() *failure { return o.limit("max_tokens", most) },
		func() *failure { return o.chatTools(c.Tools) },
		func() *failure { return o.choice(c.Choice) },
		func() *failure { return o.chatMessages(c.Messages) },
		func() *failure { return o.format("response_format", c.Format.Type, c.Format.Schema.Schema) },
	} {
		if f := step(); f != nil {
			return question{}, f
		}
	}
	return o.finish(body)
}

func (o *openRead) chatTools(tools []json.RawMessage) *failure {
	for i, raw := range tools {
		var t struct {
			Function struct {
				Name        string          `json:"name"`
				Description string          `json:"description"`
				Parameters  json.RawMessage `json:"parameters"`
			} `json:"function"`
		}
		if json.Unmarshal(raw, &t) != nil {
			return invalid("Invalid 'tools[%d]': expected an object.", i)
		}
		if f := o.segment(raw); f != nil {
			return f
		}
		if f := o.tool(i, t.Function.Name, t.Function.Description, t.Function.Parameters); f != nil {
			return f
		}
	}
	return nil
}

func (o *openRead) chatMessages(messages []json.RawMessage) *failure {
	for i, raw := range messages {
		var m chatSaid
		if json.Unmarshal(raw, &m) != nil {
			return invalid("Invalid 'messages[%d]': expected an object.", i)
		}
		text, ok := openText(m.Content)
		if !ok {
			return invalid("Invalid 'messages[%d].content': expected a string or an array of parts.", i)
		}
		if f := o.segment(raw); f != nil {
			return f
		}
		switch m.Role {
		case "system", "developer":
			o.Request.System = append(o.Request.System, text)
		case "user":
			o.say(agent.User, text)
		case "tool":
			if m.CallID == "" {
				return invalid("Missing required parameter: 'messages[%d].tool_call_id'.", i)
			}
			o.result(m.CallID, text)
		case "assistant":
			o.say(agent.Assistant, text)
			for _, c := range m.Calls {
				if f := o.call("messages.tool_calls", c.ID, c.Function.Name, c.Function.Arguments); f != nil {
					return f
				}
			}
		default:
			return invalid("Invalid value: '%.40s'. Supported values are: 'system', 'assistant', 'user', 'tool', and 'developer'.", m.Role)
		}
	}
	return nil
}
