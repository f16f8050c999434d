package claudecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Message is one line that the CLI printed. It is one of
//
//   - [*Init], at the start of every turn; [*Assistant], one for each block of an answer; [*User], as a rule results of
//     tools; [*Result], the end of a turn; [*StreamEvent], parts of answers as they come;
//   - [*RateLimit], [*APIRetry], [*ModelFallback], [*Status], [*CompactBoundary], [*TaskStarted], [*TaskProgress],
//     [*TaskUpdated], [*TaskNotification], [*HookEvent], [*TranscriptMirror], [*ConversationReset];
//   - [*System], any other kind of system message; [*Unknown], any other line.
type Message interface {
	// Head returns what all lines have.
	Head() *Header
}

// Header is what all lines have.
type Header struct {
	Type      string `json:"type"`
	Subtype   string `json:"subtype"`
	UUID      string `json:"uuid"`
	SessionID string `json:"session_id"`
	// Raw is the whole line.
	Raw json.RawMessage `json:"-"`
	// Misfit is set where some field had not the shape that this package knows; what fits is there. It is a [*MessageError].
	Misfit error `json:"-"`
}

// Head implements [Message].
func (h *Header) Head() *Header { return h }

// Unknown is a line of a type that this package does not know.
type Unknown struct{ Header }

// ParseMessage reads one line. A line that is no JSON object with a type is an error alone; one whose fields have
// other shapes than those known is an error beside a message with all that fits.
func ParseMessage(line []byte) (Message, error) {
	var h Header
	line = bytes.TrimSpace(line)
	err := json.Unmarshal(line, &h)
	if soft(err) != nil {
		return nil, &MessageError{Line: line, Err: err}
	}
	if h.Type == "" {
		return nil, &MessageError{Line: line, Err: errors.New("no type")}
	}
	m := shapeOf(h)
	err = json.Unmarshal(line, m)
	if err == nil {
		err = required(m)
	}
	head := m.Head()
	head.Raw = line
	if err != nil {
		head.Type = h.Type
		head.Misfit = &MessageError{Line: line, Err: err}
	}
	return m, head.Misfit
}

// soft forgets an error of shape, after which decoding went on.
func soft(err error) error {
	var shape *json.UnmarshalTypeError
	if errors.As(err, &shape) {
		return nil
	}
	return err
}

// shapeOf is an empty message of the kind that a header tells.
func shapeOf(h Header) Message {
	switch h.Type {
	case "assistant":
		return &Assistant{}
	case "user":
		return &User{}
	case "result":
		return &Result{}
	case "stream_event":
		return &StreamEvent{}
	case "rate_limit_event":
		return &RateLimit{}
	case "transcript_mirror":
		return &TranscriptMirror{}
	case "conversation_reset":
		return &ConversationReset{}
	case "system":
		return systemShape(h.Subtype)
	}
	return &Unknown{}
}

// required says which field a message cannot be without.
func required(m Message) error {
	missing := func(field string) error { return fmt.Errorf("no %s", field) }
	switch m := m.(type) {
	case *Assistant:
		if m.Message.Content == nil {
			return missing("message.content")
		}
	case *User:
		if m.Message.Content == nil {
			return missing("message.content")
		}
	case *Result:
		if m.Subtype == "" {
			return missing("subtype")
		}
	case *StreamEvent:
		if len(m.Event) == 0 {
			return missing("event")
		}
	case *RateLimit:
		if m.Info.Status == "" {
			return missing("rate_limit_info.status")
		}
	case *System:
		if m.Subtype == "" {
			return missing("subtype")
		}
	case *TaskStarted, *TaskProgress, *TaskUpdated, *TaskNotification:
		if m.(interface{ taskID() string }).taskID() == "" {
			return missing("task_id")
		}
	}
	return nil
}
