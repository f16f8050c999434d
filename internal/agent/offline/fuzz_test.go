package offline_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
)

// Whatever comes, the answer is a message or an error in the API's shape, twice the same.
func FuzzMessages(f *testing.F) {
	f.Add(taskBody(f, 50, true))
	f.Add(taskBody(f, 5000, false))
	f.Add(`{"model":"offline","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":[{"type":"text"}]}]}]}`)
	f.Add(`{"model":"offline","max_tokens":1,"messages":[{"role":"user","content":null}],"system":[null],"tools":[null],"output_config":{"format":{"type":"json_schema","schema":{"title":"builder-plan-draft-1"}}}}`)
	h := offline.Handler(offline.Options{Author: small, Cache: true})
	f.Fuzz(func(t *testing.T, body string) {
		first := answer(t, h, body)
		if again := answer(t, offline.Handler(offline.Options{Author: small}), body); strings.Contains(first, `"type":"error"`) && again != first {
			t.Fatalf("two answers:\n%s\n%s", first, again)
		}
	})
}

func answer(t *testing.T, h http.Handler, body string) string {
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/messages", strings.NewReader(body))
	req.Header.Set("Anthropic-Version", "2023-06-01")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	got, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		if !strings.HasSuffix(string(got), "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n") {
			t.Fatalf("stream without its end: %s", got)
		}
		return string(got)
	}
	var shape struct{ Type string }
	if err := json.Unmarshal(got, &shape); err != nil || (w.Code == 200) != (shape.Type == "message") || (w.Code >= 400) != (shape.Type == "error") {
		t.Fatalf("%d %s", w.Code, got)
	}
	return string(got)
}
