package meter

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// oddStream is a stream, what of it may be seen, and how it is booked.
type oddStream struct {
	name, sent, seen string
	fate             budget.Fate
	kind             string
	uncounted        bool
}

func (tc oddStream) run(t *testing.T, sm sample) {
	t.Parallel()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	resp, err := w.door(answering(200, sse, strings.NewReader(tc.sent))).RoundTrip(sm.request(t.Context(), "http://host"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if diff := cmp.Diff(tc.seen, string(got)); diff != "" {
		t.Error(diff)
	}
	if (err == nil) != (tc.fate == budget.Answered) {
		t.Error(err)
	}
	resp.Body.Close()
	s := w.only(t)
	if s.Fate != tc.fate || s.ErrorType != tc.kind || s.Uncounted != tc.uncounted || s.Uncounted && s.Cost != 0 {
		t.Errorf("%+v", s)
	}
	a := w.guard.Account(budget.Build)
	if booked := s.Uncounted || s.Fate == budget.Unknown; booked != (a.Unknown > 0) || booked && a.Spent != 0 {
		t.Errorf("%+v is booked as %+v", s, a)
	}
	hold := budget.Hold{Op: s.Op, Price: testPrice, Money: budget.Dollar, Tokens: 100_000, Cache: budget.Cache5m, Dialect: sm.dialect.name()}
	if r := Recover(t.Context(), hold, []byte(tc.sent)); r.Fate != s.Fate || r.Uncounted != s.Uncounted || r.Cost != s.Cost {
		t.Errorf("after a crash: %+v\nand without one: %+v", r, s)
	}
}

const done = "data: [DONE]\n\n"

func usageFrame(usage string) string {
	return `data: {"choices":[],"usage":` + usage + "}\n\n"
}

func TestOddChatStreams(t *testing.T) {
	t.Parallel()
	text, end := chatText("hello"), chatEnd("stop")
	stop := chatFrame("", "stop")
	call := chatTool(0, "a", `{"x":`)
	const failure = `data: {"error":{"code":502,"message":"gone"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}` + "\n\n"
	small, large := `{"prompt_tokens":5,"completion_tokens":1}`, `{"prompt_tokens":50,"completion_tokens":9}`
	for _, tc := range []oddStream{
		{"text only", text + end, text + end, budget.Answered, "", false},
		{"usage with the finish reason", text + strings.Replace(stop, `"usage":null`, `"usage":`+chatUsage, 1) + done, text + strings.Replace(stop, `"usage":null`, `"usage":`+chatUsage, 1) + done, budget.Answered, "", false},
		{"usage that grows", text + usageFrame(small) + stop + usageFrame(large) + done, text + usageFrame(small) + stop + usageFrame(large) + done, budget.Answered, "", false},
		{"usage twice", text + stop + usageFrame(large) + usageFrame(large) + done, text + stop + usageFrame(large) + usageFrame(large) + done, budget.Answered, "", false},
		{"usage that shrinks", text + stop + usageFrame(large) + usageFrame(small) + done, text + stop + usageFrame(large) + usageFrame(small) + done, budget.Answered, "", true},
		{"usage before the end only", text + usageFrame(large) + stop + done, text + usageFrame(large) + stop + done, budget.Answered, "", true},
		{"no usage", text + stop + done, text + stop + done, budget.Answered, "", true},
		{"usage of zeros", text + stop + usageFrame(`{"prompt_tokens":0,"completion_tokens":0}`) + done, text + stop + usageFrame(`{"prompt_tokens":0,"completion_tokens":0}`) + done, budget.Answered, "", true},
		{"negative usage", text + stop + usageFrame(`{"prompt_tokens":9,"completion_tokens":-1}`) + done, text + stop + usageFrame(`{"prompt_tokens":9,"completion_tokens":-1}`) + done, budget.Answered, "", true},
		{"no end", text + stop + usageFrame(large), text, budget.Unknown, "", false},
		{"no finish reason", text + usageFrame(large) + done, text + usageFrame(large), budget.Unknown, "", false},
		{"an empty finish reason", text + strings.Replace(stop, `"stop"`, `""`, 1) + end, text + strings.Replace(stop, `"stop"`, `""`, 1) + end, budget.Answered, "", false},
		{"what follows the end is dropped", text + end + text, text + end, budget.Answered, "", false},
		{"an error in the stream", text + failure, text + failure, budget.Unknown, "502", false},
		{"an error at once", "data: {\"error\":\"busy\"}\n\n", "data: {\"error\":\"busy\"}\n\n", budget.Unknown, "error", false},
		{"an error by name", text + "event: error\ndata: {}\n\n", text + "event: error\ndata: {}\n\n", budget.Unknown, "error", false},
		{"an error after a call", text + call + chatTool(0, "", "1}") + failure, text + call + failure, budget.Unknown, "502", false},
		{"it finished with an error", text + chatEnd("error"), text, budget.Unknown, "error", false},
		{"a call as a whole", text + chatTool(0, "a", "{}") + text, text, budget.Unknown, "", false},
		{"a call whose brackets close", text + call + chatTool(0, "", `"}"`) + chatTool(0, "", "}") + text, text + call + chatTool(0, "", `"}"`), budget.Unknown, "", false},
		{"another index", text + call + chatTool(1, "", "{") + text, text + call, budget.Unknown, "", false},
		{"another id at the same index", text + call + chatTool(0, "b", "{") + text, text + call, budget.Unknown, "", false},
		{"two calls in a frame", text + chatFrame(`"tool_calls":[{"index":0,"id":"a"},{"index":1,"id":"b"}]`, "") + text, text, budget.Unknown, "", false},
		{"arguments that are no text", text + chatFrame(`"tool_calls":[{"index":0,"id":"a","function":{"arguments":{"x":1}}}]`, "") + text, text, budget.Unknown, "", false},
		{"arguments that are no object", text + chatTool(0, "a", "7") + text, text, budget.Unknown, "", false},
		{"the older form of a call", text + chatFrame(`"function_call":{"name":"x","arguments":"{"}`, "") + chatFrame(`"function_call":{"arguments":"}"}`, "") + text, text + chatFrame(`"function_call":{"name":"x","arguments":"{"}`, ""), budget.Unknown, "", false},
		{"another choice", text + strings.Replace(text, `"index":0`, `"index":1`, 1), text, budget.Unknown, "", false},
		{"an unknown frame", text + "data: {\"object\":\"future\"}\n\n" + text, text, budget.Unknown, "", false},
		{"an unknown event", text + "event: future\n" + text, text, budget.Unknown, "", false},
		{"not JSON", text + "data: oops\n\n" + end, text, budget.Unknown, "", false},
		{"a dearer tier", text + strings.Replace(stop, `"model"`, `"service_tier":"priority","model"`, 1) + usageFrame(large) + done, text, budget.Unknown, "", false},
		{"nothing", "", "", budget.Unknown, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, chatSample()) })
	}
}

