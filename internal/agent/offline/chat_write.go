package offline

import (
	"context"

	"github.com/seed-c331f47d/builder/internal/agent"
)

type (
	chatCompletion struct {
		ID      string       `json:"id"`
		Object  string       `json:"object"`
		Created int64        `json:"created"`
		Model   string       `json:"model"`
		Choices []chatChoice `json:"choices"`
		Usage   *chatUsage   `json:"usage,omitempty"`
	}
	chatChoice struct {
		Index   int       `json:"index"`
		Message *chatTurn `json:"message,omitempty"`
		Delta   *chatTurn `json:"delta,omitempty"`
		Finish  *string   `json:"finish_reason"`
	}
	chatTurn struct {
		Role    string     `json:"role,omitempty"`
		Content *string    `json:"content,omitempty"`
		Calls   []chatCall `json:"tool_calls,omitempty"`
	}
	chatCall struct {
		Index    *int         `json:"index,omitempty"`
		ID       string       `json:"id,omitempty"`
		Type     string       `json:"type,omitempty"`
		Function chatFunction `json:"function"`
	}
	chatFunction struct {
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments"`
	}
	chatUsage struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
		Total      int64 `json:"total_tokens"`
		Details    struct {
			Cached int64 `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	}
)

// chatFinish is the finish reason of an answer.
func chatFinish(a answer) *string {
	reason := map[string]string{string(agent.StopTools): "tool_calls", string(agent.StopLength): "length"}[*a.StopReason]
	if reason == "" {
		reason = "stop"
	}
	return &reason
}

func chatCount(u usage) *chatUsage {
	input := u.InputTokens + u.CacheRead
	c := &chatUsage{Prompt: input, Completion: u.OutputTokens, Total: input + u.OutputTokens}
	c.Details.Cached = u.CacheRead
	return c
}

// whole is the answer as one object. A call that the limit cut has its arguments as far as they go.
func (chatDialect) whole(q question, a answer) any {
	turn := &chatTurn{Role: "assistant"}
	text := ""
	for _, b := range a.Content {
		if b.Text != nil {
			text += *b.Text
			continue
		}
		turn.Calls = append(turn.Calls, chatCall{ID: openCallID(b), Type: "function", Function: chatFunction{b.Name, b.partial}})
	}
	turn.Content = &text
	return chatCompletion{
		ID: "chatcmpl-" + q.hash[:24], Object: "chat.completion", Created: released, Model: a.Model,
		Choices: []chatChoice{{Message: turn, Finish: chatFinish(a)}}, Usage: chatCount(a.Usage),
	}
}

// stream writes the answer as chunks; the usage follows when it was asked for.
func (chatDialect) stream(s stream, q question, a answer) error {
	s.begin()
	chunk := chatCompletion{ID: "chatcmpl-" + q.hash[:24], Object: "chat.completion.chunk", Created: released, Model: a.Model}
	send := func(c chatChoice) error {
		chunk.Choices = []chatChoice{c}
		return s.data(chunk)
	}
	none := ""
	if err := send(chatChoice{Delta: &chatTurn{Role: "assistant", Content: &none}}); err != nil {
		return err
	}
	calls := 0
	for _, b := range a.Content {
		rest, at := b.partial, calls
		if b.Text != nil {
			rest = *b.Text
		} else {
			calls++
			if err := send(chatChoice{Delta: &chatTurn{Calls: []chatCall{{Index: &at, ID: openCallID(b), Type: "function", Function: chatFunction{Name: b.Name}}}}}); err != nil {
				return err
			}
		}
		for piece := ""; rest != ""; {
			if piece, rest = s.piece(rest); piece == "" {
				return context.Cause(s.ctx)
			}
			delta := &chatTurn{Content: &piece}
			if b.Text == nil {
				delta = &chatTurn{Calls: []chatCall{{Index: &at, Function: chatFunction{Arguments: piece}}}}
			}
			if err := send(chatChoice{Delta: delta}); err != nil {
				return err
			}
		}
	}
	if err := send(chatChoice{Delta: &chatTurn{}, Finish: chatFinish(a)}); err != nil {
		return err
	}
	if q.tally {
		chunk.Choices, chunk.Usage = []chatChoice{}, chatCount(a.Usage)
		if err := s.data(chunk); err != nil {
			return err
		}
	}
	return s.write([]byte("data: [DONE]\n\n"))
}
