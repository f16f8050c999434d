package meter

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// sample is one call in one dialect: what is asked, and an answer with text and two tool calls.
type sample struct {
	dialect    dialect
	path       string
	ask        string // of a stream
	seen, rest string // of the streamed answer: what may be seen before the settlement, and the rest
	whole      string // the answer when it is not streamed
	model      string
	stop       string
	usage      budget.Usage // what both answers bill
}

func (s sample) String() string { return fmt.Sprintf("%T", s.dialect)[len("meter."):] }

func (s sample) cost() budget.Micro { return testPrice.Cost(s.usage) }

// request is the sample's call to base.
func (s sample) request(ctx context.Context, base string) *http.Request {
	return s.asking(ctx, base, s.ask)
}

func (s sample) asking(ctx context.Context, base, body string) *http.Request {
	req, err := http.NewRequestWithContext(budget.WithCall(ctx, testCall(1)), http.MethodPost, base+s.path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer sk-test-0123456789")
	req.Header.Set("Content-Type", "application/json")
	return req
}

func samples() []sample { return []sample{messagesSample(), chatSample(), responsesSample()} }

func messagesSample() sample {
	seen, rest := toolAnswer()
	return sample{dialect: anthropic{}, path: "/v1/messages", ask: ask, seen: seen, rest: rest, whole: whole, model: "m-1", stop: "tool_use", usage: billed}
}

const chatAsk = `{"model":"m","max_tokens":1000,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`

// chatFrame is a chunk with one choice.
func chatFrame(delta, finish string) string {
	if finish != "" {
		finish = `"` + finish + `"`
	} else {
		finish = "null"
	}
	return `data: {"id":"c1","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,"delta":{` + delta + `},"finish_reason":` + finish + `}],"usage":null}` + "\n\n"
}

func chatText(words ...string) string {
	s := chatFrame(`"role":"assistant","content":""`, "")
	for _, w := range words {
		s += chatFrame(fmt.Sprintf(`"content":%q`, w), "")
	}
	return s
}

// chatTool is a piece of a tool call; one with an id begins it.
func chatTool(index int, id, arguments string) string {
	if id != "" {
		return chatFrame(fmt.Sprintf(`"tool_calls":[{"index":%d,"id":%q,"type":"function","function":{"name":"run","arguments":%q}}]`, index, id, arguments), "")
	}
	return chatFrame(fmt.Sprintf(`"tool_calls":[{"index":%d,"function":{"arguments":%q}}]`, index, arguments), "")
}

const chatUsage = `{"prompt_tokens":360,"completion_tokens":42,"total_tokens":402,"prompt_tokens_details":{"cached_tokens":50,"cache_write_tokens":300},"completion_tokens_details":{"reasoning_tokens":7}}`

func chatEnd(finish string) string {
	return chatFrame("", finish) + `data: {"id":"c1","object":"chat.completion.chunk","model":"m-1","choices":[],"usage":` + chatUsage + "}\n\ndata: [DONE]\n\n"
}

func chatSample() sample {
	seen := ": PROCESSING\n\n" + chatText(strings.Fields(strings.Repeat("the quick brown fox ", 4))...) +
		chatTool(0, "call_1", "") + chatTool(0, "", `{"argv":["go","}`) + chatTool(0, "", `\""`)
	rest := chatTool(0, "", `]}`) + chatTool(1, "call_2", `{`) + chatTool(1, "", `}`) + chatEnd("tool_calls")
	return sample{
		dialect: chat{}, path: "/v1/chat/completions", ask: chatAsk, seen: seen, rest: rest, model: "m-1", stop: "tool_calls",
		usage: budget.Usage{Input: 10, CacheWrite5m: 300, CacheRead: 50, Output: 42},
		whole: `{"id":"c1","object":"chat.completion","model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"run","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":` + chatUsage + `}`,
	}
}

const responsesAsk = `{"model":"m","max_output_tokens":1000,"stream":true,"input":[{"role":"user","content":"hi"}]}`

func responseItem(event string, index int, item string) string {
	return sseFrame("response.output_item."+event, fmt.Sprintf(`"output_index":%d,"item":%s`, index, item))
}

func responseText(index int, words ...string) string {
	s := responseItem("added", index, `{"type":"message","role":"assistant","content":[]}`) +
		sseFrame("response.content_part.added", `"part":{"type":"output_text","text":""}`)
	for _, w := range words {
		s += sseFrame("response.output_text.delta", fmt.Sprintf(`"output_index":%d,"delta":%q`, index, w))
	}
	return s + sseFrame("response.output_text.done", `"text":"x"`) + sseFrame("response.content_part.done", `"part":{"type":"output_text","text":"x"}`) +
		responseItem("done", index, `{"type":"message","role":"assistant","content":[{"type":"output_text","text":"x"}]}`)
}

func responseOpen(index int, words ...string) string {
	s := responseItem("added", index, `{"type":"function_call","call_id":"c","name":"run","arguments":"","status":"in_progress"}`)
	for _, w := range words {
		s += sseFrame("response.function_call_arguments.delta", fmt.Sprintf(`"output_index":%d,"delta":%q`, index, w))
	}
	return s
}

func responseClose(index int) string {
	return sseFrame("response.function_call_arguments.done", fmt.Sprintf(`"output_index":%d,"arguments":"{}"`, index)) +
		responseItem("done", index, `{"type":"function_call","call_id":"c","name":"run","arguments":"{}","status":"completed"}`)
}

const (
	responsesUsage = `{"input_tokens":360,"input_tokens_details":{"cached_tokens":50,"cache_write_tokens":300},"output_tokens":42,"output_tokens_details":{"reasoning_tokens":7},"total_tokens":402}`
	responsesWhole = `{"id":"r1","object":"response","status":"completed","model":"m-1","error":null,"incomplete_details":null,"output":[{"type":"function_call","call_id":"c","name":"run","arguments":"{}"}],"usage":` + responsesUsage + `}`
)

func responsesStart() string {
	r := `"response":{"id":"r1","object":"response","status":"in_progress","model":"m-1","error":null,"output":[],"usage":null}`
	return sseFrame("response.created", r) + sseFrame("response.in_progress", r)
}

func responsesSample() sample {
	words := strings.Fields(strings.Repeat("the quick brown fox ", 4))
	reasoning := responseItem("added", 0, `{"type":"reasoning","summary":[]}`) + sseFrame("response.reasoning_summary_text.delta", `"delta":"hm"`) + responseItem("done", 0, `{"type":"reasoning","summary":[],"encrypted_content":"x"}`)
	return sample{
		dialect: responses{}, path: "/v1/responses", ask: responsesAsk, model: "m-1", stop: "completed", whole: responsesWhole,
		seen:  responsesStart() + reasoning + responseText(1, words...) + responseOpen(2, `{"argv":["go",`, `"test"]}`),
		rest:  responseClose(2) + responseOpen(3, "{", "}") + responseClose(3) + sseFrame("response.completed", `"response":`+responsesWhole),
		usage: budget.Usage{Input: 10, CacheWrite5m: 300, CacheRead: 50, Output: 42},
	}
}
