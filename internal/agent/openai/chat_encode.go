package openai

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// chatWire is Chat Completions.
type chatWire struct{}

func (chatWire) path() string { return "/chat/completions" }

type (
	chatRequest struct {
		Model         string        `json:"model"`
		Messages      []chatMessage `json:"messages"`
		Tools         []chatTool    `json:"tools,omitempty"`
		Limit         int64         `json:"max_tokens,omitempty"`
		Completion    int64         `json:"max_completion_tokens,omitempty"`
		Effort        string        `json:"reasoning_effort,omitempty"`
		Format        *chatFormat   `json:"response_format,omitempty"`
		Stream        bool          `json:"stream"`
		StreamOptions *chatOptions  `json:"stream_options"` // null says that no usage is wanted; the meter asks for it where nothing is said
	}
	chatOptions struct {
		Usage bool `json:"include_usage"`
	}
	chatFormat struct {
		Type   string     `json:"type"`
		Schema chatSchema `json:"json_schema"`
	}
	chatSchema struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict bool            `json:"strict"`
	}
	chatTool struct {
		Type     string       `json:"type"`
		Function chatFunction `json:"function"`
	}
	chatFunction struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters"`
	}
	chatMessage struct {
		Role    string            `json:"role"`
		Content string            `json:"content"`
		Calls   []json.RawMessage `json:"tool_calls,omitempty"`
		CallID  string            `json:"tool_call_id,omitempty"`
		thought
	}
	chatUse struct {
		ID       string      `json:"id"`
		Type     string      `json:"type"`
		Function chatUseWhat `json:"function"`
	}
	chatUseWhat struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
)

// encode makes the body of a request.
func (chatWire) encode(req agent.Request, t traits) ([]byte, error) {
	r := chatRequest{Model: req.Model, Effort: req.Effort, Stream: true}
	if t.completion {
		r.Completion = req.MaxTokens
	} else {
		r.Limit = req.MaxTokens
	}
	if !t.noUsage {
		r.StreamOptions = &chatOptions{Usage: true}
	}
	if len(req.Schema) > 0 && !t.noFormat {
		r.Format = &chatFormat{"json_schema", chatSchema{formatName, req.Schema, strictly(req.Schema)}}
	}
	for _, def := range req.Tools {
		if !json.Valid(def.Schema) {
			return nil, fmt.Errorf("encode tool %s: its schema is no JSON", def.Name)
		}
		r.Tools = append(r.Tools, chatTool{"function", chatFunction{def.Name, def.Description, def.Schema}})
	}
	if text := system(req, !t.own || t.noFormat); text != "" {
		r.Messages = append(r.Messages, chatMessage{Role: "system", Content: text})
	}
	for _, m := range req.Messages {
		messages, err := chatMessages(m)
		if err != nil {
			return nil, err
		}
		r.Messages = append(r.Messages, messages...)
	}
	return marshal(r)
}

// chatMessages makes the messages of one turn: an answer is one, a user's turn one for every tool
// result, or one for its words. Words beside results go with the last of them, as many servers'
// templates know no user that speaks after tools.
func chatMessages(m agent.Message) ([]chatMessage, error) {
	if m.Role == agent.Assistant {
		said, err := chatAnswered(m)
		return []chatMessage{said}, err
	}
	var out []chatMessage
	for _, b := range m.Blocks {
		if b.Kind == agent.ResultBlock {
			out = append(out, chatMessage{Role: "tool", CallID: b.ID, Content: wireResult(b)})
		}
	}
	switch words := texts(m); {
	case len(out) == 0:
		out = append(out, chatMessage{Role: "user", Content: orNothing(words)})
	case words != "":
		out[len(out)-1].Content += "\n\n" + words
	}
	return out, nil
}

// chatAnswered is an answer as it goes back.
func chatAnswered(m agent.Message) (chatMessage, error) {
	out := chatMessage{Role: "assistant", Content: texts(m)}
	for _, b := range m.Blocks {
		switch b.Kind {
		case agent.ThinkingBlock:
			var t thought
			if json.Unmarshal(b.Opaque, &t) == nil && !t.empty() {
				out.thought = t
			}
		case agent.UseBlock:
			call, err := marshal(chatUse{b.ID, "function", chatUseWhat{wireName(b.Name), wireInput(b.Input)}})
			if err != nil {
				return out, fmt.Errorf("encode call of %s: %w", b.Name, err)
			}
			out.Calls = append(out.Calls, withMembers(call, b.Opaque))
		}
	}
	if len(out.Calls) == 0 {
		out.Content = orNothing(out.Content)
	}
	return out, nil
}

// texts are the words of a message, one line for each text that has any.
func texts(m agent.Message) string {
	var all []string
	for _, b := range m.Blocks {
		if b.Kind == agent.TextBlock && strings.TrimSpace(b.Text) != "" {
			all = append(all, b.Text)
		}
	}
	return strings.Join(all, "\n")
}

func orNothing(text string) string {
	if text == "" {
		return nothing
	}
	return text
}

// withMembers adds the members of one JSON object to another; what is no object with members adds
// nothing.
func withMembers(object, more json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(more, &members) != nil || len(members) == 0 {
		return object
	}
	return append(append(object[:len(object)-1:len(object)-1], ','), more[1:]...)
}
