package openai_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
)

var update = flag.Bool("update", false, "write golden files")

// recording is the body of an answer, as a server of that name sends it (by hand, after their sources
// and documents).
type recording struct {
	api         openai.API
	name        string
	contentType string
	body        []byte
}

func recordings(t testing.TB) []recording {
	t.Helper()
	var all []recording
	for api := range apis {
		files, err := filepath.Glob(filepath.Join("testdata", string(api), "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			kind := map[string]string{".sse": "text/event-stream", ".json": "application/json"}[filepath.Ext(f)]
			if kind == "" {
				continue
			}
			body, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, recording{api, string(api) + "/" + filepath.Base(f), kind, body})
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d recordings", len(all))
	}
	return all
}

// What each server sends is read as its golden file says; replaying it gives the same again.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, "https://example.com", r.api)
			resp, err := c.Replay(t.Context(), agenttest.Ask(), r.contentType, r.body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(struct {
				ID, Model string
				Stop      agent.StopReason
				Usage     agent.Usage
				Blocks    []agent.Block
			}{resp.ID, resp.Model, resp.Stop, resp.Usage, resp.Message.Blocks}, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", r.name+".golden")
			if *update {
				if err := os.WriteFile(path, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("run with -update to accept:\n%s", diff)
			}
			again, err := c.Replay(t.Context(), agenttest.Ask(), r.contentType, r.body)
			if err != nil || !cmp.Equal(resp, again) {
				t.Errorf("read differently: %+v, %v", again, err)
			}
		})
	}
}

// A stream cut at any byte is a failure that may be sent again, never a part of an answer.
func TestCutAtEveryByte(t *testing.T) {
	t.Parallel()
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, "https://example.com", r.api)
			whole, err := c.Replay(t.Context(), agenttest.Ask(), r.contentType, r.body)
			if err != nil {
				t.Fatal(err)
			}
			step := 7
			if strings.HasSuffix(r.name, "/openai.sse") {
				step = 1 // the others differ in what they say, not in how it is cut
			}
			for n := 0; n < len(r.body); n += step {
				got, err := c.Replay(t.Context(), agenttest.Ask(), r.contentType, r.body[:n])
				var f *agent.Failure
				switch {
				case err == nil && cmp.Equal(got, whole): // what is cut off comes after the last event
				case !errors.As(err, &f) || f.Class != agent.Retry:
					t.Fatalf("cut at byte %d: %+v, %v", n, got, err)
				}
			}
		})
	}
}

