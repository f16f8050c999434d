package offline

import (
	"context"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent"
)

type (
	response struct {
		ID         string          `json:"id"`
		Object     string          `json:"object"`
		Created    int64           `json:"created_at"`
		Model      string          `json:"model"`
		Status     string          `json:"status"`
		Error      *struct{}       `json:"error"`
		Incomplete *responseWhy    `json:"incomplete_details"`
		Output     []responseItem  `json:"output"`
		Usage      *responsesUsage `json:"usage"`
		Store      bool            `json:"store"`
	}
	responseWhy struct {
		Reason string `json:"reason"`
	}
	responseItem struct {
		Type      string          `json:"type"`
		ID        string          `json:"id"`
		Status    string          `json:"status"`
		Role      string          `json:"role,omitempty"`
		Content   *[]responsePart `json:"content,omitempty"`
		CallID    string          `json:"call_id,omitempty"`
		Name      string          `json:"name,omitempty"`
		Arguments *string         `json:"arguments,omitempty"`
	}
	responsePart struct {
		Type        string   `json:"type"`
		Text        string   `json:"text"`
		Annotations []string `json:"annotations"`
	}
	responsesUsage struct {
		Input   int64 `json:"input_tokens"`
		Details struct {
			Cached int64 `json:"cached_tokens"`
		} `json:"input_tokens_details"`
		Output    int64 `json:"output_tokens"`
		Reasoning struct {
			Tokens int64 `json:"reasoning_tokens"`
		} `json:"output_tokens_details"`
		Total int64 `json:"total_tokens"`
	}
	responseEvent struct {
		Type     string        `json:"type"`
		Sequence int           `json:"sequence_number"`
		Response *response     `json:"response,omitempty"`
		Index    *int          `json:"output_index,omitempty"`
		Item     *responseItem `json:"item,omitempty"`
		ItemID   string        `json:"item_id,omitempty"`
		Part     *int          `json:"content_index,omitempty"`
		Delta    string        `json:"delta,omitempty"`
	}
)

// whole is the answer as one object. A call that the limit cut has its arguments as far as they go.
func (responsesDialect) whole(q question, a answer) any { return responseOf(q, a) }

func responseOf(q question, a answer) response {
	r := response{ID: "resp_" + q.hash[:24], Object: "response", Created: released, Model: a.Model, Status: "completed", Output: []responseItem{}}
	for i, b := range a.Content {
		r.Output = append(r.Output, responseItemOf(q, i, b))
	}
	if *a.StopReason == string(agent.StopLength) {
		r.Status, r.Incomplete = "incomplete", &responseWhy{"max_output_tokens"}
		if n := len(r.Output); n > 0 {
			r.Output[n-1].Status = "incomplete"
		}
	}
	input := a.Usage.InputTokens + a.Usage.CacheRead
	r.Usage = &responsesUsage{Input: input, Output: a.Usage.OutputTokens, Total: input + a.Usage.OutputTokens}
	r.Usage.Details.Cached = a.Usage.CacheRead
	return r
}

func responseItemOf(q question, i int, b block) responseItem {
	if b.Text != nil {
		return responseItem{
			Type: "message", ID: fmt.Sprintf("msg_%s%d", q.hash[:20], i), Status: "completed", Role: "assistant",
			Content: &[]responsePart{{Type: "output_text", Text: *b.Text, Annotations: []string{}}},
		}
	}
	return responseItem{
		Type: "function_call", ID: fmt.Sprintf("fc_%s%d", q.hash[:20], i), Status: "completed", CallID: openCallID(b), Name: b.Name, Arguments: &b.partial,
	}
}

// stream writes the answer as events.
func (responsesDialect) stream(s stream, q question, a answer) error {
	s.begin()
	final := responseOf(q, a)
	begun := final
	begun.Status, begun.Incomplete, begun.Output, begun.Usage = "in_progress", nil, []responseItem{}, nil
	n := 0
	send := func(e responseEvent) error {
		e.Sequence = n
		n++
		return s.event(e.Type, e)
	}
	if err := send(responseEvent{Type: "response.created", Response: &begun}); err != nil {
		return err
	}
	for i, item := range final.Output {
		if err := streamItem(s, send, i, item); err != nil {
			return err
		}
	}
	return send(responseEvent{Type: "response." + final.Status, Response: &final})
}

// streamItem writes the events of one item. One that the limit cut is not done.
func streamItem(s stream, send func(responseEvent) error, i int, item responseItem) error {
	empty, kind, rest, zero := item, "response.output_text.delta", "", 0
	part := &zero
	empty.Status = "in_progress"
	if item.Arguments != nil {
		none := ""
		kind, rest, empty.Arguments, part = "response.function_call_arguments.delta", *item.Arguments, &none, nil
	} else {
		rest, empty.Content = (*item.Content)[0].Text, &[]responsePart{}
	}
	if err := send(responseEvent{Type: "response.output_item.added", Index: &i, Item: &empty}); err != nil {
		return err
	}
	for piece := ""; rest != ""; {
		if piece, rest = s.piece(rest); piece == "" {
			return context.Cause(s.ctx)
		}
		if err := send(responseEvent{Type: kind, Index: &i, ItemID: item.ID, Part: part, Delta: piece}); err != nil {
			return err
		}
	}
	if item.Status != "completed" {
		return nil
	}
	return send(responseEvent{Type: "response.output_item.done", Index: &i, Item: &item})
}
