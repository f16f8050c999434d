package agenttest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body)) //nolint:noctx // loopback in a test
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const question = `{"model":"m","max_tokens":5,"system":[{"type":"text","text":"rules"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"ok"}]},{"type":"text","text":"and?"}]}],"output_config":{"format":{"type":"json_schema"}}}`

func TestServerPlaysItsScript(t *testing.T) {
	t.Parallel()
	s := agenttest.Serve(t, agenttest.Turn{Text: "hi", Calls: []agent.ToolCall{agenttest.Run("ls")}})
	status, body := post(t, s.URL+"/any/v1/messages", question)
	var m struct {
		Type, Model string
		Stop        string `json:"stop_reason"`
		Content     []struct{ Type, Text, Name string }
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil || status != 200 || m.Type != "message" || m.Model != "m" || m.Stop != "tool_use" || len(m.Content) != 2 || m.Content[1].Name != "run" {
		t.Errorf("%d %s %v", status, body, err)
	}
	req := s.Requests()[0]
	if req.Last() != "ok\nand?" || req.Said() != "rules\nok\nand?" || !req.Planning() || req.Wire.Stream {
		t.Errorf("read %q %q %v", req.Last(), req.Said(), req.Planning())
	}
	if status, body := post(t, s.URL+"/v1/messages", question); status != 400 || !strings.Contains(body, "the script has 1 turns") {
		t.Errorf("beyond the script: %d %s", status, body)
	}
	if status, body := post(t, s.URL+"/v1/messages/count_tokens", question); status != 200 || !strings.Contains(body, "input_tokens") {
		t.Errorf("count: %d %s", status, body)
	}
	if status, _ := post(t, s.URL+"/v1/other", ""); status != 404 {
		t.Errorf("other path: %d", status)
	}
	if status, _ := post(t, s.URL+"/v1/messages", "{"); status != 400 {
		t.Errorf("broken request: %d", status)
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests were kept, want the model calls only", n)
	}
}

func TestServerAnswersByFunction(t *testing.T) {
	t.Parallel()
	s := agenttest.ServeFunc(t, func(n int, req agenttest.Request) agenttest.Turn {
		if req.Planning() && n == 0 {
			return agenttest.Say(`{"a":1}`)
		}
		return agenttest.Fail(529, "overloaded_error", "busy")
	})
	if _, body := post(t, s.URL+"/v1/messages", question); !strings.Contains(body, `{\"a\":1}`) {
		t.Error(body)
	}
	if status, body := post(t, s.URL+"/v1/messages", question); status != 529 || !strings.Contains(body, "overloaded_error") {
		t.Error(status, body)
	}
}

// The same script gives the same bytes, streamed as served.
func TestStreamIsDeterministic(t *testing.T) {
	t.Parallel()
	turn := agenttest.Turn{Thinking: "hm", Text: "wörld", Calls: []agent.ToolCall{agenttest.Write("a", "b")}}
	kind, first := agenttest.Stream(turn, 0, "m")
	if !strings.HasPrefix(kind, "text/event-stream") {
		t.Errorf("type %q", kind)
	}
	for range 10 {
		if _, again := agenttest.Stream(turn, 0, "m"); !bytes.Equal(again, first) {
			t.Fatal("other bytes")
		}
	}
	s := agenttest.Serve(t, turn)
	if _, served := post(t, s.URL+"/v1/messages", strings.Replace(question, `{"model"`, `{"stream":true,"model"`, 1)); served != string(first) {
		t.Error("served other bytes than Stream gives")
	}
}

func TestFakes(t *testing.T) {
	t.Parallel()
	m := agenttest.NewModel(agenttest.Say("one"))
	if resp, err := m.Complete(t.Context(), agenttest.Ask()); err != nil || resp.Message.Words() != "one" {
		t.Errorf("%+v %v", resp, err)
	}
	if _, err := m.Complete(t.Context(), agenttest.Ask()); err == nil || len(m.Requests()) != 2 {
		t.Errorf("beyond the script: %v", err)
	}
}
