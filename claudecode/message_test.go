package claudecode_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/claudecode"
)

// messages are lines as the CLI prints them, and what is read from each: fields by path, "" for none.
var messages = []struct {
	name, line string
	want       claudecode.Message // its type
	see        func(claudecode.Message) string
	says       string
}{
	{"T46 user text", `{"type":"user","uuid":"u","message":{"role":"user","content":"hi"}}`, &claudecode.User{},
		func(m claudecode.Message) string { u := m.(*claudecode.User); return u.UUID + u.Message.Text() }, "uhi"},
	{"T46 tool result", `{"type":"user","parent_tool_use_id":"p","tool_use_result":{"x":1},"message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"out"}],"is_error":true},{"type":"text","text":"more"}]}}`, &claudecode.User{},
		func(m claudecode.Message) string {
			u := m.(*claudecode.User)
			b := u.Message.Content[0]
			return words(u.ParentToolUseID, b.ToolUseID, b.ResultText(), b.IsError, len(u.Message.Content), string(u.ToolUseResult))
		}, `p t out true 2 {"x":1}`},
	{"T46 result as a string", `{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"out"}]}}`, &claudecode.User{},
		func(m claudecode.Message) string { return m.(*claudecode.User).Message.Content[0].ResultText() }, "out"},
	{"T47 origin", `{"type":"user","origin":{"kind":"task-notification","x":1},"message":{"content":"a"}}`, &claudecode.User{},
		func(m claudecode.Message) string { return m.(*claudecode.User).Origin.Kind }, "task-notification"},
	{"T47 malformed origin", `{"type":"user","origin":"odd","message":{"content":"a"}}`, &claudecode.User{},
		func(m claudecode.Message) string { return m.(*claudecode.User).Origin.Kind + "." }, "."},
	{"T47 no origin", `{"type":"user","origin":null,"message":{"content":"a"}}`, &claudecode.User{},
		func(m claudecode.Message) string { return words(m.(*claudecode.User).Origin == nil) }, "true"},
	{"T48 assistant", `{"type":"assistant","session_id":"s","uuid":"u","error":"rate_limit","request_id":"r","message":{"id":"m","model":"<synthetic>","stop_reason":null,"usage":{"input_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":2}},"content":[{"type":"text","text":"a"},{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}},{"type":"server_tool_use","id":"q","name":"web_search","input":{}},{"type":"brand_new","x":1}]}}`, &claudecode.Assistant{},
		func(m claudecode.Message) string {
			a := m.(*claudecode.Assistant)
			c := a.Message.Content
			return words(a.SessionID, a.UUID, a.Error, a.RequestID, a.Synthetic(), a.Message.Text(), c[1].Thinking, c[1].Signature, c[2].Name, string(c[2].Input), c[3].Type, string(c[4].Raw), a.Message.Usage.InputTokens, a.Message.Usage.CacheCreation.Ephemeral1hInputTokens)
		}, `s u rate_limit r true a hm sig Bash {"command":"ls"} server_tool_use {"type":"brand_new","x":1} 5 2`},
	{"T49 task started", `{"type":"system","subtype":"task_started","task_id":"k","task_type":"local_agent","description":"d"}`, &claudecode.TaskStarted{},
		func(m claudecode.Message) string { return m.(*claudecode.TaskStarted).TaskType }, "local_agent"},
	{"T49 task progress", `{"type":"system","subtype":"task_progress","task_id":"k","usage":{"total_tokens":9,"tool_uses":2,"duration_ms":3},"last_tool_name":"Bash"}`, &claudecode.TaskProgress{},
		func(m claudecode.Message) string {
			p := m.(*claudecode.TaskProgress)
			return words(p.Usage.TotalTokens, p.LastToolName)
		}, "9 Bash"},
	{"T49 task notification", `{"type":"system","subtype":"task_notification","task_id":"k","status":"stopped","summary":"s"}`, &claudecode.TaskNotification{},
		func(m claudecode.Message) string { return m.(*claudecode.TaskNotification).Status }, "stopped"},
	{"T50 terminal", `{"type":"system","subtype":"task_updated","task_id":"k","patch":{"status":"killed","end_time":1}}`, &claudecode.TaskUpdated{}, terminal, "killed true"},
	{"T50 running", `{"type":"system","subtype":"task_updated","task_id":"k","patch":{"status":"running"}}`, &claudecode.TaskUpdated{}, terminal, "running false"},
	{"T50 no patch", `{"type":"system","subtype":"task_updated","task_id":"k"}`, &claudecode.TaskUpdated{}, terminal, " false"},
	{"T50 patch without status", `{"type":"system","subtype":"task_updated","task_id":"k","patch":{}}`, &claudecode.TaskUpdated{}, terminal, " false"},
	{"T50 patch is no object", `{"type":"system","subtype":"task_updated","task_id":"k","patch":"x"}`, &claudecode.TaskUpdated{}, terminal, " false"},
	{"T51 unknown subtype", `{"type":"system","subtype":"brand_new","n":1}`, &claudecode.System{}, raw, `{"type":"system","subtype":"brand_new","n":1}`},
	{"T51 unknown type", ` {"type":"brand_new"} `, &claudecode.Unknown{}, raw, `{"type":"brand_new"}`},
	{"T52 result", `{"type":"result","subtype":"error_during_execution","is_error":true,"api_error_status":529,"errors":["a",7,"b"],"stop_reason":null,"terminal_reason":"aborted_tools","deferred_tool_use":{"id":"t"},"structured_output":{"answer":42},"modelUsage":{"m":{"inputTokens":4,"costUSD":0.25,"thinkingTokens":3}},"permission_denials":[{"tool_name":"Bash"}],"origin":{"kind":"task-notification"}}`, &claudecode.Result{},
		func(m claudecode.Message) string {
			r := m.(*claudecode.Result)
			return words(r.APIErrorStatus, r.Errors, r.StopReason, r.TerminalReason, string(r.DeferredToolUse), string(r.StructuredOutput), r.ModelUsage["m"].CostUSD, r.ModelUsage["m"].ThinkingTokens, r.PermissionDenials[0].ToolName, r.Origin.Kind)
		}, `529 [a b]  aborted_tools {"id":"t"} {"answer":42} 0.25 3 Bash task-notification`},
	{"T52 minimal result", `{"type":"result","subtype":"success"}`, &claudecode.Result{},
		func(m claudecode.Message) string { return m.(*claudecode.Result).Text }, ""},
	{"T53 rate limit", `{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1700000000,"rateLimitType":"five_hour","utilization":0.91}}`, &claudecode.RateLimit{},
		func(m claudecode.Message) string {
			i := m.(*claudecode.RateLimit).Info
			return words(i.Status, i.Type, i.Utilization)
		}, "rejected five_hour 0.91"},
	{"T53 minimal rate limit", `{"type":"rate_limit_event","rate_limit_info":{"status":"allowed"}}`, &claudecode.RateLimit{},
		func(m claudecode.Message) string { return m.(*claudecode.RateLimit).Info.Status }, "allowed"},
	{"T53 conversation reset", `{"type":"conversation_reset","new_conversation_id":"n"}`, &claudecode.ConversationReset{},
		func(m claudecode.Message) string { return m.(*claudecode.ConversationReset).NewConversationID }, "n"},
	{"T53 hook event", `{"type":"system","subtype":"hook_response","hook_id":"h","hook_event":"Stop","exit_code":2,"outcome":"error"}`, &claudecode.HookEvent{},
		func(m claudecode.Message) string {
			h := m.(*claudecode.HookEvent)
			return words(h.Event, h.ExitCode)
		}, "Stop 2"},
	{"stream event", `{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"wo"}}}`, &claudecode.StreamEvent{},
		func(m claudecode.Message) string { return m.(*claudecode.StreamEvent).TextDelta() }, "wo"},
	{"init", `{"type":"system","subtype":"init","session_id":"s","model":"m","tools":["Bash"],"agents":[{"name":"rv"},"x"],"mcp_servers":[{"name":"calc","status":"failed"}],"claude_code_version":"2.1.197"}`, &claudecode.Init{},
		func(m claudecode.Message) string {
			i := m.(*claudecode.Init)
			return words(i.Model, i.Tools, i.Agents, i.MCPServers, i.Version)
		}, "m [Bash] [rv x] [{calc failed}] 2.1.197"},
	{"retry", `{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"retry_delay_ms":550.5,"error_status":null,"error":"unknown"}`, &claudecode.APIRetry{},
		func(m claudecode.Message) string { return words(m.(*claudecode.APIRetry).RetryDelayMillis) }, "550.5"},
	{"fallback", `{"type":"system","subtype":"model_fallback","trigger":"overloaded","fallback_model":"f"}`, &claudecode.ModelFallback{},
		func(m claudecode.Message) string { return m.(*claudecode.ModelFallback).FallbackModel }, "f"},
	{"compaction", `{"type":"system","subtype":"compact_boundary","compact_metadata":{"pre_tokens":7}}`, &claudecode.CompactBoundary{},
		func(m claudecode.Message) string { return words(m.(*claudecode.CompactBoundary).Metadata.PreTokens) }, "7"},
	{"mirror", `{"type":"transcript_mirror","filePath":"/f","entries":[{"a":1}]}`, &claudecode.TranscriptMirror{},
		func(m claudecode.Message) string { return string(m.(*claudecode.TranscriptMirror).Entries[0]) }, `{"a":1}`},
}

