package failure

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// object is an error body in any of the shapes that servers send: the words may stand at the top or
// below "error", and "error" may be a mere text.
type object struct {
	Type      string          `json:"type"`
	Code      json.RawMessage `json:"code"`
	Status    json.RawMessage `json:"status"`
	Message   string          `json:"message"`
	Detail    json.RawMessage `json:"detail"`
	Error     json.RawMessage `json:"error"`
	RequestID string          `json:"request_id"`
	Details   json.RawMessage `json:"details"`
	Response  *object         `json:"response"` // of a response.failed event
}

// Read gathers a fault from the answer of an error status, or from an event that carries an error:
// body is as it came, of any shape and size. Position is AtHead for statuses from 300 on, else
// MidStream; callers that know better set it.
func Read(status int, h http.Header, body []byte, now time.Time) Fault {
	f := Fault{At: MidStream, Status: status, Header: h, Now: now, RequestID: requestID(h)}
	if status >= 300 {
		f.At = AtHead
	}
	text := bytes.TrimSpace(body)
	var list []json.RawMessage
	if len(text) > 0 && text[0] == '[' && json.Unmarshal(text, &list) == nil && len(list) > 0 {
		text = list[0] // Gemini's compatible endpoint wraps its error in a list
	}
	var o object
	if len(text) > 0 && text[0] == '{' && json.Unmarshal(text, &o) == nil {
		f.take(o)
	}
	if f.Message == "" {
		f.Message = plain(body)
	}
	if f.Message == "" && f.Type == "" {
		f.Message = http.StatusText(status)
	}
	return f
}

// take reads an error object, the outer one first.
func (f *Fault) take(o object) {
	if o.Response != nil {
		f.take(*o.Response)
	}
	var inner object
	var text string
	switch {
	case json.Unmarshal(o.Error, &text) == nil && text != "":
		f.Message, f.Shaped = text, true
	case json.Unmarshal(o.Error, &inner) == nil && len(o.Error) > 0 && o.Error[0] == '{':
		f.Type, f.Shaped = inner.Type, true
		f.say(inner)
	case o.Message != "":
		if o.Type != "error" {
			f.Type = o.Type
		}
		f.Shaped = true
		f.say(o)
	case json.Unmarshal(o.Detail, &text) == nil && text != "":
		f.Message = text
	}
	if o.RequestID != "" {
		f.RequestID = o.RequestID
	}
}

func (f *Fault) say(o object) {
	f.Message = o.Message
	f.Code = word(o.Code)
	if f.Type == "" {
		f.Type = strings.ToLower(word(o.Status)) // Gemini's INVALID_ARGUMENT, RESOURCE_EXHAUSTED, …
	}
	f.details(o.Details)
}

// details reads Anthropic's error code and Google's delay.
func (f *Fault) details(raw json.RawMessage) {
	var one struct {
		ErrorCode string `json:"error_code"`
	}
	if json.Unmarshal(raw, &one) == nil && one.ErrorCode != "" {
		f.Code = one.ErrorCode
	}
	var many []struct {
		RetryDelay string `json:"retryDelay"`
		Reason     string `json:"reason"`
	}
	if json.Unmarshal(raw, &many) != nil {
		return
	}
	for _, d := range many {
		if d.RetryDelay != "" {
			f.Delay = d.RetryDelay
		}
		if d.Reason != "" {
			f.Message += " (" + d.Reason + ")"
		}
	}
}

// word is a JSON text or number as text, "" for anything else.
func word(raw json.RawMessage) string {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		return s
	case json.Unmarshal(raw, &n) == nil:
		return n.String()
	}
	return ""
}

var (
	title = regexp.MustCompile(`(?is)<title[^>]*>(.{1,300}?)</title>`)
	mark  = regexp.MustCompile(`(?s)<(?:script|style)[^>]*>.*?</(?:script|style)>|<[^>]*>`)
)

// plain is what a body that is no error object says: the title of a page, or its text.
func plain(body []byte) string {
	const most = 8 << 10
	body = body[:min(len(body), most)]
	if m := title.FindSubmatch(body); m != nil {
		return strings.TrimSpace(string(m[1]))
	}
	return strings.TrimSpace(string(mark.ReplaceAll(body, []byte(" "))))
}

// requestID is the id of a request by the names that providers and gateways give it.
func requestID(h http.Header) string {
	for _, name := range []string{"Request-Id", "X-Request-Id", "Apim-Request-Id", "Cf-Ray"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}
