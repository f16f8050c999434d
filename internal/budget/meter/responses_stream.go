package meter

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// responseStream follows a streamed response.
//
// The rules are:
//   - passed at once: what tells of progress, text, reasoning, and the pieces of the first tool call;
//   - withheld, with all that follows: what completes a tool call (its arguments done, its item
//     done, an item that comes with arguments, another item while one is open), and every event
//     that is not known;
//   - terminal: response.completed and response.incomplete; failed: response.failed and error;
//   - an event whose name and type differ is broken.
type responseStream struct {
	use   budget.CacheUse
	open  bool // a tool call is being written
	began bool // output has come
	ended bool
	out   outcome
}

func (responses) stream(use budget.CacheUse) follower { return &responseStream{use: use} }

// responseEvent is any event of the stream.
type responseEvent struct {
	Type     string    `json:"type"`
	Response *response `json:"response"`
	Item     *struct {
		Type      string          `json:"type"`
		Arguments json.RawMessage `json:"arguments"`
		Input     json.RawMessage `json:"input"`
		Action    json.RawMessage `json:"action"`
		Operation json.RawMessage `json:"operation"`
	} `json:"item"`
}

// progress are the events that may be seen at once.
var progress = []string{
	"response.content_part.added", "response.content_part.done", "response.output_text.delta", "response.output_text.done",
	"response.output_text.annotation.added", "response.refusal.delta", "response.refusal.done",
	"response.function_call_arguments.delta", "response.custom_tool_call_input.delta",
}

func (s *responseStream) frame(f frame) verdict {
	if f.data == nil && (f.event == "" || f.event == "ping" || f.event == "keepalive") {
		return idle // a comment
	}
	if string(f.data) == "[DONE]" && f.event == "" {
		return withhold // some compatible servers end so, after their terminal event
	}
	var e responseEvent
	if err := json.Unmarshal(f.data, &e); err != nil || (f.event != "" && e.Type != "" && f.event != e.Type) {
		s.out.problem = "an event cannot be read"
		return broken
	}
	switch e.Type {
	case "response.created", "response.in_progress", "response.queued":
		if e.Response != nil && len(e.Response.Output) > 0 {
			return withhold
		}
		return pass
	case "keepalive", "ping":
		return idle
	case "response.completed", "response.incomplete":
		return s.end(e)
	case "response.failed", "error", "":
		return s.fail(f, e)
	}
	s.began = true
	switch {
	case e.Type == "response.output_item.added", e.Type == "response.output_item.done":
		return s.item(e)
	case slices.Contains(progress, e.Type), strings.HasPrefix(e.Type, "response.reasoning"):
		return pass
	}
	return withhold
}

// item follows the beginnings and ends of items. Nobody acts on messages and reasoning.
func (s *responseStream) item(e responseEvent) verdict {
	if e.Item == nil {
		return withhold
	}
	if e.Item.Type == "message" || e.Item.Type == "reasoning" {
		if s.open {
			return withhold // the call before it may be taken for complete
		}
		return pass
	}
	whole := present(e.Item.Arguments) || present(e.Item.Input) || present(e.Item.Action) || present(e.Item.Operation)
	if s.open || whole || e.Type == "response.output_item.done" {
		return withhold
	}
	s.open = true
	return pass
}

func present(raw json.RawMessage) bool {
	return len(raw) > 0 && string(raw) != "null" && string(raw) != `""`
}

func (s *responseStream) end(e responseEvent) verdict {
	if e.Response == nil {
		s.out.problem = "its terminal event has no response"
		return broken
	}
	if want := strings.TrimPrefix(e.Type, "response."); e.Response.Status == "" {
		e.Response.Status = want
	} else if e.Response.Status != want {
		s.out.problem = "its terminal event contradicts itself"
		return broken
	}
	s.ended, s.out = true, e.Response.outcome(s.use)
	return terminal
}

// fail reads response.failed, and the error event, whose members stand at the top or in an object.
func (s *responseStream) fail(f frame, e responseEvent) verdict {
	kind, message, ok := openaiFailure(f.data)
	if e.Response != nil {
		s.out = e.Response.outcome(s.use)
		s.out.complete = false
		kind, message, ok = errorObject(e.Response.Error)
	} else if !ok {
		kind, message, ok = errorObject(f.data)
	}
	switch {
	case !ok && e.Type == "":
		s.out.problem = "an event cannot be read"
		return broken
	case !ok:
		kind, message = "error", "the provider says that it failed"
	}
	s.out.kind, s.out.problem = kind, message
	s.out.untaken = !s.began && (kind == "rate_limit_exceeded" || kind == "insufficient_quota")
	return failed
}

func (s *responseStream) outcome() outcome {
	out := s.out
	if !s.ended && out.problem == "" && out.kind == "" {
		out.problem = "it ended before its terminal event"
	}
	return out
}
