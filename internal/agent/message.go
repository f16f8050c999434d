package agent

import "encoding/json"

// Role says who speaks a message.
type Role string

// The two roles of a conversation; instructions travel in [Request.System].
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// BlockKind says what a block holds.
type BlockKind string

// The kinds of blocks that every provider adapter MUST carry both ways.
const (
	TextBlock     BlockKind = "text"
	ThinkingBlock BlockKind = "thinking"
	UseBlock      BlockKind = "tool_use"
	ResultBlock   BlockKind = "tool_result"
)

// Block is one piece of a message. Which fields count depends on Kind:
//   - TextBlock: Text; Opaque, where there is any, is what the provider wants back with it
//   - ThinkingBlock: Text for people, Opaque is the provider's block and goes back verbatim
//   - UseBlock: ID, Name, Input (valid JSON: the object as the model wrote it, or, when what it wrote
//     cannot be parsed, a JSON string that holds it); Opaque as for TextBlock
//   - ResultBlock: ID of the call it answers, Text, Error
type Block struct {
	Kind   BlockKind       `json:"kind"`
	Text   string          `json:"text,omitempty"`
	ID     string          `json:"id,omitempty"`
	Name   string          `json:"name,omitempty"`
	Input  json.RawMessage `json:"input,omitempty"`
	Error  bool            `json:"error,omitempty"`
	Opaque json.RawMessage `json:"opaque,omitempty"`
}

// Message is one turn of one speaker.
type Message struct {
	Role   Role    `json:"role"`
	Blocks []Block `json:"blocks"`
}

// Calls lists the tool calls of m in the order the model wrote them.
func (m Message) Calls() []ToolCall {
	var calls []ToolCall
	for _, b := range m.Blocks {
		if b.Kind == UseBlock {
			calls = append(calls, ToolCall{ID: b.ID, Name: b.Name, Input: b.Input})
		}
	}
	return calls
}

// Words joins the text blocks of m, without thinking and tool calls.
func (m Message) Words() string {
	var s string
	for _, b := range m.Blocks {
		if b.Kind == TextBlock {
			s += b.Text
		}
	}
	return s
}

// Say makes a message of one text block.
func Say(r Role, text string) Message {
	return Message{Role: r, Blocks: []Block{{Kind: TextBlock, Text: text}}}
}