func words(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }

func terminal(m claudecode.Message) string {
	u := m.(*claudecode.TaskUpdated)
	return words(u.Status, u.Terminal())
}

func raw(m claudecode.Message) string { return string(m.Head().Raw) }

func TestMessages(t *testing.T) {
	t.Parallel()
	for _, c := range messages {
		m, err := claudecode.ParseMessage([]byte(c.line))
		if err != nil || reflect.TypeOf(m) != reflect.TypeOf(c.want) {
			t.Errorf("%s: got %T, %v", c.name, m, err)
			continue
		}
		if got := c.see(m); got != c.says {
			t.Errorf("%s: got %s, want %s", c.name, got, c.says)
		}
		if string(m.Head().Raw) != strings.TrimSpace(c.line) {
			t.Errorf("%s: the raw line is %s", c.name, m.Head().Raw)
		}
	}
}

// T54: a line of the wrong shape is an error with the line; what fits is read all the same.
func TestMessageMisfits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, line string
		message    bool
	}{
		{"no JSON", `{"type":`, false},
		{"no object", `["type"]`, false},
		{"no type", `{"uuid":"u"}`, false},
		{"assistant without message", `{"type":"assistant","uuid":"u"}`, true},
		{"assistant with text for content", `{"type":"assistant","uuid":"u","message":{"content":"text"}}`, true},
		{"block that is no object", `{"type":"assistant","uuid":"u","message":{"content":["text"]}}`, true},
		{"block without type", `{"type":"assistant","uuid":"u","message":{"content":[{}]}}`, true},
		{"user without message", `{"type":"user","uuid":"u"}`, true},
		{"user with a number", `{"type":"user","uuid":"u","message":{"content":7}}`, true},
		{"result without subtype", `{"type":"result","uuid":"u"}`, true},
		{"result with text for a number", `{"type":"result","uuid":"u","subtype":"success","num_turns":"many","result":"all the same"}`, true},
		{"task without id", `{"type":"system","subtype":"task_started","uuid":"u"}`, true},
		{"rate limit without status", `{"type":"rate_limit_event","uuid":"u"}`, true},
		{"system without subtype", `{"type":"system","uuid":"u"}`, true},
	} {
		m, err := claudecode.ParseMessage([]byte(c.line))
		var bad *claudecode.MessageError
		if !errors.As(err, &bad) || string(bad.Line) != c.line {
			t.Errorf("%s: got error %v", c.name, err)
		}
		if (m != nil) != c.message || m != nil && (m.Head().UUID != "u" || m.Head().Misfit == nil) {
			t.Errorf("%s: got message %+v", c.name, m)
		}
		if r, ok := m.(*claudecode.Result); ok && r.Subtype != "" && r.Text != "all the same" {
			t.Errorf("%s: got %q", c.name, r.Text)
		}
	}
}

