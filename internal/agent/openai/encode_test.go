package openai_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
)

// sent is the body that a request has on the wire.
func sent(t testing.TB, api openai.API, req agent.Request) string {
	t.Helper()
	s := agenttest.Serve(t, agenttest.Say("ok"))
	if _, err := client(t, s.URL, api).Complete(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	return string(s.Requests()[0].Body)
}

func talk() agent.Request {
	req := agenttest.Ask()
	req.Effort, req.Schema = "xhigh", json.RawMessage(`{"type":"object","title":"z","properties":{"b":{"type":"string"},"a":{"type":"integer"}},"required":["b","a"],"additionalProperties":false}`)
	req.Messages = append(req.Messages,
		agent.Message{Role: agent.Assistant, Blocks: []agent.Block{
			{Kind: agent.ThinkingBlock, Text: "hm", Opaque: json.RawMessage(`{"reasoning_content":"hm <&>"}`)},
			{Kind: agent.ThinkingBlock, Text: "hm", Opaque: json.RawMessage(`{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x"}`)},
			{Kind: agent.TextBlock, Text: "  "},
			{Kind: agent.UseBlock, ID: "1", Name: "run", Input: json.RawMessage(`{"z":1,"a":2}`), Opaque: json.RawMessage(`{"extra_content":{"k":1}}`)},
			{Kind: agent.UseBlock, ID: "2", Name: "made up!", Input: json.RawMessage(`"{\"cut"`)},
		}},
		agent.Message{Role: agent.User, Blocks: []agent.Block{
			{Kind: agent.ResultBlock, ID: "1", Text: ""}, {Kind: agent.ResultBlock, ID: "2", Text: "no JSON", Error: true}, {Kind: agent.TextBlock, Text: "Note."},
		}},
		agent.Message{Role: agent.Assistant},
		agent.Say(agent.User, "go on <&>"),
	)
	return req
}

func TestRequestGolden(t *testing.T) {
	t.Parallel()
	for api := range apis {
		got := sent(t, api, talk()) + "\n"
		path := "testdata/request." + string(api) + ".golden"
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("run with -update to accept:\n%s", diff)
		}
		for range 20 {
			if again := sent(t, api, talk()) + "\n"; again != got {
				t.Fatalf("the same request has other bytes:\n%s\n%s", got, again)
			}
		}
	}
}

// The conversation of one request is byte for byte the beginning of the next one's: caches of prefixes
// live on it.
func TestRequestsOnlyGrow(t *testing.T) {
	t.Parallel()
	for api, key := range map[openai.API]string{openai.Chat: "messages", openai.Responses: "input"} {
		items := func(req agent.Request) []json.RawMessage {
			var body map[string]json.RawMessage
			var list []json.RawMessage
			if err := json.Unmarshal([]byte(sent(t, api, req)), &body); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(body[key], &list); err != nil {
				t.Fatal(err)
			}
			return list
		}
		req := talk()
		before := items(req)
		req.Messages = append(req.Messages, agent.Say(agent.Assistant, "yes"), agent.Say(agent.User, "more"))
		after := items(req)
		if diff := cmp.Diff(before, after[:len(before)]); diff != "" || len(after) != len(before)+2 {
			t.Errorf("%s: %s", api, diff)
		}
	}
}

// A schema is enforced to the letter only where it can be.
func TestStrictSchemas(t *testing.T) {
	t.Parallel()
	for schema, strict := range map[string]bool{
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`:                                     true,
		`{"type":"object","properties":{},"additionalProperties":false}`:                                                                           true,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`:                                                                  false,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}`:                                        false,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object"}}},"required":["a"],"additionalProperties":false}`:            false,
		`{"type":"object","properties":{"a":{"type":"string","minLength":1}},"required":["a"],"additionalProperties":false}`:                       false,
		`{"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["a"],"additionalProperties":false}`:         true,
		`{"type":"object","properties":{"a":{"anyOf":[{"type":"object"}]}},"required":["a"],"additionalProperties":false}`:                         false,
		`{"type":["object","null"],"properties":{"a":{"enum":["x"],"description":"d"}},"required":["a"],"additionalProperties":false,"title":"t"}`: true,
	} {
		req := agenttest.Ask()
		req.Schema = json.RawMessage(schema)
		if got := strings.Contains(sent(t, openai.Chat, req), `"strict":true`); got != strict {
			t.Errorf("%s: %v", schema, got)
		}
	}
}

// What a model says around the JSON it was asked for is taken off; other answers stay as they are.
func TestStructuredAnswersAreUnwrapped(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		`{"a":1}`: `{"a":1}`, "```json\n{\"a\":1}\n```": `{"a":1}`, "Here it is: {\"a\":{\"b\":[1]}}. Enjoy!": `{"a":{"b":[1]}}`,
		"[1,2] is it": "[1,2]", "no JSON": "no JSON", "{broken": "{broken", `"text"`: `"text"`,
	} {
		s := agenttest.Serve(t, agenttest.Turn{Thinking: "hm", Text: said}, agenttest.Say(said))
		c := client(t, s.URL, openai.Chat)
		req := agenttest.Ask()
		req.Schema = json.RawMessage(`{"type":"object"}`)
		resp, err := c.Complete(t.Context(), req)
		if err != nil || resp.Message.Words() != want || resp.Message.Blocks[0].Kind != agent.ThinkingBlock {
			t.Errorf("%q: %+v, %v", said, resp.Message, err)
		}
		req.Schema = nil
		if resp, err = c.Complete(t.Context(), req); err != nil || resp.Message.Words() != said {
			t.Errorf("%q was changed without being asked for JSON: %+v, %v", said, resp.Message, err)
		}
	}
}