// What a provider wants back with an answer goes back as it came: signatures, details, reasoning.
func TestOpaqueGoesBack(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"chat/gemini.sse":     {`"extra_content":{"google":{"thought_signature":"sig+/="}}`, `"id":"function-call-2"`, `"content":"Ok."`},
		"chat/openrouter.sse": {`"reasoning":"Let me"`, `"text":"Let me","type":"reasoning.text"`, `"signature":"c2ln<&>"`, `"data":"gAAA"`, `"id":"rs_1"`},
		"chat/deepseek.sse":   {`"reasoning_content":"Hm. Yes."`},
		"responses/openai.sse": {
			`{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Look first."}],"encrypted_content":"gAAAAAB<&>=="},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"I look."}],"phase":"commentary"},{"type":"function_call","call_id":"call_1","name":"run","arguments":"{\"command\":\"ls\"}"}`,
		},
		"responses/unknown_items.sse": {`{"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search","query":"x"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := openai.API(filepath.Dir(name))
			body, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			s := agenttest.Serve(t, agenttest.Say("next"))
			c := client(t, s.URL, api)
			resp, err := c.Replay(t.Context(), agenttest.Ask(), "text/event-stream", body)
			if err != nil {
				t.Fatal(err)
			}
			req := agenttest.Ask()
			req.Messages = append(req.Messages, resp.Message)
			results := agent.Message{Role: agent.User}
			for _, call := range resp.Message.Calls() {
				results.Blocks = append(results.Blocks, agent.Block{Kind: agent.ResultBlock, ID: call.ID, Text: "ok"})
			}
			req.Messages = append(req.Messages, results)
			if _, err := c.Complete(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			sent := string(s.Requests()[0].Body)
			for _, w := range want {
				if !strings.Contains(sent, w) {
					t.Errorf("%s is missing in %s", w, sent)
				}
			}
		})
	}
}

// Bodies that are no answer of the API are failures of their class.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	const stream, whole = "text/event-stream", "application/json"
	tests := []struct {
		name        string
		api         openai.API
		contentType string
		body        string
		class       agent.Class
	}{
		{"empty", openai.Chat, stream, "", agent.Retry},
		{"only [DONE]", openai.Chat, stream, "data: [DONE]\n\n", agent.Retry},
		{"no finish reason", openai.Chat, stream, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: [DONE]\n\n", agent.Retry},
		{"no [DONE]", openai.Chat, stream, "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n", agent.Retry},
		{"no JSON", openai.Chat, stream, "data: oops\n\n", agent.Retry},
		{"call without a name", openai.Chat, stream, "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"x\"}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n", agent.Retry},
		{"error as text", openai.Chat, stream, "data: {\"error\":\"an error was encountered while running the model\"}\n\n", agent.Retry},
		{"error of OpenRouter", openai.Chat, stream, "data: {\"id\":\"gen\",\"error\":{\"code\":402,\"message\":\"Insufficient credits\"},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n", agent.PauseBuild},
		{"error of vLLM", openai.Chat, stream, "data: {\"object\":\"error\",\"message\":\"too long\",\"type\":\"BadRequestError\",\"code\":400}\n\ndata: [DONE]\n\n", agent.FixRequest},
		{"error event", openai.Chat, stream, "event: error\ndata: {\"message\":\"slow down\",\"code\":429}\n\n", agent.WaitUntil},
		{"HTML", openai.Chat, "text/html", "<html>", agent.Retry},
		{"no type", openai.Chat, "", "x", agent.Retry},
		{"no choices", openai.Chat, whole, `{"object":"chat.completion","choices":[]}`, agent.Retry},
		{"whole error", openai.Chat, whole, `{"error":{"message":"Rate limit","type":"requests","code":"rate_limit_exceeded"}}`, agent.WaitUntil},
		{"no terminal event", openai.Responses, stream, "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}\n\n", agent.Retry},
		{"[DONE] instead", openai.Responses, stream, "data: [DONE]\n\n", agent.Retry},
		{"no response", openai.Responses, stream, "data: {\"type\":\"response.completed\"}\n\n", agent.Retry},
		{"still in progress", openai.Responses, stream, "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"in_progress\"}}\n\n", agent.Retry},
		{"open item", openai.Responses, stream, "data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{}}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[]}}\n\n", agent.Retry},
		{"cancelled", openai.Responses, stream, "data: {\"type\":\"response.cancelled\",\"response\":{\"status\":\"cancelled\"}}\n\n", agent.Retry},
		{"failed", openai.Responses, stream, "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"insufficient_quota\",\"message\":\"no money\"}}}\n\n", agent.PauseBuild},
		{"error at the top", openai.Responses, stream, "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\",\"param\":null}\n\n", agent.WaitUntil},
		{"odd item", openai.Responses, whole, `{"status":"completed","output":[7]}`, agent.Retry},
		{"queued", openai.Responses, whole, `{"status":"queued","output":[]}`, agent.Retry},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := client(t, "https://example.com", tt.api).Replay(t.Context(), agenttest.Ask(), tt.contentType, []byte(tt.body))
			var f *agent.Failure
			if !errors.As(err, &f) || f.Class != tt.class {
				t.Errorf("got %+v, %v, want a failure of class %s", got, err, tt.class)
			}
		})
	}
}

// Whatever a body holds, it is read as an answer or as a failure, and the same way each time.
func FuzzReplay(f *testing.F) {
	for _, r := range recordings(f) {
		f.Add(r.api == openai.Chat, r.contentType == "text/event-stream", r.body)
	}
	clients := map[bool]*openai.Client{true: client(f, "https://example.com", openai.Chat), false: client(f, "https://example.com", openai.Responses)}
	f.Fuzz(func(t *testing.T, chat, stream bool, body []byte) {
		kind := "application/json"
		if stream {
			kind = "text/event-stream"
		}
		first, err := clients[chat].Replay(t.Context(), agenttest.Ask(), kind, body)
		var fail *agent.Failure
		if err != nil && !errors.As(err, &fail) {
			t.Fatalf("neither answer nor failure: %v", err)
		}
		if err == nil && first.Stop == "" {
			t.Fatal("an answer without a stop reason")
		}
		ids := map[string]bool{}
		for _, c := range first.Message.Calls() {
			if c.ID == "" || ids[c.ID] || c.Name == "" || !json.Valid(c.Input) {
				t.Fatalf("a call that cannot be answered: %+v", c)
			}
			ids[c.ID] = true
		}
		again, err2 := clients[chat].Replay(t.Context(), agenttest.Ask(), kind, body)
		if fmt.Sprint(err) != fmt.Sprint(err2) || !cmp.Equal(first, again) {
			t.Fatalf("read differently: %v, %v", err, err2)
		}
	})
}