func TestOddResponseStreams(t *testing.T) {
	t.Parallel()
	start, text := responsesStart(), responseText(0, "hello")
	ended := func(kind, response string) string { return sseFrame("response."+kind, `"response":`+response) }
	end := ended("completed", responsesWhole)
	noUsage := strings.Replace(responsesWhole, responsesUsage, "null", 1)
	incomplete := strings.Replace(strings.Replace(responsesWhole, `"completed"`, `"incomplete"`, 1), `"incomplete_details":null`, `"incomplete_details":{"reason":"max_output_tokens"}`, 1)
	broke := ended("failed", `{"status":"failed","error":{"code":"server_error","message":"gone"},"usage":null}`)
	limited := ended("failed", `{"status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"},"usage":null}`)
	call := responseOpen(1, "{")
	for _, tc := range []oddStream{
		{"text only", start + text + end, start + text + end, budget.Answered, "", false},
		{"incomplete", start + text + ended("incomplete", incomplete), start + text + ended("incomplete", incomplete), budget.Answered, "", false},
		{"no usage", start + text + ended("completed", noUsage), start + text + ended("completed", noUsage), budget.Answered, "", true},
		{"no terminal event", start + text + call, start + text + call, budget.Unknown, "", false},
		{"DONE is no end", start + text + done, start + text, budget.Unknown, "", false},
		{"DONE before the end", start + text + done + end, start + text + done + end, budget.Answered, "", false},
		{"what follows is dropped", start + text + end + text, start + text + end, budget.Answered, "", false},
		{"failed", start + text + broke, start + text + broke, budget.Unknown, "server_error", false},
		{"failed after a call", start + call + responseClose(1) + broke, start + call + broke, budget.Unknown, "server_error", false},
		{"not taken up", start + limited, start + limited, budget.Free, "rate_limit_exceeded", false},
		{"limited in the middle", start + text + limited, start + text + limited, budget.Unknown, "rate_limit_exceeded", false},
		{"failed without a word", start + ended("failed", `{}`), start + ended("failed", `{}`), budget.Unknown, "error", false},
		{"an error event", start + sseFrame("error", `"code":"server_error","message":"gone"`), start + sseFrame("error", `"code":"server_error","message":"gone"`), budget.Unknown, "server_error", false},
		{"an error in an object", "data: {\"error\":{\"message\":\"gone\"}}\n\n", "data: {\"error\":{\"message\":\"gone\"}}\n\n", budget.Unknown, "error", false},
		{"arguments done", start + call + sseFrame("response.function_call_arguments.done", `"arguments":"{}"`) + text, start + call, budget.Unknown, "", false},
		{"an item done", start + responseItem("done", 0, `{"type":"function_call","arguments":"{}"}`) + text, start, budget.Unknown, "", false},
		{"an item that comes whole", start + responseItem("added", 0, `{"type":"function_call","arguments":"{}"}`) + text, start, budget.Unknown, "", false},
		{"a shell call comes whole", start + responseItem("added", 0, `{"type":"local_shell_call","action":{"command":["ls"]}}`) + text, start, budget.Unknown, "", false},
		{"another item while a call is open", start + call + responseOpen(2) + text, start + call, budget.Unknown, "", false},
		{"a message while a call is open", start + call + text, start + call, budget.Unknown, "", false},
		{"a response that starts with output", strings.Replace(start, `"output":[]`, `"output":[{"type":"function_call"}]`, 1), "", budget.Unknown, "", false},
		{"an unknown event", start + sseFrame("response.future", "") + text, start, budget.Unknown, "", false},
		{"name and type differ", start + "event: response.created\ndata: {\"type\":\"response.output_item.done\"}\n\n", start, budget.Unknown, "", false},
		{"an end without response", start + sseFrame("response.completed", ""), start, budget.Unknown, "", false},
		{"an end that contradicts itself", start + ended("completed", incomplete), start, budget.Unknown, "", false},
		{"an end with an error", start + text + ended("completed", strings.Replace(responsesWhole, `"error":null`, `"error":{"code":"server_error","message":"x"}`, 1)), start + text, budget.Unknown, "server_error", false},
		{"a dearer tier", start + text + ended("completed", strings.Replace(responsesWhole, `"model"`, `"service_tier":"priority","model"`, 1)), start + text, budget.Unknown, "", false},
		{"not JSON", start + "data: oops\n\n" + end, start, budget.Unknown, "", false},
		{"nothing", "", "", budget.Unknown, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t, responsesSample()) })
	}
}
