package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

type (
	// chatChunk is a chunk of a stream, or a whole answer; error is set in neither when all is well.
	chatChunk struct {
		ID      string          `json:"id"`
		Object  string          `json:"object"`
		Model   string          `json:"model"`
		Choices []chatChoice    `json:"choices"`
		Usage   json.RawMessage `json:"usage"`
		Error   json.RawMessage `json:"error"`
	}
	chatChoice struct {
		Index   int        `json:"index"`
		Delta   *chatDelta `json:"delta"`
		Message *chatDelta `json:"message"`
		Finish  string     `json:"finish_reason"`
	}
	chatDelta struct {
		Content json.RawMessage `json:"content"` // text; with some servers a list of parts
		Refusal string          `json:"refusal"`
		Calls   []chatCallDelta `json:"tool_calls"`
		thought
	}
)

// chatAnswer gathers the chunks of one answer of Chat Completions.
type chatAnswer struct {
	id, model string
	text      strings.Builder
	refusal   strings.Builder
	thinking  thinking
	calls     chatCalls
	finish    string
	usage     json.RawMessage
}

func (chatWire) stream() gatherer { return &chatAnswer{} }

// take adds a chunk; the last one is [DONE].
func (a *chatAnswer) take(e event) (bool, error) {
	data := bytes.TrimSpace(e.data)
	if string(data) == "[DONE]" {
		return true, nil
	}
	var c chatChunk
	err := json.Unmarshal(data, &c)
	switch {
	case e.name == "error", err == nil && failedChunk(c):
		return false, &refusedError{data}
	case err != nil && e.name != "":
		return false, nil // an event of another kind
	case err != nil:
		return false, protocol("a chunk cannot be read: %v", err)
	}
	if c.ID != "" {
		a.id = c.ID
	}
	if c.Model != "" {
		a.model = c.Model
	}
	if len(c.Usage) > 0 && string(c.Usage) != "null" {
		a.usage = c.Usage // of each chunk that has one the last counts: they add up already
	}
	for _, choice := range c.Choices {
		if choice.Index != 0 {
			continue // one answer was asked for
		}
		if choice.Finish != "" {
			a.finish = choice.Finish
		}
		if choice.Delta != nil {
			a.add(*choice.Delta)
		}
	}
	return false, nil
}

// failedChunk knows the shapes of an error where a chunk was expected.
func failedChunk(c chatChunk) bool {
	return len(c.Error) > 0 && string(c.Error) != "null" || c.Object == "error"
}

func (a *chatAnswer) add(d chatDelta) {
	a.text.WriteString(content(d.Content))
	a.refusal.WriteString(d.Refusal)
	a.thinking.add(d.thought)
	for _, call := range d.Calls {
		a.calls.add(call)
	}
}

// content is a text, or the texts of a list of parts.
func content(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	for _, p := range parts {
		if p.Type == "text" {
			text += p.Text
		}
	}
	return text
}

// whole reads an answer that was not streamed.
func (chatWire) whole(body []byte) (agent.Response, error) {
	var c chatChunk
	if err := json.Unmarshal(body, &c); err != nil {
		return agent.Response{}, incomplete("the answer cannot be read: %v", err)
	}
	if failedChunk(c) {
		return agent.Response{}, &refusedError{body}
	}
	if len(c.Choices) == 0 || c.Choices[0].Message == nil {
		return agent.Response{}, incomplete("the answer has no message")
	}
	a := chatAnswer{id: c.ID, model: c.Model, finish: c.Choices[0].Finish, usage: c.Usage}
	a.add(*c.Choices[0].Message)
	return a.response()
}

// response is the answer as neutral words; an error when it has no finish reason.
func (a *chatAnswer) response() (agent.Response, error) {
	if a.finish == "" {
		return agent.Response{}, incomplete("the answer has no finish reason")
	}
	out := agent.Response{ID: a.id, Model: a.model, Usage: usage(a.usage), Message: agent.Message{Role: agent.Assistant}}
	say := func(b agent.Block) { out.Message.Blocks = append(out.Message.Blocks, b) }
	t, err := a.thinking.thought()
	if err != nil {
		return out, err
	}
	if !t.empty() {
		opaque, err := marshal(t)
		if err != nil {
			return out, fmt.Errorf("encode thought: %w", err)
		}
		say(agent.Block{Kind: agent.ThinkingBlock, Text: t.text(), Opaque: opaque})
	}
	if text := a.text.String() + a.refusal.String(); text != "" {
		say(agent.Block{Kind: agent.TextBlock, Text: text})
	}
	calls, err := a.calls.blocks()
	if err != nil {
		return out, err
	}
	out.Message.Blocks = append(out.Message.Blocks, calls...)
	out.Stop = a.stop(len(calls))
	return out, nameCalls(a.id, out.Message.Blocks)
}

// stop translates the finish reason. Servers say "stop" beside tool calls; a reason that is not known
// stays as it is, and whoever acts on it takes the last call for cut.
func (a *chatAnswer) stop(calls int) agent.StopReason {
	if a.refusal.Len() > 0 {
		return agent.StopRefusal
	}
	switch reason := strings.ToLower(a.finish); reason {
	case "stop", "eos", "end_turn", "tool_calls", "function_call", "tool_use":
		if calls > 0 {
			return agent.StopTools
		}
		return agent.StopEnd
	case "length", "max_tokens":
		return agent.StopLength
	case "content_filter", "safety", "refusal":
		return agent.StopRefusal
	default:
		return agent.StopReason(reason)
	}
}
