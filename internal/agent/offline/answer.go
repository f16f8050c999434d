package offline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

// answer is a message of the Messages API.
type answer struct {
	ID           string  `json:"id"`
	Type         string  `json:"type"`
	Role         string  `json:"role"`
	Model        string  `json:"model"`
	Content      []block `json:"content"`
	StopReason   *string `json:"stop_reason"`
	StopSequence *string `json:"stop_sequence"`
	Usage        usage   `json:"usage"`
}

// block is a text or a tool_use block of an answer.
type block struct {
	Type  string          `json:"type"`
	Text  *string         `json:"text,omitempty"`
	ID    string          `json:"id,omitempty"`
	Name  string          `json:"name,omitempty"`
	Input json.RawMessage `json:"input,omitempty"`

	partial string // the input as far as it goes, when max_tokens cuts it or for a stream
}

// usage is what the request and the answer are billed at.
type usage struct {
	InputTokens   int64 `json:"input_tokens"`
	CacheCreation struct {
		FiveMinutes int64 `json:"ephemeral_5m_input_tokens"`
		OneHour     int64 `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	CacheWrite   int64  `json:"cache_creation_input_tokens"`
	CacheRead    int64  `json:"cache_read_input_tokens"`
	OutputTokens int64  `json:"output_tokens"`
	ServiceTier  string `json:"service_tier"`
}

// compose makes the answer of q from what is to be said, cut at max_tokens.
func compose(q question, said []agent.Block, input usage) answer {
	a := answer{ID: "msg_" + q.hash[:24], Type: "message", Role: "assistant", Model: q.Request.Model, Content: []block{}, Usage: input}
	stop, bytes := string(agent.StopEnd), 0
	room := conversation.Room(q.Request.MaxTokens)
	for i, b := range said {
		w, n, whole := wire(b, room-bytes)
		w.number(q.hash, i)
		a.Content = append(a.Content, w)
		bytes += n
		if b.Kind == agent.UseBlock {
			stop = string(agent.StopTools)
		}
		if !whole {
			stop = string(agent.StopLength)
			break
		}
	}
	a.StopReason = &stop
	a.Usage.OutputTokens = min(max(1, conversation.Tokens(bytes)), q.Request.MaxTokens)
	return a
}

// wire translates a block, cut to room bytes. n is how many bytes it counts as; whole is false when
// it was cut. A cut call has an empty input when it is not streamed, as nobody may carry it out.
func wire(b agent.Block, room int) (w block, n int, whole bool) {
	if b.Kind == agent.TextBlock {
		text := cut(b.Text, room)
		return block{Type: "text", Text: &text}, len(text), len(text) == len(b.Text)
	}
	partial := cut(string(b.Input), max(0, room-len(b.Name)))
	w = block{Type: "tool_use", Name: b.Name, Input: b.Input, partial: partial}
	whole = len(partial) == len(b.Input) && len(b.Name)+len(b.Input) <= room
	if !whole {
		w.Input = json.RawMessage("{}")
	}
	return w, min(room, len(b.Name)+len(partial)), whole
}

// number gives a call its id, which follows from the request and the block's place.
func (b *block) number(hash string, i int) {
	if b.Type != "tool_use" {
		return
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", hash, i))
	b.ID = "toolu_" + hex.EncodeToString(sum[:12])
}

// cut shortens s to at most n bytes, at a character's boundary.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
