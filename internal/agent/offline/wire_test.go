package offline_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The bytes on the wire are held, so that a change of them is a decision.
func TestWireGolden(t *testing.T) {
	t.Parallel()
	hello := `{"model":"offline","max_tokens":400,"messages":[{"role":"user","content":"hello"}]%s}`
	tests := map[string]string{
		"hello.json":       fmt.Sprintf(hello, ""),
		"hello.sse":        fmt.Sprintf(hello, `,"stream":true`),
		"task.json":        taskBody(t, 4000, false),
		"task.sse":         taskBody(t, 4000, true),
		"task_cut.sse":     taskBody(t, 100, true),
		"unknown_role.err": `{"model":"offline","max_tokens":400,"messages":[{"role":"robot","content":"hello"}]}`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, _ := post(t, offline.Handler(offline.Options{Author: small}), "/v1/messages", body)
			path := filepath.Join("testdata", "wire", name)
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Same request, same bytes: from one server asked again, from a fresh one, with and without a pace.
func TestSameRequestSameBytes(t *testing.T) {
	t.Parallel()
	h := offline.Handler(offline.Options{Author: small})
	for _, body := range []string{taskBody(t, 4000, true), taskBody(t, 300, false), taskBody(t, 4000, false)} {
		_, first, h1 := post(t, h, "/v1/messages", body)
		_, again, h2 := post(t, h, "/v1/messages", body)
		_, fresh, _ := post(t, offline.Handler(offline.Options{Author: small, TokensPerSecond: 1e9, Latency: 1}), "/v1/messages", body)
		if first != again || first != fresh || h1.Get("Request-Id") != h2.Get("Request-Id") || h1.Get("Request-Id") == "" {
			t.Errorf("answers differ:\n%s\n%s\n%s", first, again, fresh)
		}
	}
	_, a, _ := post(t, h, "/v1/messages", taskBody(t, 4000, false))
	_, b, _ := post(t, h, "/v1/messages", taskBody(t, 4001, false))
	if a[:40] == b[:40] {
		t.Error("two requests have one message id")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	message := func(s string) string { return `{"model":"offline","max_tokens":9,"messages":[` + s + `]}` }
	with := func(s string) string {
		return `{"model":"offline","max_tokens":9,"messages":[{"role":"user","content":"x"}],` + s + `}`
	}
	use := `{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"n","input":{}}]}`
	marked := strings.Repeat(`{"type":"text","text":"x","cache_control":{"type":"ephemeral"}},`, 5)
	tests := map[string]struct {
		body, want string
	}{
		"not JSON":                {`{`, "not valid JSON"},
		"a list":                  {`[]`, "not valid JSON"},
		"no model":                {`{"max_tokens":9,"messages":[{"role":"user","content":"x"}]}`, "model: Field required"},
		"a number as model":       {`{"model":3,"max_tokens":9,"messages":[]}`, "model: Input should be a valid string"},
		"no max_tokens":           {`{"model":"offline","messages":[{"role":"user","content":"x"}]}`, "max_tokens: Field required"},
		"max_tokens 0":            {`{"model":"offline","max_tokens":0,"messages":[{"role":"user","content":"x"}]}`, "max_tokens: must be greater than or equal to 1"},
		"max_tokens negative":     {`{"model":"offline","max_tokens":-1,"messages":[{"role":"user","content":"x"}]}`, "max_tokens: must be greater than or equal to 1"},
		"max_tokens a half":       {`{"model":"offline","max_tokens":0.5,"messages":[{"role":"user","content":"x"}]}`, "max_tokens: Input should be a valid integer"},
		"max_tokens huge":         {`{"model":"offline","max_tokens":999999999,"messages":[{"role":"user","content":"x"}]}`, "maximum allowed number of output tokens"},
		"no messages":             {`{"model":"offline","max_tokens":9}`, "at least one message is required"},
		"unknown role":            {message(`{"role":"robot","content":"x"}`), "messages.0.role: Input should be"},
		"no role":                 {message(`{"content":"x"}`), "messages.0.role: Field required"},
		"no content":              {message(`{"role":"user"}`), "messages.0.content: Field required"},
		"empty content":           {message(`{"role":"user","content":[]}`), "non-empty content"},
		"empty text":              {message(`{"role":"user","content":""}`), "messages.0.content.0.text: text content blocks must be non-empty"},
		"unknown block":           {message(`{"role":"user","content":[{"type":"dream"}]}`), `Input tag \"dream\"`},
		"block without type":      {message(`{"role":"user","content":[{"text":"x"}]}`), "messages.0.content.0.type: Field required"},
		"assistant first":         {message(`{"role":"assistant","content":"x"},{"role":"user","content":"x"}`), "first message must use"},
		"assistant last":          {message(`{"role":"user","content":"x"},{"role":"assistant","content":"x"}`), "must end with a user message"},
		"result without call":     {message(`{"role":"user","content":[{"type":"tool_result","tool_use_id":"t9"}]}`), "unexpected `tool_use_id` found in `tool_result` blocks: t9"},
		"call without result":     {message(use + `,{"role":"user","content":"x"}`), "without `tool_result` blocks immediately after: t1"},
		"call answered twice":     {message(use + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"},{"type":"tool_result","tool_use_id":"t1"}]}`), "single result"},
		"call by the user":        {message(`{"role":"user","content":[{"type":"tool_use","id":"t","name":"n","input":{}}]}`), "only be in assistant"},
		"call with a text input":  {message(`{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"n","input":"x"}]}`), "valid dictionary"},
		"five marks":              {with(`"system":[` + strings.TrimSuffix(marked, ",") + `]`), "maximum of 4 blocks with cache_control may be provided. Found 5"},
		"unknown mark":            {with(`"system":[{"type":"text","text":"x","cache_control":{"type":"eternal"}}]`), "system.0.cache_control.type"},
		"unknown ttl":             {with(`"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"2h"}}]`), "cache_control.ttl"},
		"tool without schema":     {with(`"tools":[{"name":"n"}]`), "tools.0.input_schema: Field required"},
		"tool with a bad schema":  {with(`"tools":[{"name":"n","input_schema":{"type":"string"}}]`), "tools.0.input_schema.type: Input should be 'object'"},
		"tool with a bad name":    {with(`"tools":[{"name":"n n","input_schema":{"type":"object"}}]`), "tools.0.name: String should match pattern"},
		"two tools of one name":   {with(`"tools":[{"name":"n","input_schema":{"type":"object"}},{"name":"n","input_schema":{"type":"object"}}]`), "names must be unique"},
		"forced tool":             {with(`"tool_choice":{"type":"any"}`), "cannot be forced"},
		"thinking over all":       {with(`"thinking":{"type":"enabled","budget_tokens":9}`), "greater than `thinking.budget_tokens`"},
		"another schema":          {with(`"output_config":{"format":{"type":"json_schema","schema":{"title":"weather"}}}`), conversation.PlanSchema},
		"schema without a schema": {with(`"output_config":{"format":{"type":"json_schema"}}`), "output_config.format"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, header := post(t, offline.Handler(offline.Options{Author: small}), "/v1/messages", tt.body)
			if status != http.StatusBadRequest || !strings.Contains(body, `"type":"invalid_request_error"`) || !strings.Contains(unescape(body), tt.want) {
				t.Errorf("%d %s; want 400 with %q", status, body, tt.want)
			}
			if !strings.HasPrefix(body, `{"type":"error","error":{`) || !strings.Contains(body, header.Get("Request-Id")) || header.Get("Request-Id") == "" {
				t.Errorf("not the error shape of the API: %s", body)
			}
		})
	}
}

// unescape undoes what JSON does to < and >.
func unescape(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(s)
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	h := offline.Handler(offline.Options{Author: small, Key: "sesame", As: "claude-sonnet-5-5", MaxBody: 400})
	ok := `{"model":"claude-sonnet-5-5","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`
	key := []string{"X-Api-Key", "sesame"}
	tests := map[string]struct {
		body   string
		path   string
		header []string
		status int
		want   string
	}{
		"with a key":         {ok, "/v1/messages", key, 200, `"model":"claude-sonnet-5-5"`},
		"with a bearer":      {ok, "/v1/messages?beta=true", []string{"Authorization", "Bearer sesame"}, 200, `"end_turn"`[:0]},
		"newer version":      {ok, "/v1/messages", append([]string{"Anthropic-Version", "2026-10-21"}, key...), 200, `"type":"message"`},
		"own name":           {strings.Replace(ok, "claude-sonnet-5-5", "offline", 1), "/v1/messages", key, 200, `"model":"offline"`},
		"no key":             {ok, "/v1/messages", nil, 401, "authentication_error"},
		"a wrong key":        {ok, "/v1/messages", []string{"X-Api-Key", "sesam"}, 401, "invalid x-api-key"},
		"another model":      {strings.Replace(ok, "claude-sonnet-5-5", "gpt", 1), "/v1/messages", key, 404, `"message":"model: gpt"`},
		"another path":       {ok, "/v1/complete", key, 404, "not_found_error"},
		"too large":          {strings.Replace(ok, `"x"`, `"`+strings.Repeat("x", 400)+`"`, 1), "/v1/messages", key, 413, "request_too_large"},
		"no version":         {ok, "/v1/messages", append([]string{"Anthropic-Version", ""}, key...), 400, "anthropic-version: header is required"},
		"unknown version":    {ok, "/v1/messages", append([]string{"Anthropic-Version", "2027-01-01"}, key...), 400, "not a valid version"},
		"old sampling":       {strings.Replace(ok, `"max_tokens"`, `"temperature":1,"max_tokens"`, 1), "/v1/messages", key, 200, ""},
		"sampling, newer":    {strings.Replace(ok, `"max_tokens"`, `"temperature":1,"max_tokens"`, 1), "/v1/messages", append([]string{"Anthropic-Version", "2026-10-21"}, key...), 400, "temperature: Extra inputs"},
		"count":              {strings.Replace(ok, `"max_tokens":9,`, "", 1), "/v1/messages/count_tokens", key, 200, `{"input_tokens":8}`},
		"count, refused":     {`{"model":"offline"}`, "/v1/messages/count_tokens", key, 400, "messages"},
		"mid-system is told": {strings.Replace(ok, `}]`, `},{"role":"system","content":"y"}]`, 1), "/v1/messages", key, 200, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, _ := post(t, h, tt.path, tt.body, tt.header...)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("%d %s; want %d with %q", status, body, tt.status, tt.want)
			}
		})
	}
}

func TestModels(t *testing.T) {
	t.Parallel()
	h := offline.Handler(offline.Options{As: "claude-sonnet-5-5"})
	tests := []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/v1/models", 200, `"first_id":"claude-sonnet-5-5","last_id":"offline"`},
		{"GET", "/v1/models/offline", 200, "not a language model"},
		{"GET", "/v1/models/other", 404, "not_found_error"},
		{"HEAD", "/", 200, ""},
		{"GET", "/", 200, "not a language model"},
		{"GET", "/v1/messages", 404, "not_found_error"},
	}
	for _, tt := range tests {
		status, body, _ := get(t, h, tt.method, tt.path)
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, status, body)
		}
	}
}

