package meter

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// asked sends a body and returns what reached the provider; nothing did when it is "".
func asked(t *testing.T, w *world, req *http.Request) (string, error) {
	t.Helper()
	var got string
	resp, err := w.door(roundTrip(func(out *http.Request) (*http.Response, error) {
		raw, err := io.ReadAll(out.Body)
		if err != nil {
			return nil, err
		}
		got = string(raw)
		out.Body = http.NoBody
		return answering(200, sse, strings.NewReader(messageStart()+messageEnd("end_turn"))).RoundTrip(out)
	})).RoundTrip(req)
	if err != nil {
		return got, err
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return got, err
	}
	return got, resp.Body.Close()
}

// Guards the order of Intend and the base's RoundTrip: a hold is durable before a byte leaves.
func TestIntendComesBeforeTheFirstByte(t *testing.T) {
	t.Parallel()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	door := w.door(roundTrip(func(out *http.Request) (*http.Response, error) {
		w.mu.Lock()
		held := len(w.guard.Holds)
		w.mu.Unlock()
		if out.GetBody != nil {
			t.Error("the body can be had again: HTTP/2 would send it twice after GOAWAY")
		}
		if held != 1 {
			t.Errorf("%d holds when the request leaves", held)
		}
		return nil, errors.New("no network")
	}))
	if _, err := door.RoundTrip(request(t.Context(), "http://host", ask)); err == nil {
		t.Error("no error")
	}
	if s := w.only(t); s.Fate != budget.Free {
		t.Errorf("nothing was read of the request: %+v", s)
	}
}

func TestMaxTokensIsShrunkAndNothingElseChanges(t *testing.T) {
	t.Parallel()
	body := `{ "messages":[{"role":"user","content":"max_tokens\": 1000, \u00e4"}], "max_tokens" : 64000 ,"model":"m","stream":true}`
	w := newWorld(budget.Caps{USD: 200_000})
	got, err := asked(t, w, request(t.Context(), "http://host", body))
	if err != nil {
		t.Fatal(err)
	}
	n := w.asks[0].InputTokens
	fits := (200_000 - n*2) / 10 // no cache marks: plain input at 2, output at 10
	if want := strings.Replace(body, "64000", fmt.Sprint(fits), 1); got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
}

func TestThinkingBudgetIsNotUndercut(t *testing.T) {
	t.Parallel()
	body := strings.Replace(ask, `"max_tokens":1000`, `"max_tokens":32000,"thinking":{"type":"enabled","budget_tokens":31999}`, 1)
	w := newWorld(budget.Caps{USD: 200_000})
	var refused *budget.Refusal
	if got, err := asked(t, w, request(t.Context(), "http://host", body)); !errors.As(err, &refused) || got != "" {
		t.Errorf("sent %q, %v", got, err)
	}
}

func TestRefusedCallsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	tools := func(tool string) string {
		return strings.Replace(ask, `"messages"`, `"tools":[`+tool+`],"messages"`, 1)
	}
	with := func(s string) string { return strings.Replace(ask, `"stream":true`, s, 1) }
	bodies := map[string]string{
		"empty": "", "not an object": `[1]`, "cut": ask[:40], "more than one": ask + "{}",
		"no model": `{"max_tokens":1,"messages":[]}`, "model is null": `{"model":null,"max_tokens":1,"messages":[]}`, "model is a number": `{"model":3,"max_tokens":1,"messages":[]}`,
		"no max_tokens": `{"model":"m","messages":[]}`, "max_tokens 0": `{"model":"m","max_tokens":0,"messages":[]}`, "negative": `{"model":"m","max_tokens":-5,"messages":[]}`,
		"max_tokens as text": `{"model":"m","max_tokens":"5","messages":[]}`, "max_tokens with exponent": `{"model":"m","max_tokens":1e3,"messages":[]}`, "max_tokens huge": `{"model":"m","max_tokens":99999999999999999999,"messages":[]}`,
		"max_tokens twice": with(`"max_tokens":64000`), "max_tokens in capitals": with(`"Max_Tokens":64000`), "escaped twice": with(`"max\u005ftokens":64000`),
		"no messages": `{"model":"m","max_tokens":1}`, "messages are text": `{"model":"m","max_tokens":1,"messages":"hi"}`,
		"unknown model": strings.Replace(ask, `"m"`, `"n"`, 1), "fast mode": with(`"speed":"fast"`), "region": with(`"inference_geo":"us"`), "mcp": with(`"mcp_servers":[{"url":"x"}]`),
		"container": with(`"container":"c"`), "fallbacks": with(`"fallbacks":[{"model":"x"}]`), "compaction": with(`"context_management":{"edits":[{"type":"compact_20260112"}]}`),
		"context management is text": with(`"context_management":"x"`), "search without bound": tools(`{"type":"web_search_20250305","name":"web_search"}`),
		"search with a large bound": tools(`{"type":"web_search_20250305","max_uses":1000}`), "code execution": tools(`{"type":"code_execution_20250825","name":"x"}`), "tools are text": with(`"tools":"x"`),
		"larger than the cap": strings.Replace(ask, "hi", strings.Repeat("x", 600_000), 1),
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(budget.Caps{USD: 300_000})
			got, err := asked(t, w, request(t.Context(), "http://host", body))
			var refused *budget.Refusal
			if got != "" || (!errors.Is(err, ErrUnmetered) && !errors.Is(err, budget.ErrUnpriced) && !errors.As(err, &refused)) {
				t.Errorf("sent %q, %v", got, err)
			}
			if len(w.settled) != 0 || len(w.spools) != 0 || len(w.guard.Holds) != 0 {
				t.Errorf("left %v %v %v", w.settled, w.spools, w.guard.Holds)
			}
		})
	}
}

// No call passes unmetered: guards the default of route, and the check for an op.
func TestRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, path string
		want         route
	}{
		{"POST", "/v1/messages", metered}, {"POST", "/v1/messages?beta=true", metered}, {"POST", "/proxy/v1/messages", metered}, {"POST", "/v1/mess%61ges", refused},
		{"POST", "/v1/messages/count_tokens?beta=true", free}, {"GET", "/v1/models", free}, {"GET", "/v1/models/claude-opus-5-5", free}, {"HEAD", "/", free}, {"HEAD", "", free},
		{"POST", "/v1/messages/batches", refused}, {"POST", "/v1/complete", refused}, {"POST", "/", refused}, {"GET", "/", refused}, {"GET", "/v1/messages", refused}, {"PUT", "/v1/messages", refused},
		{"POST", "/v1/messages/", refused}, {"POST", "/v1//messages", refused}, {"POST", "/v1/messages/../messages", refused}, {"POST", "/v1/messages;/v1/messages/count_tokens", refused},
		{"POST", "/v1/messages%2f..%2fv1/messages/count_tokens", refused}, {"POST", `/v1/messages\v1/messages/count_tokens`, refused}, {"GET", "/v1beta/openai/models", free}, {"HEAD", "/api/v1/models", free},
		{"POST", "/v1/chat/completions", metered}, {"POST", "/v1/responses", metered}, {"POST", "/api/v1/chat/completions?x=1", metered}, {"POST", "/v1beta/openai/chat/completions", metered}, {"POST", "/openai/responses", metered},
		{"POST", "/v1/completions", refused}, {"POST", "/v1/embeddings", refused}, {"GET", "/v1/chat/completions", refused}, {"GET", "/v1/responses/resp_1", refused}, {"POST", "/v1/responses/resp_1/cancel", refused},
		{"POST", "/v1/chat%2fcompletions", refused}, {"POST", "/v1/chat/completions/", refused}, {"DELETE", "/v1/responses/resp_1", refused}, {"POST", "/v1/responses;x", refused}, {"POST", "/api/chat", refused},
		{"POST", "/v1/models", refused}, {"GET", "/v1/models/a/b", refused}, {"GET", "/v1/files", refused}, {"GET", "/v1/messages?x=/v1/models", refused},
	}
	for _, tc := range tests {
		req, err := http.NewRequest(tc.method, "http://host"+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := kindOf(req); got != tc.want {
			t.Errorf("%s %s: %d, want %d", tc.method, tc.path, got, tc.want)
		}
	}
	w := newWorld(budget.Caps{})
	passed := 0
	door := w.door(roundTrip(func(*http.Request) (*http.Response, error) { passed++; return nil, errors.New("seen") }))
	for _, path := range []string{"/v1/messages", "/v1/messages/batches"} {
		req, err := http.NewRequest("POST", "http://host"+path, strings.NewReader(ask))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := door.RoundTrip(req); !errors.Is(err, ErrUnmetered) || passed != 0 {
			t.Errorf("%s without an op: %v", path, err)
		}
	}
	req, err := http.NewRequest("POST", "http://host/v1/messages/count_tokens", strings.NewReader(ask))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := door.RoundTrip(req); passed != 1 || len(w.asks) != 0 {
		t.Errorf("counting tokens is free: %v", err)
	}
}

