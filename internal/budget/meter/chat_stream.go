package meter

import (
	"bytes"
	"encoding/json"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// chatStream follows a streamed completion.
//
// The rules are:
//   - passed at once: comments, text, reasoning, and the pieces of the first tool call;
//   - withheld, with all that follows: the frame with which a tool call may be taken for complete,
//     which is a finish reason, the beginning of another call, arguments whose brackets have
//     closed, or a call that comes as a whole; and every frame that is not known;
//   - terminal: [DONE];
//   - usage counts when it stands in the frame of the finish reason or after it: before, it is not
//     yet the whole.
type chatStream struct {
	use     budget.CacheUse
	counts  counts
	call    *openCall
	counted bool // usage has come at the end
	ended   bool
	out     outcome
}

func (chat) stream(use budget.CacheUse) follower { return &chatStream{use: use} }

// chunk is any frame of the stream.
type chunk struct {
	Model   string          `json:"model"`
	Tier    string          `json:"service_tier"`
	Error   json.RawMessage `json:"error"`
	Usage   json.RawMessage `json:"usage"`
	Choices *[]struct {
		Index int `json:"index"`
		Delta struct {
			Tools    []callPiece `json:"tool_calls"`
			Function *callText   `json:"function_call"`
		} `json:"delta"`
		Finish string `json:"finish_reason"`
	} `json:"choices"`
}

// callPiece is a piece of a tool call.
type callPiece struct {
	Index    *int     `json:"index"`
	ID       string   `json:"id"`
	Function callText `json:"function"`
}

type callText struct {
	Arguments json.RawMessage `json:"arguments"`
}

// openCall is the tool call that is being written.
type openCall struct {
	index     int
	id        string
	arguments span
}

func (s *chatStream) frame(f frame) verdict {
	if f.data == nil && (f.event == "" || f.event == "ping") {
		return idle // a comment
	}
	if string(bytes.TrimSpace(f.data)) == "[DONE]" {
		s.ended = true
		return terminal
	}
	var c chunk
	if err := json.Unmarshal(f.data, &c); err != nil {
		s.out.problem = "a frame cannot be read"
		return broken
	}
	if kind, message, ok := openaiFailure(f.data); ok || f.event == "error" {
		s.out.kind, s.out.problem = kind, message
		if !ok {
			s.out.kind, s.out.problem = "error", "the provider says that it failed"
		}
		return failed
	}
	if c.Model != "" {
		s.out.model = c.Model
	}
	s.out.unpriced = s.out.unpriced || priority(c.Tier)
	v := s.choices(c)
	if s.counts.add(c.Usage) && s.out.stop != "" {
		s.counted = true
	}
	if f.event != "" && f.event != "message" {
		return withhold
	}
	return v
}

// choices follows what a chunk adds to the answer.
func (s *chatStream) choices(c chunk) verdict {
	if c.Choices == nil {
		if len(c.Usage) > 0 {
			return pass
		}
		return withhold
	}
	v := pass
	for _, choice := range *c.Choices {
		if choice.Index != 0 {
			v = withhold
			continue
		}
		if f := choice.Delta.Function; f != nil && s.piece(callPiece{Function: *f}) {
			v = withhold
		}
		for _, p := range choice.Delta.Tools {
			if s.piece(p) {
				v = withhold
			}
		}
		if choice.Finish != "" {
			s.out.stop, v = choice.Finish, withhold
		}
	}
	return v
}

// piece takes in a piece of a tool call and says whether a call may now be taken for complete.
func (s *chatStream) piece(p callPiece) (whole bool) {
	next := openCall{id: p.ID}
	if p.Index != nil {
		next.index = *p.Index
	}
	switch {
	case s.call == nil:
		s.call = &next
	case p.Index != nil && *p.Index != s.call.index, p.ID != "" && s.call.id != "" && p.ID != s.call.id:
		return true // another call: the one before it has its end
	case s.call.id == "":
		s.call.id = p.ID
	}
	raw := p.Function.Arguments
	if len(raw) == 0 || string(raw) == "null" {
		return false
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return true // not a text that grows, but the arguments themselves
	}
	return s.call.arguments.grow(text)
}

func (s *chatStream) outcome() outcome {
	out := s.out
	switch {
	case out.problem != "" || out.kind != "":
		out.usage, _ = s.counts.usage(s.use)
		return out
	case !s.ended:
		out.usage, _ = s.counts.usage(s.use)
		out.problem = "it ended before its terminal frame"
		return out
	}
	if !s.counted {
		s.counts.odd = true
	}
	return s.counts.close(out, s.use)
}