// T40, T52: what a result says about its turn.
func TestResultErr(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fields string
		kind         error
		says         string // "" for a good end
	}{
		{"good", `"subtype":"success","stop_reason":"end_turn"`, nil, ""},
		{"good by stop sequence", `"subtype":"success","stop_reason":"stop_sequence"`, nil, ""},
		{"structured output", `"subtype":"success","stop_reason":"tool_use","structured_output":{}`, nil, ""},
		{"stream cut cleanly", `"subtype":"success","stop_reason":null,"result":"half an ans"`, claudecode.ErrTruncated, "cut off"},
		{"pause", `"subtype":"success","stop_reason":"pause_turn"`, claudecode.ErrTruncated, "pause_turn"},
		{"API error that is called a success", `"subtype":"success","is_error":true,"api_error_status":429,"result":"API Error: 429"`, claudecode.ErrRateLimited, "API Error: 429"},
		{"overloaded", `"subtype":"success","is_error":true,"api_error_status":529`, claudecode.ErrOverloaded, "HTTP status 529"},
		{"key", `"subtype":"success","is_error":true,"api_error_status":401`, claudecode.ErrAuthentication, "401"},
		{"model", `"subtype":"success","is_error":true,"api_error_status":404`, claudecode.ErrModel, "404"},
		{"too long", `"subtype":"success","is_error":true,"api_error_status":400,"terminal_reason":"prompt_too_long","result":"Prompt is too long"`, claudecode.ErrContextOverrun, "Prompt is too long"},
		{"refusal", `"subtype":"success","is_error":true,"stop_reason":"refusal"`, claudecode.ErrRefused, "turn failed"},
		{"turns", `"subtype":"error_max_turns","is_error":true,"errors":["Reached maximum number of turns (1)"]`, claudecode.ErrMaxTurns, "number of turns"},
		{"budget", `"subtype":"error_max_budget_usd","is_error":true,"errors":[]`, claudecode.ErrBudget, "error_max_budget_usd"},
		{"output", `"subtype":"error_max_structured_output_retries","is_error":true`, claudecode.ErrStructuredOutput, "structured"},
		{"interrupted", `"subtype":"error_during_execution","is_error":true,"terminal_reason":"aborted_streaming"`, claudecode.ErrInterrupted, "error_during_execution"},
		{"error subtype without is_error", `"subtype":"error_during_execution"`, nil, "error_during_execution"},
		{"errors come first", `"subtype":"error_during_execution","is_error":true,"errors":["first"],"result":"second"`, nil, "first"},
		{"blank errors", `"subtype":"error_during_execution","is_error":true,"errors":["  "],"result":" text "`, nil, "text"},
		{"malformed errors", `"subtype":"error_during_execution","is_error":true,"errors":{"a":1},"result":"text"`, nil, "text"},
		{"nothing at all", `"subtype":"success","is_error":true`, nil, "turn failed"},
	} {
		m, err := claudecode.ParseMessage([]byte(`{"type":"result",` + c.fields + `}`))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := m.(*claudecode.Result).Err()
		var failed *claudecode.ResultError
		switch {
		case c.says == "":
			if got != nil {
				t.Errorf("%s: got %v", c.name, got)
			}
		case !errors.As(got, &failed) || failed.Kind != c.kind || c.kind != nil && !errors.Is(got, c.kind) || !strings.Contains(got.Error(), c.says):
			t.Errorf("%s: got %v, want %v with %q", c.name, got, c.kind, c.says)
		}
	}
}
