package claudecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// Assistant is one block of an answer of the model. All blocks of one answer come in lines of their own with the same
// Message.ID, each with the usage of the answer's beginning: do not add them up, [Result] has the sums.
type Assistant struct {
	Header
	Message         AnswerPart `json:"message"`
	ParentToolUseID string     `json:"parent_tool_use_id"` // of the call that started the subagent that speaks
	RequestID       string     `json:"request_id"`
	// Error is set on text that the CLI made up because a call failed: "rate_limit", "authentication_failed", ...
	Error           string `json:"error"`
	SubagentType    string `json:"subagent_type"`
	TaskDescription string `json:"task_description"`
}

// Synthetic says whether the CLI made the text up.
func (a *Assistant) Synthetic() bool { return a.Message.Model == "<synthetic>" }

// AnswerPart is the message inside an [Assistant].
type AnswerPart struct {
	ID         string  `json:"id"`
	Role       string  `json:"role"`
	Model      string  `json:"model"`
	Content    []Block `json:"content"`
	StopReason string  `json:"stop_reason"`
	Usage      Usage   `json:"usage"`
}

// Text is all text of the part.
func (p AnswerPart) Text() string { return textOf(p.Content) }

// User is what the model is told: results of tools, what the CLI adds, and what was sent, where it is replayed.
type User struct {
	Header
	Message         UserPart        `json:"message"`
	ParentToolUseID string          `json:"parent_tool_use_id"`
	Timestamp       string          `json:"timestamp"`
	ToolUseResult   json.RawMessage `json:"tool_use_result"` // what the tool returned, in a shape of its own
	Synthetic       bool            `json:"isSynthetic"`     // the CLI's own words
	Replay          bool            `json:"isReplay"`        // an echo
	Origin          *Origin         `json:"origin"`
	SubagentType    string          `json:"subagent_type"`
	TaskDescription string          `json:"task_description"`
}

// UserPart is the message inside a [User]. Content that comes as a string is one text block.
type UserPart struct {
	Role    string  `json:"role"`
	Content []Block `json:"content"`
}

// UnmarshalJSON also takes content that is a string.
func (p *UserPart) UnmarshalJSON(raw []byte) error {
	var m struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	p.Role, p.Content = m.Role, nil
	var text string
	if json.Unmarshal(m.Content, &text) == nil {
		p.Content = []Block{TextBlock(text)}
		return nil
	}
	if len(m.Content) == 0 {
		return nil
	}
	return json.Unmarshal(m.Content, &p.Content)
}

// Text is all text of the part.
func (p UserPart) Text() string { return textOf(p.Content) }

func textOf(blocks []Block) string {
	var b strings.Builder
	for _, block := range blocks {
		if block.Type == BlockText {
			b.WriteString(block.Text)
		}
	}
	return b.String()
}

// The types of blocks that have fields of their own in [Block]. There are others.
const (
	BlockText             = "text"
	BlockThinking         = "thinking"
	BlockRedactedThinking = "redacted_thinking"
	BlockToolUse          = "tool_use"
	BlockToolResult       = "tool_result"
	BlockServerToolUse    = "server_tool_use"
	BlockImage            = "image"
)

// Block is a part of what is said. Which fields are set follows from Type; Raw has all of them. A block that is sent is
// written from its fields, or as Raw where that is set.
type Block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	Thinking  string          `json:"thinking,omitempty"`
	Signature string          `json:"signature,omitempty"`
	ID        string          `json:"id,omitempty"`          // of a tool_use
	Name      string          `json:"name,omitempty"`        // of its tool
	Input     json.RawMessage `json:"input,omitempty"`       // of a tool_use
	ToolUseID string          `json:"tool_use_id,omitempty"` // of the call that a result belongs to
	Content   json.RawMessage `json:"content,omitempty"`     // of a result: a string or blocks
	IsError   bool            `json:"is_error,omitempty"`
	Source    json.RawMessage `json:"source,omitempty"` // of an image or document
	Raw       json.RawMessage `json:"-"`
}

// TextBlock is a block of text.
func TextBlock(text string) Block { return Block{Type: BlockText, Text: text} }

// UnmarshalJSON keeps the raw form.
func (b *Block) UnmarshalJSON(raw []byte) error {
	type plain Block
	var p plain
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	if p.Type == "" {
		return errors.New("block has no type")
	}
	*b = Block(p)
	b.Raw = bytes.Clone(raw)
	return nil
}

// MarshalJSON writes the raw form where there is one.
func (b Block) MarshalJSON() ([]byte, error) {
	if b.Raw != nil {
		return b.Raw, nil
	}
	type plain Block
	return json.Marshal(plain(b))
}

// ResultText is the text of a tool_result, whether it is a string or blocks.
func (b Block) ResultText() string {
	var text string
	if json.Unmarshal(b.Content, &text) == nil {
		return text
	}
	var blocks []Block
	if json.Unmarshal(b.Content, &blocks) != nil {
		return ""
	}
	return textOf(blocks)
}

// Origin says who caused a turn where it was not the one who sends: "task-notification", "peer", ...
type Origin struct {
	Kind string `json:"kind"`
	Raw  json.RawMessage
}

// UnmarshalJSON takes what it can: an origin never spoils a message.
func (o *Origin) UnmarshalJSON(raw []byte) error {
	var m struct {
		Kind string `json:"kind"`
	}
	if json.Unmarshal(raw, &m) == nil {
		o.Kind = m.Kind
	}
	o.Raw = bytes.Clone(raw)
	return nil
}

// StreamEvent is a raw event of the API's stream, of the main conversation only; see [Options.PartialMessages].
type StreamEvent struct {
	Header
	Event           json.RawMessage `json:"event"`
	ParentToolUseID string          `json:"parent_tool_use_id"`
	TTFTMillis      float64         `json:"ttft_ms"` // time to the first token, on the first event
}

// TextDelta is the text that an event adds; "" for all other events.
func (e *StreamEvent) TextDelta() string {
	var m struct {
		Type  string `json:"type"`
		Delta struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"delta"`
	}
	if json.Unmarshal(e.Event, &m) != nil || m.Type != "content_block_delta" || m.Delta.Type != "text_delta" {
		return ""
	}
	return m.Delta.Text
}

// ConversationReset says that the conversation began anew inside the process.
type ConversationReset struct {
	Header
	NewConversationID string `json:"new_conversation_id"`
}

// TranscriptMirror are lines that the CLI also wrote to its transcript; see [Options.SessionMirror].
type TranscriptMirror struct {
	Header
	FilePath string            `json:"filePath"`
	Entries  []json.RawMessage `json:"entries"`
}
