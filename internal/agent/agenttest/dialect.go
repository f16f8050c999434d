package agenttest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

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

// readMessages reads a request of the Messages API. One in which nothing is odd is taken apart without
// encoding/json: a crew reads tens of thousands of long conversations, and its time is not what is measured.
func readMessages(body []byte) (w WireRequest, err error) {
	plain := gjson.ValidBytes(body)
	text := func(v gjson.Result) string { plain = plain && v.Type == gjson.String; return strings.Clone(v.Str) } // not the body for the sake of a name
	raw := func(v gjson.Result) json.RawMessage { return json.RawMessage(v.Raw) }
	each := func(v gjson.Result, do func(member gjson.Result)) {
		plain = plain && v.IsArray()
		v.ForEach(func(_, m gjson.Result) bool { plain = plain && m.IsObject(); do(m); return plain })
	}
	if plain {
		top := gjson.ParseBytes(body)
		plain = top.IsObject()
		top.ForEach(func(key, v gjson.Result) bool {
			switch key.Str {
			case "model":
				w.Model = text(v)
			case "max_tokens":
				plain = plain && v.Type == gjson.Number
				w.MaxTokens = v.Int()
			case "stream":
				plain = plain && v.IsBool()
				w.Stream = v.Bool()
			case "system":
				w.System = raw(v)
			case "output_config":
				w.OutputConfig = raw(v)
			case "tools":
				each(v, func(tool gjson.Result) { w.Tools = append(w.Tools, WireTool{Name: tool.Get("name").String()}) })
			case "messages":
				each(v, func(m gjson.Result) {
					w.Messages = append(w.Messages, WireMessage{Role: text(m.Get("role")), Content: raw(m.Get("content"))})
				})
			}
			return plain
		})
	}
	if plain {
		return w, nil
	}
	w = WireRequest{}
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
