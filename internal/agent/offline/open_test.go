package offline_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
)

// openClient asks a handler over one of OpenAI's wires.
func openClient(t *testing.T, h http.Handler, api openai.API) *openai.Client {
	t.Helper()
	c, err := openai.New(openai.Config{HTTPClient: &http.Client{Transport: offline.NewTransport(h)}, BaseURL: "http://offline.localhost", API: api})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// openTask is an engineer's task in neutral words.
func openTask(maxTokens int64) agent.Request {
	b := agent.Brief{Role: "engineer", SpecPath: "s.md", Spec: "# Toolshed\n- x\n", TaskID: "app.core", Title: "Core", Goal: "All.",
		Requirements: []agent.BriefRequirement{{ID: "R1", Text: "x", Source: "2"}}}
	system, first := b.Render()
	write := `{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"]}`
	return agent.Request{
		Model: "offline", System: system, Messages: []agent.Message{first}, MaxTokens: maxTokens,
		Tools: append([]agent.ToolDef{{Name: "write_file", Schema: json.RawMessage(write)}}, agent.LoopTools()...),
	}
}

// The bytes on OpenAI's wires are held, so that a change of them is a decision.
func TestOpenWireGolden(t *testing.T) {
	t.Parallel()
	tool := `"name":"write_file","parameters":{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"]}`
	asked := openTask(1)
	rules, err := json.Marshal(asked.System[1])
	if err != nil {
		t.Fatal(err)
	}
	task, err := json.Marshal(asked.Messages[0].Words())
	if err != nil {
		t.Fatal(err)
	}
	chat := func(limit int, more string) string {
		return fmt.Sprintf(`{"model":"offline","max_tokens":%d,"messages":[{"role":"system","content":%s},{"role":"user","content":%s}],"tools":[{"type":"function","function":{%s}}]%s}`, limit, rules, task, tool, more)
	}
	responses := func(limit int, more string) string {
		return fmt.Sprintf(`{"model":"offline","max_output_tokens":%d,"instructions":%s,"input":[{"role":"user","content":%s}],"tools":[{"type":"function",%s}]%s}`, limit, rules, task, tool, more)
	}
	const streamed, counted = `,"stream":true`, `,"stream":true,"stream_options":{"include_usage":true}`
	for name, q := range map[string][2]string{
		"chat.json":          {"chat/completions", chat(4000, "")},
		"chat.sse":           {"chat/completions", chat(4000, counted)},
		"chat_uncounted.sse": {"chat/completions", chat(4000, streamed)},
		"chat_cut.sse":       {"chat/completions", chat(20, counted)},
		"chat_cut.json":      {"chat/completions", chat(20, "")},
		"chat.err":           {"chat/completions", `{"model":"offline","messages":[{"role":"robot","content":"x"}]}`},
		"responses.json":     {"responses", responses(4000, "")},
		"responses.sse":      {"responses", responses(4000, streamed)},
		"responses_cut.sse":  {"responses", responses(20, streamed)},
		"responses.err":      {"responses", `{"model":"gpt","input":"x"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, got, _ := post(t, offline.Handler(offline.Options{Author: small}), "/v1/"+q[0], q[1])
			path := filepath.Join("testdata", "wire", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
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

// What is said does not depend on the wire, and each wire's bill is in the ledger.
func TestWiresSayTheSame(t *testing.T) {
	t.Parallel()
	said := map[openai.API][]string{}
	for _, api := range []openai.API{openai.Chat, openai.Responses} {
		h := offline.Handler(offline.Options{Author: small})
		c := openClient(t, h, api)
		req := openTask(4000)
		var bill agent.Usage
		for range 2 {
			resp, err := c.Complete(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			bill.Input, bill.Output = bill.Input+resp.Usage.Input, bill.Output+resp.Usage.Output
			results := agent.Message{Role: agent.User}
			for _, call := range resp.Message.Calls() {
				said[api] = append(said[api], call.Name+string(call.Input))
				failed := call.Name == agent.FinishTool
				results.Blocks = append(results.Blocks, agent.Block{Kind: agent.ResultBlock, ID: call.ID, Text: "main.go is wrong", Error: failed})
			}
			req.Messages = append(req.Messages, resp.Message, results)
		}
		if l := h.Ledger(); l.Bill != bill || l.Answered != 2 || l.Repeated != 0 || bill.Output == 0 {
			t.Errorf("%s: ledger %+v, the client was told %+v", api, l, bill)
		}
	}
	if diff := cmp.Diff(said[openai.Chat], said[openai.Responses]); diff != "" || len(said[openai.Chat]) < 3 {
		t.Errorf("%d calls; %s", len(said[openai.Chat]), diff)
	}
}

// Prefixes are cached without marks, as OpenAI does; nothing is billed for writing them.
func TestOpenCache(t *testing.T) {
	t.Parallel()
	for _, api := range []openai.API{openai.Chat, openai.Responses} {
		c := openClient(t, offline.Handler(offline.Options{Author: small, Cache: true}), api)
		req := openTask(4000)
		req.System = append(req.System, strings.Repeat("a rule that is shared. ", 400))
		first, err := c.Complete(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		req.Messages = append(req.Messages, first.Message, agent.Message{Role: agent.User})
		for _, call := range first.Message.Calls() {
			last := &req.Messages[len(req.Messages)-1]
			last.Blocks = append(last.Blocks, agent.Block{Kind: agent.ResultBlock, ID: call.ID, Text: "ok"})
		}
		second, err := c.Complete(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if first.Usage.CacheRead != 0 || second.Usage.CacheRead != first.Usage.Input || second.Usage.Input == 0 {
			t.Errorf("%s: %+v, then %+v", api, first.Usage, second.Usage)
		}
	}
}

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	const chat, responses = "/v1/chat/completions", "/v1/responses"
	says := `"messages":[{"role":"user","content":"x"}]`
	for name, tt := range map[string]struct {
		path, body string
		status     int
		want       string
	}{
		"not JSON":              {chat, `{`, 400, "could not parse"},
		"another model":         {chat, `{"model":"gpt",` + says + `}`, 404, "model_not_found"},
		"no messages":           {chat, `{"model":"offline"}`, 400, "empty array"},
		"no room":               {chat, `{"model":"offline","max_tokens":0,` + says + `}`, 400, "below minimum"},
		"too much room":         {chat, `{"model":"offline","max_completion_tokens":999999999,` + says + `}`, 400, "too large"},
		"two answers":           {chat, `{"model":"offline","n":2,` + says + `}`, 400, "gives one answer"},
		"forced":                {chat, `{"model":"offline","tool_choice":"required",` + says + `}`, 400, "cannot be forced"},
		"JSON without a schema": {chat, `{"model":"offline","response_format":{"type":"json_object"},` + says + `}`, 400, "response_format"},
		"another schema":        {chat, `{"model":"offline","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"title":"weather"}}},` + says + `}`, 400, "answers only the JSON schema"},
		"bad tool":              {chat, `{"model":"offline","tools":[{"type":"function","function":{"name":"a b"}}],` + says + `}`, 400, "tools[0].name"},
		"call without result":   {chat, `{"model":"offline","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"n","arguments":"{}"}}]},{"role":"user","content":"x"}]}`, 400, "without"},
		"call that is no JSON":  {chat, `{"model":"offline","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"n","arguments":"{"}}]}]}`, 400, "no JSON object"},
		"kept answers":          {responses, `{"model":"offline","input":"x","previous_response_id":"resp_1"}`, 400, "keeps nothing"},
		"reference":             {responses, `{"model":"offline","input":[{"type":"item_reference","id":"x"}]}`, 400, "keeps nothing"},
		"no input":              {responses, `{"model":"offline"}`, 400, "expected a string or an array"},
		"odd role":              {responses, `{"model":"offline","input":[{"role":"robot","content":"x"}]}`, 400, "robot"},
		"a plain text":          {responses, `{"model":"offline","input":"x"}`, 200, "not a language model"},
		"a plain text, chat":    {chat, `{"model":"offline",` + says + `}`, 200, "not a language model"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, header := post(t, offline.Handler(offline.Options{Author: small}), tt.path, tt.body)
			if status != tt.status || !strings.Contains(unescape(body), tt.want) || header.Get("X-Request-Id") == "" {
				t.Errorf("%d %s; want %d with %q", status, body, tt.status, tt.want)
			}
			if status != 200 && !strings.HasPrefix(body, `{"error":{"message":`) {
				t.Errorf("not the error shape of the API: %s", body)
			}
		})
	}
	h := offline.Handler(offline.Options{Key: "sesame"})
	if status, body, _ := post(t, h, chat, `{"model":"offline",`+says+`}`); status != 401 || !strings.Contains(body, "invalid_api_key") {
		t.Errorf("without a key: %d %s", status, body)
	}
	if _, body, _ := get(t, h, "GET", "/v1/models", "Authorization", "Bearer sesame"); !strings.Contains(body, `"object":"list"`) || !strings.Contains(body, `"owned_by":"builder"`) {
		t.Errorf("models: %s", body)
	}
}
