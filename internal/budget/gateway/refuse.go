package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

// fault is an answer of the gateway's own.
type fault struct {
	status int
	kind   string // of the error, in Anthropic's words
	code   string // of the error, in OpenAI's
	what   string
	final  bool // to try again is of no use
}

// Faults that end an asker's try for good have status 400: agents try again after 401, 408, 409, 429
// and 5xx, and take 404 for a model that another may stand in for.
func final(code, what string) fault {
	return fault{status: http.StatusBadRequest, kind: "invalid_request_error", code: code, what: what, final: true}
}

// forbidden refuses whoever has no open ticket.
func forbidden(what string) fault {
	return fault{status: http.StatusForbidden, kind: "permission_error", code: "forbidden", what: what, final: true}
}

// unreachable says that no answer came from the provider. The asker may try again.
func unreachable(what string) fault {
	return fault{status: http.StatusBadGateway, kind: "api_error", code: "bad_gateway", what: what}
}

// write writes the fault in the shape of an API's errors.
func (f fault) write(w http.ResponseWriter, to family) {
	what := "builder: " + oneLine(f.what)
	body := map[string]any{"error": map[string]any{"message": what, "type": f.kind, "param": nil, "code": f.code}}
	if to == anthropic {
		body = map[string]any{"type": "error", "error": map[string]any{"type": f.kind, "message": what}}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		raw = nil // texts encode
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	if f.final {
		h.Set("X-Should-Retry", "false")
	}
	w.WriteHeader(f.status)
	_, _ = w.Write(raw) // an asker that went away has nobody to tell
}

// oneLine makes foreign text fit for a message.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
}
