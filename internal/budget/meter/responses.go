package meter

import (
	"encoding/json"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// responses is OpenAI's Responses API.
type responses struct{}

func (responses) name() string { return "responses" }

func (responses) route(req *http.Request) route { return openaiRoute(req, "/responses") }

func (responses) failure(body []byte) (kind, message string, shaped bool) { return openaiFailure(body) }

// question reads a request body. What the server keeps of earlier calls is not bounded by bytes: the
// hold is then the window. Refused are answers that come elsewhere (background) and tools that the
// provider runs.
func (responses) question(_ *http.Request, body []byte) (question, error) {
	q, top, err := openaiQuestion(body)
	if err != nil {
		return question{}, err
	}
	if err := refuseAny(top, "background", "models", "plugins", "web_search_options"); err != nil {
		return question{}, err
	}
	if err := q.openaiTools(top["tools"], "function", "custom", "local_shell", "apply_patch"); err != nil {
		return question{}, err
	}
	q.fixed = !top["previous_response_id"].null() || !top["conversation"].null() || !top["prompt"].null() || !top["context_management"].null()
	if err := q.responsesInput(top["input"].raw); err != nil {
		return question{}, err
	}
	return q, q.limited(top, "max_output_tokens")
}

// responsesInput looks through the items for what makes a call dearer than its bytes.
func (q *question) responsesInput(raw json.RawMessage) error {
	if _, text := textOf(raw); text {
		q.messages = 1
		return nil
	}
	items, ok := objectsOf(raw)
	if !ok {
		return unmetered("input cannot be read")
	}
	q.messages = int64(len(items))
	for i, item := range items {
		if !boundedItem(item) {
			q.opaque = i
		}
	}
	return nil
}

// boundedItem says whether the bytes of an item bound its tokens. Of reasoning, which comes
// encrypted, they do.
func boundedItem(item block) bool {
	content := item["content"]
	switch item.text("type") {
	case "", "message":
	case "function_call", "custom_tool_call", "local_shell_call", "apply_patch_call", "reasoning":
		return true
	case "function_call_output", "custom_tool_call_output", "local_shell_call_output", "apply_patch_call_output":
		content = item["output"]
	default:
		return false
	}
	parts, ok := blocks(content)
	for _, p := range parts {
		switch p.text("type") {
		case "input_text", "output_text", "refusal", "text":
		default:
			return false
		}
	}
	return ok
}

// response is the object that an answer is, and that the frames of a stream carry.
type response struct {
	Object  string            `json:"object"`
	Status  string            `json:"status"`
	Model   string            `json:"model"`
	Tier    string            `json:"service_tier"`
	Usage   json.RawMessage   `json:"usage"`
	Error   json.RawMessage   `json:"error"`
	Output  []json.RawMessage `json:"output"`
	Details *struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
}

// outcome is what the object says at the end of an answer.
func (r response) outcome(use budget.CacheUse) outcome {
	var t counts
	t.add(r.Usage)
	out := outcome{model: r.Model, unpriced: priority(r.Tier)}
	switch kind, message, ok := errorObject(r.Error); {
	case ok:
		out.usage, _ = t.usage(use)
		out.kind, out.problem = kind, message
		return out
	case r.Status == "completed":
		out.stop = r.Status
	case r.Status == "incomplete" && r.Details != nil && r.Details.Reason != "":
		out.stop = r.Details.Reason
	case r.Status == "incomplete":
		out.stop = r.Status
	case r.Status == "failed" || r.Status == "cancelled":
		out.stop = "error"
	}
	return t.close(out, use)
}

// whole reads a response that was not streamed.
func (responses) whole(body []byte, use budget.CacheUse) outcome {
	var r response
	if err := json.Unmarshal(body, &r); err != nil {
		return outcome{problem: "it is not JSON that can be read"}
	}
	return r.outcome(use)
}
