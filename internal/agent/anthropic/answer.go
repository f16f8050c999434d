package anthropic

import (
	"encoding/json"
	"fmt"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// answer gathers the events of one stream.
type answer struct {
	message sdk.Message
	inputs  []string // what was streamed of each block's tool input, by index
	open    int      // blocks begun and not ended
	stopped bool     // message_stop has come
}

// take adds an event. Events that are not known are left out, as the API asks.
func (a *answer) take(e sdk.MessageStreamEventUnion) error {
	if e.Type != "message_start" && a.message.ID == "" && known(e.Type) {
		return protocol("the stream does not begin with message_start")
	}
	if err := a.message.Accumulate(e); err != nil {
		return protocol("the stream is out of order: %v", err)
	}
	switch e.Type {
	case "message_start":
		a.inputs, a.open = make([]string, len(a.message.Content)), 0
	case "content_block_start":
		a.inputs = append(a.inputs, "")
		a.open++
	case "content_block_delta":
		a.inputs[e.Index] += e.Delta.PartialJSON
	case "content_block_stop":
		a.open--
	case "message_stop":
		a.stopped = true
	}
	return nil
}

func known(event string) bool {
	switch event {
	case "message_delta", "message_stop", "content_block_start", "content_block_delta", "content_block_stop":
		return true
	}
	return false
}

// response is the answer as neutral words; an error when it is not complete.
func (a *answer) response() (agent.Response, error) {
	m := a.message
	switch {
	case !a.stopped || m.StopReason == "":
		return agent.Response{}, ended("the answer has no stop reason")
	case a.open > 0:
		return agent.Response{}, ended("the answer ended inside a block")
	}
	out := agent.Response{ID: m.ID, Model: m.Model, Stop: agent.StopReason(m.StopReason), Usage: usage(m.Usage)}
	out.Message.Role = agent.Assistant
	ids := map[string]bool{}
	for i, block := range m.Content {
		b, ok := a.block(i, block)
		if !ok {
			continue
		}
		if b.Kind == agent.UseBlock {
			if b.ID == "" || b.Name == "" || ids[b.ID] {
				return agent.Response{}, ended("a tool call without name or id, or with the id of another: %q %q", b.Name, b.ID)
			}
			ids[b.ID] = true
		}
		out.Message.Blocks = append(out.Message.Blocks, b)
	}
	return out, nil
}

// block makes a neutral block. Kinds of the provider's own, known or not, go back verbatim as
// thinking does.
func (a *answer) block(i int, block sdk.ContentBlockUnion) (b agent.Block, ok bool) {
	switch block.Type {
	case "text":
		return agent.Block{Kind: agent.TextBlock, Text: block.Text}, block.Text != ""
	case "tool_use":
		input := string(block.Input)
		if i < len(a.inputs) && a.inputs[i] != "" {
			input = a.inputs[i]
		}
		return agent.Block{Kind: agent.UseBlock, ID: block.ID, Name: block.Name, Input: inputJSON(input)}, true
	default:
		raw := json.RawMessage(block.RawJSON())
		return agent.Block{Kind: agent.ThinkingBlock, Text: block.Thinking, Opaque: raw}, json.Valid(raw)
	}
}

// inputJSON is a tool's input as the model wrote it; what is no JSON becomes a JSON string.
func inputJSON(input string) json.RawMessage {
	switch {
	case input == "":
		return json.RawMessage(`{}`)
	case json.Valid([]byte(input)):
		return json.RawMessage(input)
	}
	quoted, err := json.Marshal(input)
	if err != nil {
		panic(fmt.Sprintf("quote tool input: %v", err)) // strings always encode
	}
	return quoted
}

// usage counts by class. Cache writes without a breakdown are of the five-minute kind.
func usage(u sdk.Usage) agent.Usage {
	hour := u.CacheCreation.Ephemeral1hInputTokens
	return agent.Usage{
		Input: u.InputTokens, CacheWrite1h: hour, CacheWrite5m: max(u.CacheCreationInputTokens-hour, u.CacheCreation.Ephemeral5mInputTokens),
		CacheRead: u.CacheReadInputTokens, Output: u.OutputTokens,
	}
}
