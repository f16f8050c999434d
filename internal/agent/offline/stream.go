package offline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

// chunk is how many bytes of an answer one event carries: 100 tokens.
const chunk = 360

// stream writes an answer as server-sent events. The events' bytes do not depend on the pace.
type stream struct {
	ctx             context.Context
	w               http.ResponseWriter
	tokensPerSecond float64
}

type (
	startEvent struct {
		Type    string `json:"type"`
		Message answer `json:"message"`
	}
	blockStartEvent struct {
		Type  string `json:"type"`
		Index int    `json:"index"`
		Block any    `json:"content_block"`
	}
	blockDeltaEvent struct {
		Type  string `json:"type"`
		Index int    `json:"index"`
		Delta any    `json:"delta"`
	}
	textDelta struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	inputDelta struct {
		Type string `json:"type"`
		JSON string `json:"partial_json"`
	}
	blockStopEvent struct {
		Type  string `json:"type"`
		Index int    `json:"index"`
	}
	stopDelta struct {
		StopReason   *string `json:"stop_reason"`
		StopSequence *string `json:"stop_sequence"`
	}
	deltaEvent struct {
		Type  string    `json:"type"`
		Delta stopDelta `json:"delta"`
		Usage usage     `json:"usage"`
	}
	plainEvent struct {
		Type string `json:"type"`
	}
)

// begin writes the head.
func (s stream) begin() {
	s.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	s.w.Header().Set("Cache-Control", "no-cache")
	s.w.WriteHeader(http.StatusOK)
}

// piece is what one event carries of a text, at its pace, and the rest; "" when the reader went away.
func (s stream) piece(text string) (piece, rest string) {
	piece = cut(text, chunk)
	if !wait(s.ctx, s.pace(len(piece))) {
		return "", text
	}
	return piece, text[len(piece):]
}

// send writes all events of a, in the order of the API.
func (s stream) send(a answer) error {
	s.begin()
	start := a
	start.Content, start.StopReason, start.Usage.OutputTokens = []block{}, nil, 1
	if err := s.event("message_start", startEvent{"message_start", start}); err != nil {
		return err
	}
	if err := s.event("ping", plainEvent{"ping"}); err != nil {
		return err
	}
	for i, b := range a.Content {
		if err := s.block(i, b); err != nil {
			return err
		}
	}
	if err := s.event("message_delta", deltaEvent{"message_delta", stopDelta{a.StopReason, nil}, a.Usage}); err != nil {
		return err
	}
	return s.event("message_stop", plainEvent{"message_stop"})
}

// block writes the events of one content block.
func (s stream) block(i int, b block) error {
	text, empty := b.partial, any(block{Type: b.Type, ID: b.ID, Name: b.Name, Input: json.RawMessage("{}")})
	if b.Text != nil {
		none := ""
		text, empty = *b.Text, block{Type: b.Type, Text: &none}
	}
	if err := s.event("content_block_start", blockStartEvent{"content_block_start", i, empty}); err != nil {
		return err
	}
	for piece := ""; text != ""; {
		if piece, text = s.piece(text); piece == "" {
			return context.Cause(s.ctx)
		}
		var delta any = inputDelta{"input_json_delta", piece}
		if b.Text != nil {
			delta = textDelta{"text_delta", piece}
		}
		if err := s.event("content_block_delta", blockDeltaEvent{"content_block_delta", i, delta}); err != nil {
			return err
		}
	}
	return s.event("content_block_stop", blockStopEvent{"content_block_stop", i})
}

// pace is how long n bytes take.
func (s stream) pace(n int) time.Duration {
	if s.tokensPerSecond <= 0 {
		return 0
	}
	return time.Duration(float64(conversation.Tokens(n)) / s.tokensPerSecond * float64(time.Second))
}

// event writes one event that has a name.
func (s stream) event(name string, data any) error {
	return s.frame("event: "+name+"\n", data)
}

// data writes one event that has none.
func (s stream) data(data any) error { return s.frame("", data) }

func (s stream) frame(head string, data any) error {
	b := bytes.NewBufferString(head + "data: ")
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(data); err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	b.WriteByte('\n')
	return s.write(b.Bytes())
}

// write writes bytes and passes them on at once.
func (s stream) write(b []byte) error {
	if _, err := s.w.Write(b); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if f, ok := s.w.(http.Flusher); ok {
		f.Flush()
	}
	return nil
}
