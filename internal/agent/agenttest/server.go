package agenttest

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Request is a model call as it came over the wire.
type Request struct {
	Header http.Header
	Body   []byte
	Wire   WireRequest
}

// WireRequest is what scripts look at in a request body, in the words of the Anthropic Messages API;
// requests of the other wires are put into them.
type WireRequest struct {
	Model        string          `json:"model"`
	MaxTokens    int64           `json:"max_tokens"`
	Stream       bool            `json:"stream"`
	System       json.RawMessage `json:"system"`
	Tools        []WireTool      `json:"tools"`
	Messages     []WireMessage   `json:"messages"`
	OutputConfig json.RawMessage `json:"output_config"`
}

// WireTool is a tool that is offered.
type WireTool struct {
	Name string `json:"name"`
}

// WireMessage is one message; content may be a string or a list of blocks.
type WireMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// Text is all that the message says, tool results included, without any structure.
func (m WireMessage) Text() string {
	var words []string
	gather(m.Content, &words)
	return strings.Join(words, "\n")
}

// gather collects strings under the keys text and content.
func gather(raw json.RawMessage, into *[]string) { gatherIn(gjson.ParseBytes(raw), into) }

func gatherIn(v gjson.Result, into *[]string) {
	if v.Type == gjson.String {
		*into = append(*into, v.Str)
	}
	if !v.IsArray() {
		return
	}
	v.ForEach(func(_, b gjson.Result) bool {
		if text := b.Get("text"); text.Str != "" {
			*into = append(*into, text.Str)
		}
		gatherIn(b.Get("content"), into)
		return true
	})
}

// Last is what the newest message says.
func (r Request) Last() string {
	if len(r.Wire.Messages) == 0 {
		return ""
	}
	return r.Wire.Messages[len(r.Wire.Messages)-1].Text()
}

// Said is everything the request says: system and messages.
func (r Request) Said() string {
	var words []string
	gather(r.Wire.System, &words)
	for _, m := range r.Wire.Messages {
		gather(m.Content, &words)
	}
	return strings.Join(words, "\n")
}

// Planning says whether the request asks for one structured answer rather than for tool calls.
func (r Request) Planning() bool {
	return strings.Contains(string(r.Wire.OutputConfig), "json_schema")
}

// Handler answers model calls by a script, over the Anthropic Messages API, Chat Completions and
// Responses, streamed when the request asks for it, and keeps them. Next is asked for request n, counted from 0; it runs under no lock
// and may block. Handler can be served by anything; [Serve] serves it for a test.
type Handler struct {
	Next func(n int, req Request) Turn

	mu   sync.Mutex
	seen []Request
}

// Script is a handler that plays turns in order; beyond the last one it answers with an error that
// says so.
func Script(turns ...Turn) *Handler {
	return &Handler{Next: func(n int, _ Request) Turn { return nth(turns, n) }}
}

// Requests are all model calls so far.
func (h *Handler) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Request(nil), h.seen...)
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	if err != nil {
		return // the caller went away
	}
	d, known := dialectOf(r.URL.Path)
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/v1/messages/count_tokens"):
		writeJSON(w, http.StatusOK, object("input_tokens", len(body)/4))
	case r.Method == http.MethodPost && known:
		h.answer(w, r, d, body)
	default:
		wire{}.refusal(w, &Fault{Status: http.StatusNotFound, Type: "not_found_error", Message: "no such path"})
	}
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, d dialect, body []byte) {
	req := Request{Header: r.Header.Clone(), Body: body}
	var err error
	if req.Wire, err = d.read(body); err != nil {
		d.speak(wire{}).refusal(w, &Fault{Status: http.StatusBadRequest, Type: "invalid_request_error", Message: err.Error()})
		return
	}
	h.mu.Lock()
	n := len(h.seen)
	h.seen = append(h.seen, req)
	h.mu.Unlock()
	turn := h.Next(n, req)
	said := d.speak(newWire(turn, n, cmp.Or(turn.Model, req.Wire.Model)))
	switch {
	case turn.Fault != nil && turn.Fault.Status != 0:
		said.refusal(w, turn.Fault)
	case req.Wire.Stream:
		said.stream(w, r)
	default:
		writeJSON(w, http.StatusOK, said.message())
	}
}

// Server is a [Handler] on a loopback port.
type Server struct {
	*Handler
	URL string
}

// Serve plays turns in order on a loopback port until the test ends.
func Serve(t testing.TB, turns ...Turn) *Server {
	t.Helper()
	return ServeHandler(t, Script(turns...))
}

// ServeFunc answers request n, counted from 0, with what next gives.
func ServeFunc(t testing.TB, next func(n int, req Request) Turn) *Server {
	t.Helper()
	return ServeHandler(t, &Handler{Next: next})
}

// ServeHandler serves h until the test ends.
func ServeHandler(t testing.TB, h *Handler) *Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &Server{Handler: h, URL: s.URL}
}

// Stream is the body that a turn has on the wire of the Anthropic Messages API, with its content type:
// what a recording holds.
func Stream(turn Turn, n int, model string) (contentType string, body []byte) {
	return StreamAt("/v1/messages", turn, n, model)
}

// StreamAt is the same on the wire that is spoken at a path, which [Handler] MUST know.
func StreamAt(path string, turn Turn, n int, model string) (contentType string, body []byte) {
	d, known := dialectOf(path)
	if !known {
		panic("no wire is spoken at " + path)
	}
	rec, said := httptest.NewRecorder(), d.speak(newWire(turn, n, model))
	if f := turn.Fault; f != nil && f.Status != 0 {
		said.refusal(rec, f)
	} else {
		said.stream(rec, httptest.NewRequest(http.MethodPost, path, nil))
	}
	return rec.Header().Get("Content-Type"), rec.Body.Bytes()
}

var _ http.Handler = (*Handler)(nil)

// usageOf writes usage as the API does.
func usageOf(u agent.Usage) map[string]any {
	return object(
		"input_tokens", u.Input, "output_tokens", u.Output,
		"cache_creation_input_tokens", u.CacheWrite5m+u.CacheWrite1h, "cache_read_input_tokens", u.CacheRead,
		"cache_creation", object("ephemeral_5m_input_tokens", u.CacheWrite5m, "ephemeral_1h_input_tokens", u.CacheWrite1h),
	)
}
