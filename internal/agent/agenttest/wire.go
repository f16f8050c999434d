package agenttest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// object makes a JSON object of keys and values; encoding/json writes its keys sorted.
func object(pairs ...any) map[string]any {
	o := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		o[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return o
}

// wire writes one turn in the form of the Anthropic Messages API.
type wire struct {
	turn  Turn
	n     int
	model string
	fault Fault
}

func newWire(turn Turn, n int, model string) wire {
	w := wire{turn: turn, n: n, model: model}
	if turn.Fault != nil {
		w.fault = *turn.Fault
	}
	return w
}

func (w wire) id() string { return fmt.Sprintf("msg_%03d", w.n) }

// message is the whole answer as one object.
func (w wire) message() map[string]any {
	content := []any{}
	if w.turn.Thinking != "" {
		content = append(content, object("type", "thinking", "thinking", w.turn.Thinking, "signature", "sig"))
	}
	if w.turn.Text != "" {
		content = append(content, object("type", "text", "text", w.turn.Text))
	}
	for i, c := range w.turn.Calls {
		content = append(content, object("type", "tool_use", "id", callID(c, w.n, i), "name", c.Name, "input", valid(c.Input)))
	}
	return object("id", w.id(), "type", "message", "role", "assistant", "model", w.model, "content", content,
		"stop_reason", string(w.turn.stop()), "stop_sequence", nil, "usage", usageOf(w.turn.usage()))
}

// stream writes the answer as events.
func (w wire) stream(rw http.ResponseWriter, r *http.Request) {
	s := &events{w: rw, odd: w.fault.Unknown}
	rw.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	rw.Header().Set("Request-Id", fmt.Sprintf("req_%03d", w.n))
	rw.WriteHeader(http.StatusOK)
	start := w.turn.usage()
	start.Output = 1
	s.send("message_start", object("message", object("id", w.id(), "type", "message", "role", "assistant", "model", w.model,
		"content", []any{}, "stop_reason", nil, "stop_sequence", nil, "usage", usageOf(start))))
	s.send("ping", object())
	w.blocks(s)
	if w.breaks(r, func() {
		s.send("error", object("error", object("type", w.fault.MidError, "message", w.fault.Message)))
	}) {
		return
	}
	s.send("message_delta", object("delta", object("stop_reason", string(w.turn.stop()), "stop_sequence", nil), "usage", object("output_tokens", w.turn.usage().Output)))
	s.send("message_stop", object())
	wait(w.fault.Hold, r)
}

// breaks says whether the answer goes wrong before its end, after it has done so; fail writes the
// provider's error.
func (w wire) breaks(r *http.Request, fail func()) bool {
	switch {
	case !wait(w.fault.Pause, r):
	case w.fault.MidError != "":
		fail()
	case w.fault.Reset:
		panic(http.ErrAbortHandler)
	case !w.fault.Cut:
		return false
	}
	return true
}

// wait returns true once open is closed, at once when it is nil, and false when the reader went away.
func wait(open <-chan struct{}, r *http.Request) bool {
	if open == nil {
		return true
	}
	select {
	case <-open:
		return true
	case <-r.Context().Done():
		return false
	}
}

// blocks writes the content.
func (w wire) blocks(s *events) {
	if w.turn.Thinking != "" {
		s.block(object("type", "thinking", "thinking", "", "signature", ""),
			object("type", "thinking_delta", "thinking", w.turn.Thinking), object("type", "signature_delta", "signature", "sig"))
	}
	if w.turn.Text != "" {
		first, rest := halves(w.turn.Text)
		s.block(object("type", "text", "text", ""), object("type", "text_delta", "text", first), object("type", "text_delta", "text", rest))
	}
	for i, c := range w.turn.Calls {
		var deltas []map[string]any
		for _, p := range w.pieces(c) {
			deltas = append(deltas, object("type", "input_json_delta", "partial_json", p))
		}
		s.block(object("type", "tool_use", "id", callID(c, w.n, i), "name", c.Name, "input", object()), deltas...)
	}
}

// pieces cuts a tool's input as APIs stream it: anywhere, but between runes.
func (w wire) pieces(c agent.ToolCall) []string {
	size := w.fault.InputPieces
	if size <= 0 {
		size = 7
	}
	var pieces []string
	for rest := []rune(string(c.Input)); len(rest) > 0; {
		n := min(size, len(rest))
		pieces = append(pieces, string(rest[:n]))
		rest = rest[n:]
	}
	return pieces
}

// halves cuts a text in two, between runes.
func halves(text string) (string, string) {
	half := len(text) / 2
	for half > 0 && text[half]&0xC0 == 0x80 {
		half--
	}
	return text[:half], text[half:]
}

// events writes a stream of events.
type events struct {
	w     http.ResponseWriter
	index int
	odd   bool
}

func (s *events) block(start map[string]any, deltas ...map[string]any) {
	s.send("content_block_start", object("index", s.index, "content_block", start))
	for _, d := range deltas {
		s.send("content_block_delta", object("index", s.index, "delta", d))
	}
	s.send("content_block_stop", object("index", s.index))
	s.index++
}

// send writes one event. A reader that went away shows in the request's context, not here.
func (s *events) send(kind string, data map[string]any) {
	data["type"] = kind
	if s.odd {
		data["future_field"] = object("a", 1)
		_, _ = fmt.Fprint(s.w, ": a comment\n\nevent: future_event\ndata: {\"type\":\"future_event\",\"x\":[1]}\n\n")
	}
	_, _ = fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", kind, encode(data))
	flush(s.w)
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode answer: %v", err)) // maps, strings and numbers always encode
	}
	return raw
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v)) // see events.send
}

// writeError writes an error response; body is the object in the API's shape.
func writeError(w http.ResponseWriter, f *Fault, body map[string]any) {
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if f.Body != "" {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", "text/html")
		}
		w.WriteHeader(f.Status)
		_, _ = fmt.Fprint(w, f.Body)
		return
	}
	writeJSON(w, f.Status, body)
}

// refusal is an error in the shape of the API.
func (w wire) refusal(rw http.ResponseWriter, f *Fault) {
	writeError(rw, f, object("type", "error", "error", object("type", f.Type, "message", f.Message), "request_id", "req_error"))
}
