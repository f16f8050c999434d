package anthropic_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

func event(kind, data string) string { return fmt.Sprintf("event: %s\ndata: %s\n\n", kind, data) }

const started = `{"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"x","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}`

func stopped(reason string) string {
	return event("message_delta", `{"type":"message_delta","delta":{"stop_reason":`+reason+`},"usage":{"output_tokens":9}}`) + event("message_stop", `{"type":"message_stop"}`)
}

func block(i int, start string, deltas ...string) string {
	s := event("content_block_start", fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, i, start))
	for _, d := range deltas {
		s += event("content_block_delta", fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":%s}`, i, d))
	}
	return s + event("content_block_stop", fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, i))
}

const stream = "text/event-stream"

// A body that is not a whole answer of the API is a failure, never an answer.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	start := event("message_start", started)
	text := block(0, `{"type":"text","text":""}`, `{"type":"text_delta","text":"hi"}`)
	use := func(id string) string { return `{"type":"tool_use","id":"` + id + `","name":"run","input":{}}` }
	tests := []struct {
		name, contentType, body string
		class                   agent.Class
	}{
		{"empty", stream, "", agent.Retry},
		{"only pings", stream, event("ping", `{"type":"ping"}`), agent.Retry},
		{"no stop", stream, start + text, agent.Retry},
		{"stop reason without message_stop", stream, start + text + strings.Split(stopped(`"end_turn"`), "event: message_stop")[0], agent.Retry},
		{"message_stop without a reason", stream, start + text + stopped("null"), agent.Retry},
		{"message_stop not ended", stream, start + text + strings.TrimSuffix(stopped(`"end_turn"`), "\n\n"), agent.Retry},
		{"no start", stream, text + stopped(`"end_turn"`), agent.Retry},
		{"open block", stream, start + strings.Split(text, "event: content_block_stop")[0] + stopped(`"tool_use"`), agent.Retry},
		{"index jumps", stream, start + block(3, `{"type":"text","text":""}`) + stopped(`"end_turn"`), agent.Retry},
		{"delta beyond", stream, start + event("content_block_delta", `{"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":"x"}}`) + stopped(`"end_turn"`), agent.Retry},
		{"negative index", stream, start + event("content_block_delta", `{"type":"content_block_delta","index":-1,"delta":{"type":"input_json_delta","partial_json":"x"}}`) + stopped(`"end_turn"`), agent.Retry},
		{"broken event", stream, start + event("content_block_start", `{"type":`) + stopped(`"end_turn"`), agent.Retry},
		{"same id twice", stream, start + block(0, use("a")) + block(1, use("a")) + stopped(`"tool_use"`), agent.Retry},
		{"no id", stream, start + block(0, use("")) + stopped(`"tool_use"`), agent.Retry},
		{"error event", stream, start + event("error", `{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`), agent.Retry},
		{"error event of the wallet", stream, start + event("error", `{"type":"error","error":{"type":"billing_error","message":"pay"}}`), agent.PauseBuild},
		{"error event without sense", stream, start + event("error", `oops`), agent.Retry},
		{"HTML", "text/html", "<html>", agent.Retry},
		{"no type", "", "x", agent.Retry},
		{"JSON, not a message", "application/json", `{"type":"other"}`, agent.Retry},
		{"JSON, broken", "application/json", `{"type":"message",`, agent.Retry},
		{"JSON, no stop reason", "application/json", `{"type":"message","id":"m","content":[],"stop_reason":null}`, agent.Retry},
		{"JSON error", "application/json", `{"type":"error","error":{"type":"rate_limit_error","message":"slow"},"request_id":"r1"}`, agent.WaitUntil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := client(t, "https://example.com").Replay(t.Context(), agenttest.Ask(), tt.contentType, []byte(tt.body))
			var f *agent.Failure
			if !errors.As(err, &f) || f.Class != tt.class {
				t.Errorf("got %+v, %v, want a failure of class %s", got, err, tt.class)
			}
		})
	}
}

