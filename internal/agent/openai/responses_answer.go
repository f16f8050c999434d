package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

type (
	// responsesEvent is any event of a stream.
	responsesEvent struct {
		Type     string           `json:"type"`
		Index    int              `json:"output_index"`
		Item     json.RawMessage  `json:"item"`
		Response *responsesObject `json:"response"`
		Error    json.RawMessage  `json:"error"`
		Object   string           `json:"object"`
	}
	// responsesObject is a response: as it begins, or whole.
	responsesObject struct {
		Object     string            `json:"object"`
		ID         string            `json:"id"`
		Model      string            `json:"model"`
		Status     string            `json:"status"`
		Error      json.RawMessage   `json:"error"`
		Output     []json.RawMessage `json:"output"`
		Usage      json.RawMessage   `json:"usage"`
		Incomplete struct {
			Reason string `json:"reason"`
		} `json:"incomplete_details"`
	}
	// responsesOutput holds the fields of an output item that are read.
	responsesOutput struct {
		Type      string          `json:"type"`
		ID        string          `json:"id"`
		CallID    string          `json:"call_id"`
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
		Phase     string          `json:"phase"`
		Content   []responsesPart `json:"content"`
		Summary   []responsesPart `json:"summary"`
	}
	responsesPart struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
	}
)

// responsesAnswer gathers the events of one answer of the Responses API.
type responsesAnswer struct {
	items map[int]json.RawMessage // that are done, by their place
	open  map[int]bool            // begun and not done
	final responsesObject
}

func (responsesWire) stream() gatherer {
	return &responsesAnswer{items: map[int]json.RawMessage{}, open: map[int]bool{}}
}

// take adds an event; the last one tells how the response ended.
func (a *responsesAnswer) take(e event) (bool, error) {
	data := bytes.TrimSpace(e.data)
	if string(data) == "[DONE]" {
		return false, incomplete("the stream ended without saying how the response did")
	}
	var ev responsesEvent
	if err := json.Unmarshal(data, &ev); err != nil {
		return false, protocol("an event cannot be read: %v", err)
	}
	if ev.Type == "" {
		ev.Type = e.name
	}
	switch ev.Type {
	case "error", "response.failed":
		return false, &refusedError{data}
	case "":
		if len(ev.Error) > 0 && string(ev.Error) != "null" || ev.Object == "error" { // servers that imitate the API send errors without a type
			return false, &refusedError{data}
		}
	case "response.output_item.added":
		a.open[ev.Index] = true
	case "response.output_item.done":
		delete(a.open, ev.Index)
		a.items[ev.Index] = ev.Item
	case "response.completed", "response.incomplete":
		if ev.Response == nil {
			return false, incomplete("the last event has no response")
		}
		a.final = *ev.Response
		return true, nil
	case "response.cancelled":
		return false, incomplete("the response was cancelled")
	}
	return false, nil
}

// whole reads an answer that was not streamed.
func (responsesWire) whole(body []byte) (agent.Response, error) {
	var final responsesObject
	if err := json.Unmarshal(body, &final); err != nil {
		return agent.Response{}, incomplete("the answer cannot be read: %v", err)
	}
	if len(final.Error) > 0 && string(final.Error) != "null" || final.Object == "error" {
		return agent.Response{}, &refusedError{body}
	}
	return (&responsesAnswer{final: final}).response()
}

// response is the answer as neutral words; an error when it is not complete. The last event repeats
// all items; where it does not, those that came before count.
func (a *responsesAnswer) response() (agent.Response, error) {
	f := a.final
	if f.Status == "" || f.Status != "completed" && f.Status != "incomplete" {
		return agent.Response{}, incomplete("the response has the status %q", f.Status)
	}
	if len(f.Output) == 0 {
		if len(a.open) > 0 {
			return agent.Response{}, incomplete("the response ended inside an item")
		}
		for _, at := range slices.Sorted(maps.Keys(a.items)) {
			f.Output = append(f.Output, a.items[at])
		}
	}
	out := agent.Response{ID: f.ID, Model: f.Model, Usage: usage(f.Usage), Message: agent.Message{Role: agent.Assistant}}
	refused := false
	for _, raw := range f.Output {
		b, no, err := responsesBlock(raw)
		if err != nil {
			return out, err
		}
		refused = refused || no
		if b.Kind != "" {
			out.Message.Blocks = append(out.Message.Blocks, b)
		}
	}
	out.Stop = f.stop(refused, len(out.Message.Calls()))
	return out, nameCalls(f.ID, out.Message.Blocks)
}

// responsesBlock makes a neutral block of an item; one without a kind for what is empty. Items of the
// provider's own, known or not, go back as they came, as reasoning does.
func responsesBlock(raw json.RawMessage) (b agent.Block, refused bool, err error) {
	var item responsesOutput
	if err := json.Unmarshal(raw, &item); err != nil || item.Type == "" {
		return b, false, incomplete("an item cannot be read")
	}
	switch item.Type {
	case "message":
		var text strings.Builder
		for _, p := range item.Content {
			text.WriteString(p.Text + p.Refusal)
			refused = refused || p.Type == "refusal"
		}
		if text.Len() == 0 {
			return b, refused, nil
		}
		b = agent.Block{Kind: agent.TextBlock, Text: text.String()}
		if item.Phase != "" { // commentary or answer: models want to be told what they said as which
			if b.Opaque, err = marshal(map[string]string{"phase": item.Phase}); err != nil {
				return b, refused, fmt.Errorf("encode phase: %w", err)
			}
		}
		return b, refused, nil
	case "function_call":
		id := item.CallID
		if id == "" {
			id = item.ID
		}
		return agent.Block{Kind: agent.UseBlock, ID: id, Name: item.Name, Input: inputJSON(arguments(item.Arguments))}, false, nil
	}
	var texts []string
	for _, p := range append(item.Summary, item.Content...) {
		texts = append(texts, p.Text)
	}
	return agent.Block{Kind: agent.ThinkingBlock, Text: strings.Join(texts, "\n"), Opaque: raw}, false, nil
}

// stop translates status and reason. A reason that is not known stays as it is, and whoever acts on it
// takes the last call for cut.
func (f responsesObject) stop(refused bool, calls int) agent.StopReason {
	switch {
	case refused || f.Incomplete.Reason == "content_filter":
		return agent.StopRefusal
	case f.Status == "incomplete" && (f.Incomplete.Reason == "max_output_tokens" || f.Incomplete.Reason == ""):
		return agent.StopLength
	case f.Status == "incomplete":
		return agent.StopReason(f.Incomplete.Reason)
	case calls > 0:
		return agent.StopTools
	}
	return agent.StopEnd
}