func kindOf(req *http.Request) route {
	_, r := dialectOf(req)
	return r
}

func TestWorstInput(t *testing.T) {
	t.Parallel()
	body := func(messages string, more string) []byte {
		return []byte(`{"model":"m","max_tokens":10,"messages":[` + messages + `]` + more + `}`)
	}
	text := `{"role":"user","content":"hi"}`
	image := `{"role":"user","content":[{"type":"image","source":{"type":"base64","data":"AA"}}]}`
	nested := `{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":[{"type":"image"}]}]}`
	result := `{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":"done"},{"type":"tool_result","content":[{"type":"text","text":"a"}]}]}`
	plain := body(text, "")
	size := func(b []byte) int64 { return int64(len(b)) }
	prefix := budget.Call{PrefixTokens: 500, PrefixBytes: 20, NewMessages: 1}
	tools := body(text, `,"tools":[{"name":"a","input_schema":{}},{"type":"bash_20250124","name":"bash"}]`)
	search := body(text, `,"tools":[{"type":"web_search_20260318","max_uses":3}]`)
	tests := []struct {
		name   string
		body   []byte
		call   budget.Call
		window int64
		want   int64 // -1: refused
	}{
		{"bytes", plain, budget.Call{}, 200_000, size(plain) + 64 + 4096},
		{"the window bounds", plain, budget.Call{}, 1000, 1000},
		{"no window", plain, budget.Call{}, 0, size(plain) + 64 + 4096},
		{"tools", tools, budget.Call{}, 200_000, size(tools) + 64 + 2*512 + 4096},
		{"a known prefix", body(text+","+strings.Repeat(text+",", 200)+text, ""), budget.Call{PrefixTokens: 500, PrefixBytes: 6000, NewMessages: 2}, 200_000, 500 + size(body(text+","+strings.Repeat(text+",", 200)+text, "")) - 6000 + 128 + 4096},
		{"a prefix beyond the body", plain, budget.Call{PrefixTokens: 1, PrefixBytes: 1 << 30}, 200_000, size(plain) + 64 + 4096},
		{"a prefix that bytes undercut", plain, budget.Call{PrefixTokens: 100_000, PrefixBytes: 20}, 200_000, size(plain) + 64 + 4096},
		{"results are text", body(result, ""), budget.Call{}, 200_000, size(body(result, "")) + 64 + 4096},
		{"an image may fill the window", body(image, ""), budget.Call{}, 200_000, 200_000},
		{"an image in a result", body(nested, ""), budget.Call{}, 200_000, 200_000},
		{"an image without a window", body(image, ""), budget.Call{}, 0, -1},
		{"an image in the prefix is billed already", body(image+","+text, ""), prefix, 200_000, 500 + size(body(image+","+text, "")) - 20 + 64 + 4096},
		{"an image after the prefix", body(text+","+image, ""), prefix, 200_000, 200_000},
		{"searches sample again", search, budget.Call{}, 200_000, 800_000},
		{"searches without a window", search, budget.Call{}, 0, -1},
		{"odd content", body(`{"role":"user","content":7}`, ""), budget.Call{}, 200_000, 200_000},
		{"odd system", body(text, `,"system":[{"type":"document"}]`), prefix, 200_000, 200_000},
	}
	for _, tc := range tests {
		q, err := anthropic{}.question(bare, tc.body)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		got, err := worstInput(q, tc.call, tc.window)
		if tc.want < 0 && !errors.Is(err, ErrUnmetered) || tc.want >= 0 && (err != nil || got != tc.want) {
			t.Errorf("%s: %d, %v; want %d", tc.name, got, err, tc.want)
		}
	}
}

