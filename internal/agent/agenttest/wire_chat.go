package agenttest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// readChat puts a request of Chat Completions into the words of WireRequest.
func readChat(body []byte) (WireRequest, error) {
	var c struct {
		Model    string          `json:"model"`
		Max      int64           `json:"max_tokens"`
		MaxAlso  int64           `json:"max_completion_tokens"`
		Stream   bool            `json:"stream"`
		Messages []WireMessage   `json:"messages"`
		Format   json.RawMessage `json:"response_format"`
		Tools    []struct {
			Function WireTool `json:"function"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return WireRequest{}, err
	}
	w := WireRequest{Model: c.Model, MaxTokens: max(c.Max, c.MaxAlso), Stream: c.Stream, OutputConfig: c.Format}
	for _, t := range c.Tools {
		w.Tools = append(w.Tools, t.Function)
	}
	for _, m := range c.Messages {
		if m.Role == "system" {
			w.System = m.Content
			continue
		}
		w.Messages = append(w.Messages, m)
	}
	return w, nil
}

// chatWire writes a turn in the form of Chat Completions.
type chatWire struct{ wire }

func (w chatWire) id() string { return fmt.Sprintf("chatcmpl_%03d", w.n) }

func (w chatWire) refusal(rw http.ResponseWriter, f *Fault) { openRefusal(rw, f) }

// finish is the finish reason; what the wire has no word for becomes the nearest.
func (w chatWire) finish() string {
	switch w.turn.stop() {
	case agent.StopTools:
		return "tool_calls"
	case agent.StopLength, agent.StopWindow:
		return "length"
	case agent.StopRefusal:
		return "content_filter"
	default:
		return "stop"
	}
}

func (w chatWire) usage() any {
	if w.fault.NoUsage {
		return nil
	}
	input, cached, output := openUsage(w.turn.usage())
	return object("prompt_tokens", input, "completion_tokens", output, "total_tokens", input+output,
		"prompt_tokens_details", object("cached_tokens", cached))
}

// message is the whole answer as one object.
func (w chatWire) message() map[string]any {
	m := object("role", "assistant", "content", w.turn.Text)
	if w.turn.Thinking != "" {
		m["reasoning_content"] = w.turn.Thinking
	}
	var calls []any
	for i, c := range w.turn.Calls {
		calls = append(calls, object("id", callID(c, w.n, i), "type", "function", "function", object("name", c.Name, "arguments", string(c.Input))))
	}
	if calls != nil {
		m["tool_calls"] = calls
	}
	return object("id", w.id(), "object", "chat.completion", "model", w.model, "usage", w.usage(),
		"choices", []any{object("index", 0, "message", m, "finish_reason", w.finish())})
}

// stream writes the answer as chunks.
func (w chatWire) stream(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	rw.Header().Set("X-Request-Id", fmt.Sprintf("req_%03d", w.n))
	rw.WriteHeader(http.StatusOK)
	w.delta(rw, object("role", "assistant", "content", ""))
	if w.turn.Thinking != "" {
		w.delta(rw, object("reasoning_content", w.turn.Thinking))
	}
	if w.turn.Text != "" {
		first, rest := halves(w.turn.Text)
		w.delta(rw, object("content", first))
		w.delta(rw, object("content", rest))
	}
	for i, c := range w.turn.Calls {
		w.delta(rw, object("tool_calls", []any{object("index", i, "id", callID(c, w.n, i), "type", "function", "function", object("name", c.Name, "arguments", ""))}))
		for _, p := range w.pieces(c) {
			w.delta(rw, object("tool_calls", []any{object("index", i, "function", object("arguments", p))}))
		}
	}
	if w.breaks(r, func() {
		w.chunk(rw, object("error", object("type", w.fault.MidError, "message", w.fault.Message)))
	}) {
		return
	}
	w.choices(rw, object("index", 0, "delta", object(), "finish_reason", w.finish()))
	if usage := w.usage(); usage != nil {
		w.chunk(rw, object("id", w.id(), "object", "chat.completion.chunk", "model", w.model, "choices", []any{}, "usage", usage))
	}
	_, _ = fmt.Fprint(rw, "data: [DONE]\n\n")
	flush(rw)
	wait(w.fault.Hold, r)
}

func (w chatWire) delta(rw http.ResponseWriter, d map[string]any) {
	w.choices(rw, object("index", 0, "delta", d, "finish_reason", nil))
}

func (w chatWire) choices(rw http.ResponseWriter, choice map[string]any) {
	w.chunk(rw, object("id", w.id(), "object", "chat.completion.chunk", "model", w.model, "choices", []any{choice}))
}

// chunk writes one chunk. A reader that went away shows in the request's context, not here.
func (w chatWire) chunk(rw http.ResponseWriter, data map[string]any) {
	if w.fault.Unknown {
		data["future_field"] = object("a", 1)
		_, _ = fmt.Fprint(rw, ": a comment\n\nevent: future_event\ndata: what is this\n\ndata: {\"object\":\"future\",\"x\":[1]}\n\n")
	}
	_, _ = fmt.Fprintf(rw, "data: %s\n\n", encode(data))
	flush(rw)
}
