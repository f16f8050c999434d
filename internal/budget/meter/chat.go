package meter

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// chat is Chat Completions, as OpenAI and those compatible with it speak it.
type chat struct{}

func (chat) name() string { return "chat" }

func (chat) route(req *http.Request) route { return openaiRoute(req, "/chat/completions") }

func (chat) failure(body []byte) (kind, message string, shaped bool) { return openaiFailure(body) }

// question reads a request body.
//
// The rules are:
//   - a limit of output that is missing is set: as max_completion_tokens for OpenAI and Azure, which
//     refuse the other for models that reason, and as max_tokens for everyone else, of whom some
//     know no other;
//   - a stream is asked for its usage, unless the request says itself what it wants. null says that
//     the server knows no such key: it is taken out, and the call may stay uncounted;
//   - refused is what has no bound: more than one choice, sound, predictions, search, plugins, lists
//     of models, tools that the provider runs.
func (chat) question(req *http.Request, body []byte) (question, error) {
	q, top, err := openaiQuestion(body)
	if err != nil {
		return question{}, err
	}
	if err := chatUnbounded(top); err != nil {
		return question{}, err
	}
	if err := q.openaiTools(top["tools"], "function", "custom"); err != nil {
		return question{}, err
	}
	if m := top["functions"]; !m.null() { // the form of before tools
		functions, ok := objectsOf(m.raw)
		if !ok {
			return question{}, unmetered("functions cannot be read")
		}
		q.tools += int64(len(functions))
	}
	messages, ok := objectsOf(top["messages"].raw)
	if !ok {
		return question{}, unmetered("messages cannot be read")
	}
	q.messages, q.fixed = int64(len(messages)), !top["extra_body"].null()
	for i, m := range messages {
		if !q.chatContent(m) {
			q.opaque = i
		}
	}
	keys := []string{"max_completion_tokens", "max_tokens"}
	if ownHost(req.URL.Hostname()) {
		keys[0], keys[1] = keys[1], keys[0]
	}
	options, named := top["stream_options"]
	if named && options.null() {
		q.body = without(q.body, "stream_options", options)
		if top, err = readObject(q.body); err != nil {
			return question{}, unmetered("read body: %s", err)
		}
	}
	if !named && string(top["stream"].raw) == "true" {
		// From here on places in the body differ from those in top.
		if err := q.limited(top, keys...); err != nil {
			return question{}, err
		}
		const ask = `"stream_options":{"include_usage":true},`
		q.insert(ask)
		q.maxAt[0] += len(ask)
		q.maxAt[1] += len(ask)
		return q, nil
	}
	return q, q.limited(top, keys...)
}

// ownHost says whether a host is OpenAI's own service.
func ownHost(host string) bool {
	return host == "api.openai.com" || strings.HasSuffix(host, ".api.openai.com") || strings.HasSuffix(host, ".openai.azure.com")
}

func chatUnbounded(top map[string]member) error {
	for _, key := range []string{"n", "best_of"} {
		if m := top[key]; !m.null() && string(m.raw) != "1" {
			return unmetered("%s is not 1", key)
		}
	}
	if m := top["modalities"]; !m.null() && strings.Join(strings.Fields(string(m.raw)), "") != `["text"]` {
		return unmetered("modalities other than text have no price")
	}
	if m := top["stream"]; !m.null() && string(m.raw) != "true" && string(m.raw) != "false" {
		return unmetered("stream is neither true nor false")
	}
	return refuseAny(top, "audio", "prediction", "web_search_options", "plugins", "models", "search_parameters", "background")
}

// chatContent notes cache marks of a message and says whether its bytes bound its tokens.
func (q *question) chatContent(m block) bool {
	parts, ok := blocks(m["content"])
	if audio := m["audio"]; audio != nil && string(audio) != "null" {
		ok = false
	}
	for _, p := range parts {
		if mark, marked := p["cache_control"]; marked && string(mark) != "null" {
			q.caches(mark)
		}
		switch p.text("type") {
		case "text", "refusal", "thinking":
		default:
			ok = false
		}
	}
	return ok
}

// whole reads a completion that was not streamed.
func (chat) whole(body []byte, use budget.CacheUse) outcome {
	var c struct {
		Model   string          `json:"model"`
		Tier    string          `json:"service_tier"`
		Usage   json.RawMessage `json:"usage"`
		Choices []struct {
			Finish string `json:"finish_reason"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return outcome{problem: "it is not JSON that can be read"}
	}
	if kind, message, ok := openaiFailure(body); ok {
		return outcome{kind: kind, problem: message}
	}
	var t counts
	t.add(c.Usage)
	out := outcome{model: c.Model, unpriced: priority(c.Tier)}
	if len(c.Choices) > 0 {
		out.stop = c.Choices[0].Finish
	}
	return t.close(out, use)
}
