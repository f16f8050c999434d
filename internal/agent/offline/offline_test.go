package offline_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// small writes one small program whatever the spec says.
func small(string) conversation.Work {
	return conversation.Work{
		Blueprint:   &blueprint.Blueprint{Name: "toolshed", Type: "rest-api"},
		Units:       []unit.Unit{{Name: "core", Title: "Core", Files: []unit.File{{Path: "main.go", Content: "package main // <&> é\n\nfunc main() {}\n"}}}},
		Understands: func(int, int) (bool, string) { return true, "" },
	}
}

// post sends a body to a fresh handler and returns what came.
func post(t *testing.T, h http.Handler, path, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://offline"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Anthropic-Version", "2023-06-01")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(t, h, req)
}

func get(t *testing.T, h http.Handler, method, path string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://offline"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(t, h, req)
}

func do(t *testing.T, h http.Handler, req *http.Request) (int, string, http.Header) {
	t.Helper()
	res, err := offline.NewTransport(h).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

// taskBody is an engineer's task on the wire.
func taskBody(t testing.TB, maxTokens int, stream bool) string {
	t.Helper()
	b := agent.Brief{Role: "engineer", SpecPath: "s.md", Spec: "# Toolshed\n- x\n", TaskID: "app.core", Title: "Core", Goal: "All.",
		Requirements: []agent.BriefRequirement{{ID: "R1", Text: "x", Source: "2"}}}
	_, first := b.Render()
	system, _ := b.Render()
	props := func(names ...string) map[string]any {
		ps := map[string]any{}
		for _, n := range names {
			ps[n] = map[string]string{"type": "string"}
		}
		return map[string]any{"type": "object", "properties": ps, "required": names}
	}
	return encode(t, map[string]any{
		"model": "offline", "max_tokens": maxTokens, "stream": stream,
		"system":   []any{map[string]any{"type": "text", "text": system[1], "cache_control": map[string]string{"type": "ephemeral"}}},
		"messages": []any{map[string]any{"role": "user", "content": first.Words()}},
		"tools": []any{
			map[string]any{"name": "write_file", "description": "write", "input_schema": props("path", "content")},
			map[string]any{"name": "finish", "description": "finish", "input_schema": props("summary")},
			map[string]any{"name": "blocked", "description": "blocked", "input_schema": props("reason", "evidence")},
		},
	})
}

func encode(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
