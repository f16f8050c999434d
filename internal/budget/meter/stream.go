package meter

import (
	"encoding/json"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// messageStream follows a streamed answer of the Messages API.
//
// The rules are:
//   - passed at once: message_start, starts and deltas of any block, and the stop of a block that
//     nobody would act on (text, thinking, what the provider's own tools did); pings always;
//   - withheld, with all that follows: the stop of any other block, message_delta, and every event
//     that is not known;
//   - terminal: message_stop, after a stop reason;
//   - an event whose name and type differ is broken.
type messageStream struct {
	use     budget.CacheUse
	tally   tally
	inert   map[int]bool // open blocks that nobody would act on
	started bool
	ended   bool
	out     outcome
}

func (anthropic) stream(use budget.CacheUse) follower {
	return &messageStream{use: use, inert: map[int]bool{}}
}

// event is any event of the stream.
type event struct {
	Type    string `json:"type"`
	Index   *int   `json:"index"`
	Message *struct {
		Model string    `json:"model"`
		Usage *rawUsage `json:"usage"`
	} `json:"message"`
	Block *struct {
		Type string `json:"type"`
	} `json:"content_block"`
	Delta *struct {
		Stop *string `json:"stop_reason"`
	} `json:"delta"`
	Usage *rawUsage `json:"usage"`
}

func (s *messageStream) frame(f frame) verdict {
	if f.data == nil && (f.event == "" || f.event == "ping") {
		return idle // a comment
	}
	var e event
	if err := json.Unmarshal(f.data, &e); err != nil || e.Type == "" || (f.event != "" && f.event != e.Type) {
		s.out.problem = "an event cannot be read"
		return broken
	}
	switch e.Type {
	case "ping":
		return idle
	case "content_block_delta":
		return pass
	case "message_start":
		s.started = true
		if e.Message != nil {
			s.out.model = e.Message.Model
			s.tally.add(e.Message.Usage, false)
		}
		return pass
	case "content_block_start", "content_block_stop":
		return s.block(e)
	case "message_delta":
		s.tally.add(e.Usage, true)
		if e.Delta != nil && e.Delta.Stop != nil {
			s.out.stop = *e.Delta.Stop
		}
		return withhold
	case "message_stop":
		s.ended = true
		return terminal
	case "error":
		s.out.kind, s.out.problem, _ = anthropic{}.failure(f.data)
		return failed
	}
	return withhold
}

// block keeps the list of open blocks that nobody would act on.
func (s *messageStream) block(e event) verdict {
	if e.Index == nil {
		return withhold
	}
	if e.Type == "content_block_start" {
		s.inert[*e.Index] = e.Block != nil && inertBlock(e.Block.Type)
		return pass
	}
	inert := s.inert[*e.Index]
	delete(s.inert, *e.Index)
	if inert {
		return pass
	}
	return withhold
}

func inertBlock(kind string) bool {
	switch kind {
	case "text", "thinking", "redacted_thinking", "server_tool_use":
		return true
	}
	return strings.HasSuffix(kind, "_tool_result")
}

func (s *messageStream) outcome() outcome {
	out := s.out
	out.unpriced = s.tally.unpriced
	var counted bool
	out.usage, counted = s.tally.usage(s.use)
	switch {
	case out.problem != "" || out.kind != "":
	case !s.ended:
		out.problem = "it ended before its terminal event"
	case !s.started || out.stop == "":
		out.problem = "it has no stop reason"
	case !counted:
		out.problem = "it has no usable usage"
	default:
		out.complete = true
	}
	return out
}

// whole reads a message that was not streamed.
func (anthropic) whole(body []byte, use budget.CacheUse) outcome {
	var m struct {
		Type  string    `json:"type"`
		Model string    `json:"model"`
		Stop  *string   `json:"stop_reason"`
		Usage *rawUsage `json:"usage"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return outcome{problem: "it is not JSON"}
	}
	if kind, message, ok := (anthropic{}).failure(body); ok {
		return outcome{kind: kind, problem: message}
	}
	var t tally
	t.add(m.Usage, true)
	out := outcome{model: m.Model, unpriced: t.unpriced}
	var counted bool
	out.usage, counted = t.usage(use)
	switch {
	case m.Type != "message" || m.Stop == nil || *m.Stop == "":
		out.problem = "it has no stop reason"
	case !counted:
		out.problem = "it has no usable usage"
	default:
		out.complete, out.stop = true, *m.Stop
	}
	return out
}
