package agenttest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// dialect is one of the wires that are spoken.
type dialect struct {
	read  func(body []byte) (WireRequest, error)
	speak func(w wire) speaker
}

// speaker writes one turn.
type speaker interface {
	message() map[string]any
	stream(rw http.ResponseWriter, r *http.Request)
	refusal(rw http.ResponseWriter, f *Fault)
}

// dialectOf is the wire that is spoken at a path.
func dialectOf(path string) (dialect, bool) {
	switch {
	case strings.HasSuffix(path, "/v1/messages"):
		return dialect{readMessages, func(w wire) speaker { return w }}, true
	case strings.HasSuffix(path, "/chat/completions"):
		return dialect{readChat, func(w wire) speaker { return chatWire{w} }}, true
	case strings.HasSuffix(path, "/responses"):
		return dialect{readResponses, func(w wire) speaker { return responsesWire{w} }}, true
	}
	return dialect{}, false
}

func readMessages(body []byte) (w WireRequest, err error) {
	return w, json.Unmarshal(body, &w)
}

// openUsage is usage as OpenAI's wires count it: all input is one number, reads from the cache a part
// of it.
func openUsage(u agent.Usage) (input, cached, output int64) {
	return u.Input + u.CacheWrite5m + u.CacheWrite1h + u.CacheRead, u.CacheRead, u.Output
}

// openRefusal writes an error in the shape of OpenAI's API.
func openRefusal(rw http.ResponseWriter, f *Fault) {
	rw.Header().Set("X-Request-Id", "req_error")
	writeError(rw, f, object("error", object("type", f.Type, "message", f.Message, "param", nil, "code", nil)))
}