// Thinking, and blocks that this program does not know, go back as they came.
func TestOpaqueBlocks(t *testing.T) {
	t.Parallel()
	body := event("message_start", started) +
		block(0, `{"type":"thinking","thinking":"","signature":""}`, `{"type":"thinking_delta","thinking":"a<b"}`, `{"type":"signature_delta","signature":"s+/="}`) +
		block(1, `{"type":"redacted_thinking","data":"xyz=="}`) +
		block(2, `{"type":"server_tool_use","id":"srv","name":"web_search","input":{"q":"x"}}`) +
		block(3, `{"type":"brand_new","payload":{"b":1,"a":[2]}}`) +
		block(4, `{"type":"tool_use","id":"t","name":"run","input":{}}`, `{"type":"input_json_delta","partial_json":""}`, `{"type":"input_json_delta","partial_json":"{\"command\": \"l"}`, `{"type":"input_json_delta","partial_json":"s\"}"}`) +
		stopped(`"tool_use"`)
	s := agenttest.Serve(t, agenttest.Say("next"))
	c := client(t, s.URL)
	resp, err := c.Replay(t.Context(), agenttest.Ask(), stream+"; charset=utf-8", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if want := (agent.Usage{Input: 5, Output: 9}); resp.Usage != want {
		t.Errorf("usage %+v", resp.Usage)
	}
	req := agenttest.Ask()
	req.Messages = append(req.Messages, resp.Message, agent.Message{Role: agent.User, Blocks: []agent.Block{{Kind: agent.ResultBlock, ID: "t", Text: "ok"}}})
	if _, err := c.Complete(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	sent := string(s.Requests()[0].Body)
	for _, want := range []string{
		`"signature":"s+/="`, `{"type":"redacted_thinking","data":"xyz=="}`, `{"type":"server_tool_use","id":"srv","name":"web_search","input":{"q":"x"}}`,
		`{"type":"brand_new","payload":{"b":1,"a":[2]}}`, `"input":{"command":"ls"}`,
	} {
		if !strings.Contains(sent, want) {
			t.Errorf("%s is missing in %s", want, sent)
		}
	}
	if calls := resp.Message.Calls(); len(calls) != 1 || string(calls[0].Input) != `{"command": "ls"}` {
		t.Errorf("calls %s", calls)
	}
}

// An answer that came whole reads like one that was streamed.
func TestWholeAnswers(t *testing.T) {
	t.Parallel()
	body := `{"id":"m1","type":"message","role":"assistant","model":"x","content":[{"type":"text","text":"hi"},{"type":"tool_use","id":"t","name":"run","input":{"command": "ls"}}],"stop_reason":"tool_use","usage":{"input_tokens":5,"output_tokens":9,"cache_creation_input_tokens":7}}`
	got, err := client(t, "https://example.com").Replay(t.Context(), agenttest.Ask(), "application/json", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := agent.Response{
		ID: "m1", Model: "x", Stop: agent.StopTools, Usage: agent.Usage{Input: 5, Output: 9, CacheWrite5m: 7},
		Message: agent.Message{Role: agent.Assistant, Blocks: []agent.Block{
			{Kind: agent.TextBlock, Text: "hi"}, {Kind: agent.UseBlock, ID: "t", Name: "run", Input: []byte(`{"command": "ls"}`)},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever a body holds, it is read as an answer or as a failure, and the same way each time.
func FuzzReplay(f *testing.F) {
	_, body := agenttest.Stream(agenttest.Turn{Thinking: "hm", Text: "so", Calls: []agent.ToolCall{agenttest.Write("a", "b")}}, 0, "m")
	f.Add(stream, body)
	f.Add(stream, body[:len(body)-30])
	f.Add(stream, bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n")))
	f.Add("application/json", []byte(`{"type":"message","content":[{"type":"tool_use"}],"stop_reason":"end_turn"}`))
	f.Add("application/json", []byte(`{"type":"error","error":{"type":7}}`))
	c := client(f, "https://example.com")
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		if strings.ContainsFunc(contentType, func(r rune) bool { return r < ' ' }) {
			return // not a header
		}
		first, err := c.Replay(t.Context(), agenttest.Ask(), contentType, body)
		var fail *agent.Failure
		if err != nil && !errors.As(err, &fail) {
			t.Fatalf("neither answer nor failure: %v", err)
		}
		if err == nil && first.Stop == "" {
			t.Fatal("an answer without a stop reason")
		}
		again, err2 := c.Replay(t.Context(), agenttest.Ask(), contentType, body)
		if fmt.Sprint(err) != fmt.Sprint(err2) || !cmp.Equal(first, again) {
			t.Fatalf("read differently: %v, %v", err, err2)
		}
	})
}