func TestCacheMarks(t *testing.T) {
	t.Parallel()
	mark := func(ttl string) string {
		if ttl == "" {
			return `"cache_control":{"type":"ephemeral"}`
		}
		return `"cache_control":{"type":"ephemeral","ttl":` + ttl + `}`
	}
	for body, want := range map[string]budget.CacheUse{
		`"messages":[{"role":"user","content":"cache_control"}]`:                                                                               budget.CacheNone,
		`"messages":[],` + mark(""):                                                                                                            budget.Cache5m,
		`"messages":[],"system":[{"type":"text","text":"x",` + mark(`"1h"`) + `}]`:                                                             budget.Cache1h,
		`"messages":[{"role":"user","content":[{"type":"text","text":"x",` + mark(`"5m"`) + `}]}]`:                                             budget.Cache5m,
		`"messages":[{"role":"user","content":[{"type":"tool_result","content":[{"type":"text",` + mark(`"1h"`) + `}]}]}]`:                     budget.Cache1h,
		`"messages":[{"role":"user","content":[{"type":"text","text":"x",` + mark(`"1h"`) + `},{"type":"text","text":"x",` + mark("") + `}]}]`: budget.Cache1h,
		`"messages":[],"tools":[{"name":"a",` + mark(`"1h"`) + `}]`:                                                                            budget.Cache1h,
		`"messages":[],` + mark(`"24h"`):                                                                                                       budget.CacheAny,
		`"messages":[],"cache_control":null`:                                                                                                   budget.CacheNone,
		`"messages":[],"cache_control":"x"`:                                                                                                    budget.CacheAny,
	} {
		q, err := anthropic{}.question(bare, []byte(`{"model":"m","max_tokens":1,`+body+`}`))
		if err != nil || q.cache != want {
			t.Errorf("%s: %q, %v; want %q", body, q.cache, err, want)
		}
	}
}

func TestLongWindowNeedsItsPrice(t *testing.T) {
	t.Parallel()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	req := request(t.Context(), "http://host", ask)
	req.Header.Add("anthropic-beta", "x-2026,context-1m-2025-08-07")
	if got, err := asked(t, w, req); !errors.Is(err, ErrUnmetered) || got != "" {
		t.Errorf("sent %q, %v", got, err)
	}
}

func TestRequestsAreKeptOnDemand(t *testing.T) {
	t.Parallel()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	door := w.door(answering(200, sse, strings.NewReader("")))
	door.KeepRequests = true
	resp, err := door.RoundTrip(request(t.Context(), "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if string(w.blobs[w.asks[0].RequestBlob]) != ask {
		t.Error("the request is not among the blobs")
	}
}

func FuzzQuestion(f *testing.F) {
	f.Add([]byte(ask))
	f.Add([]byte(`{"model":"m","max_tokens":5,"messages":[{"content":[{"type":"tool_result","content":[{"type":"image"}]}]}],"tools":[{"type":"web_search_1","max_uses":3}]}`))
	f.Add([]byte(`{"model":"m","max_tokens":5,"messages":[],"max\u005ftokens":7}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := anthropic{}.question(bare, body)
		if err != nil {
			return
		}
		if q.model == "" || q.maxTokens < 1 {
			t.Fatalf("%+v", q)
		}
		again, err := anthropic{}.question(bare, splice(body, q.maxAt, 7))
		if err != nil || again.maxTokens != 7 || again.model != q.model {
			t.Fatalf("shrunk: %+v, %v", again, err)
		}
		if n, err := worstInput(q, budget.Call{}, 1_000_000); err != nil || n < 1 {
			t.Fatalf("bound %d, %v", n, err)
		}
	})
}