// Programs choose model names of their own; where none is promised, all of them are answered, as
// themselves.
func TestAnyModel(t *testing.T) {
	t.Parallel()
	const id = "claude-opus-4-8"
	tests := map[string]string{
		"/v1/messages":              `{"model":"claude-opus-4-8","max_tokens":400,"messages":[{"role":"user","content":"hello"},{"role":"system","content":"be kind"}]}`,
		"/v1/messages/count_tokens": `{"model":"claude-opus-4-8","messages":[{"role":"user","content":"hello"}],"tools":[]}`,
		"/v1/chat/completions":      `{"model":"claude-opus-4-8","messages":[{"role":"user","content":"hello"}]}`,
		"/v1/responses":             `{"model":"claude-opus-4-8","input":"hello"}`,
	}
	for path, body := range tests {
		if status, text, _ := post(t, offline.Handler(offline.Options{Any: true}), path, body); status != 200 || !strings.Contains(text, id) && !strings.Contains(text, "input_tokens") {
			t.Errorf("%s: %d %s", path, status, text)
		}
		if status, text, _ := post(t, offline.Handler(offline.Options{}), path, body); status != 404 {
			t.Errorf("%s without it: %d %s", path, status, text)
		}
	}
	h := offline.Handler(offline.Options{Any: true})
	if status, text, _ := get(t, h, "GET", "/v1/models/"+id); status != 200 || !strings.Contains(text, "not a language model") {
		t.Errorf("%d %s", status, text)
	}
	if status, text, _ := post(t, h, "/v1/messages", `{"model":"","max_tokens":4,"messages":[{"role":"user","content":"x"}]}`); status != 404 {
		t.Errorf("no name: %d %s", status, text)
	}
	for _, m := range []string{`{"role":"system","content":"x"}`, `{"role":"user","content":"x"},{"role":"system","content":[{"type":"tool_result","tool_use_id":"t"}]}`} {
		if status, text, _ := post(t, h, "/v1/messages", `{"model":"m","max_tokens":4,"messages":[`+m+`]}`); status != 400 {
			t.Errorf("%s: %d %s", m, status, text)
		}
	}
}

// Rules that panic on a hostile spec end the request and not the process.
func TestRulesThatPanicAreARefusal(t *testing.T) {
	t.Parallel()
	h := offline.Handler(offline.Options{Author: func(string) conversation.Work { panic("boom") }})
	status, body, _ := post(t, h, "/v1/messages", taskBody(t, 100, true))
	if status != 400 || !strings.Contains(body, "boom") {
		t.Errorf("%d %s", status, body)
	}
}
