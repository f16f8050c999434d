package agenttest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// readResponses puts a request of the Responses API into the words of WireRequest.
func readResponses(body []byte) (WireRequest, error) {
	var c struct {
		Model        string          `json:"model"`
		Max          int64           `json:"max_output_tokens"`
		Stream       bool            `json:"stream"`
		Instructions json.RawMessage `json:"instructions"`
		Text         json.RawMessage `json:"text"`
		Tools        []WireTool      `json:"tools"`
		Input        []struct {
			WireMessage
			Output json.RawMessage `json:"output"`
		} `json:"input"`
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return WireRequest{}, err
	}
	w := WireRequest{Model: c.Model, MaxTokens: c.Max, Stream: c.Stream, System: c.Instructions, Tools: c.Tools, OutputConfig: c.Text}
	for _, item := range c.Input {
		if len(item.Output) > 0 {
			item.Content = item.Output
		}
		w.Messages = append(w.Messages, item.WireMessage)
	}
	return w, nil
}

// responsesWire writes a turn in the form of the Responses API.
type responsesWire struct{ wire }

func (w responsesWire) id() string { return fmt.Sprintf("resp_%03d", w.n) }

func (w responsesWire) refusal(rw http.ResponseWriter, f *Fault) { openRefusal(rw, f) }

// response is the response with its output so far.
func (w responsesWire) response(status string, output []any) map[string]any {
	return object("id", w.id(), "object", "response", "model", w.model, "status", status, "output", output, "error", nil, "incomplete_details", nil, "usage", nil)
}

// message is the whole answer as one object; what the wire has no word for becomes the nearest.
func (w responsesWire) message() map[string]any {
	output := []any{}
	for _, item := range w.items() {
		output = append(output, item)
	}
	m := w.response("completed", output)
	reason := ""
	switch w.turn.stop() {
	case agent.StopLength, agent.StopWindow:
		reason = "max_output_tokens"
	case agent.StopRefusal:
		reason = "content_filter"
	}
	if reason != "" {
		m["status"], m["incomplete_details"] = "incomplete", object("reason", reason)
	}
	if !w.fault.NoUsage {
		input, cached, out := openUsage(w.turn.usage())
		m["usage"] = object("input_tokens", input, "output_tokens", out, "total_tokens", input+out, "input_tokens_details", object("cached_tokens", cached))
	}
	return m
}

// items are the output items.
func (w responsesWire) items() []map[string]any {
	var items []map[string]any
	if w.turn.Thinking != "" {
		items = append(items, object("type", "reasoning", "id", "rs_"+w.id(), "encrypted_content", "sig",
			"summary", []any{object("type", "summary_text", "text", w.turn.Thinking)}))
	}
	if w.turn.Text != "" {
		items = append(items, object("type", "message", "id", "msg_"+w.id(), "role", "assistant", "status", "completed",
			"content", []any{object("type", "output_text", "text", w.turn.Text, "annotations", []any{})}))
	}
	for i, c := range w.turn.Calls {
		items = append(items, object("type", "function_call", "id", fmt.Sprintf("fc_%03d_%02d", w.n, i), "call_id", callID(c, w.n, i),
			"name", c.Name, "arguments", string(c.Input), "status", "completed"))
	}
	return items
}

// stream writes the answer as events.
func (w responsesWire) stream(rw http.ResponseWriter, r *http.Request) {
	s := &events{w: rw, odd: w.fault.Unknown}
	rw.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	rw.Header().Set("X-Request-Id", fmt.Sprintf("req_%03d", w.n))
	rw.WriteHeader(http.StatusOK)
	s.send("response.created", object("response", w.response("in_progress", []any{})))
	calls := 0
	for i, item := range w.items() {
		begun := object()
		for k, v := range item {
			begun[k] = v
		}
		var deltas []string
		kind := "response.output_text.delta"
		switch item["type"] {
		case "message":
			first, rest := halves(w.turn.Text)
			begun["content"], begun["status"], deltas = []any{}, "in_progress", []string{first, rest}
		case "function_call":
			kind, begun["arguments"], begun["status"] = "response.function_call_arguments.delta", "", "in_progress"
			deltas = w.pieces(w.turn.Calls[calls])
			calls++
		}
		s.send("response.output_item.added", object("output_index", i, "item", begun))
		for _, d := range deltas {
			s.send(kind, object("output_index", i, "item_id", item["id"], "delta", d))
		}
		s.send("response.output_item.done", object("output_index", i, "item", item))
	}
	if w.breaks(r, func() {
		s.send("error", object("code", w.fault.MidError, "message", w.fault.Message, "param", nil))
	}) {
		return
	}
	final := w.message()
	s.send(fmt.Sprintf("response.%s", final["status"]), object("response", final))
	wait(w.fault.Hold, r)
}
