package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Request is one question to a model. System parts, Tools and Messages MUST be byte-stable from call
// to call of one conversation (only appended to), so that provider caches and replay recognise them.
type Request struct {
	Model     string    // exact model id, e.g. "claude-sonnet-5-5"
	System    []string  // part 0: role and rules; part 1: what all tasks of a build share; each ends a cached prefix
	Tools     []ToolDef // offered in this order
	Messages  []Message
	MaxTokens int64           // most output tokens; the meter may shrink it
	Effort    string          // "" lets the model decide; else low | medium | high | xhigh | max
	Thinking  bool            // let the model think as much as the question needs; only for models known to take that
	Schema    json.RawMessage // when set, the answer MUST be one JSON value of this JSON schema
}

// StopReason says why a model stopped. An answer without one is not an answer.
type StopReason string

// Stop reasons, in the words of the Anthropic Messages API (other adapters translate).
const (
	StopEnd       StopReason = "end_turn"
	StopTools     StopReason = "tool_use"
	StopLength    StopReason = "max_tokens"
	StopWindow    StopReason = "model_context_window_exceeded"
	StopRefusal   StopReason = "refusal"
	StopPause     StopReason = "pause_turn"
	StopSequenced StopReason = "stop_sequence"
)

// Usage counts the tokens of one answer by class; Input excludes the cached classes. The zero value
// means that the provider did not say: no answer costs nothing.
type Usage struct {
	Input        int64 `json:"input"`
	CacheWrite5m int64 `json:"cache_write_5m"`
	CacheWrite1h int64 `json:"cache_write_1h"`
	CacheRead    int64 `json:"cache_read"`
	Output       int64 `json:"output"`
}

// Response is one complete answer.
type Response struct {
	ID      string // the provider's id of the answer
	Model   string // the model that answered, as it names itself
	Message Message
	Stop    StopReason
	Usage   Usage
	Limits  Limits // as they stood when the answer began; a replayed answer has none
}

// Model answers requests. Complete sends exactly one request and MUST NOT retry: every send is
// budgeted on its own. It returns a *[Failure] when the provider or the wire failed; an error of
// another type is the machine's own (for example a refusal by the budget) and ends the task's run.
// It MUST be safe for concurrent use.
type Model interface {
	Complete(ctx context.Context, req Request) (Response, error)
}

// Replayer is the extra power of a Model to read an answer that was received before: body is the
// response body as it came over the wire, contentType its Content-Type. It makes no request.
// For the same body it MUST return what Complete returned then, but for the limits.
type Replayer interface {
	Replay(ctx context.Context, req Request, contentType string, body []byte) (Response, error)
}

// Class is what to do about a failed send; every failure has exactly one.
type Class string

// The five classes of failure (reference: reliability-security part D).
const (
	Retry      Class = "retry"       // send again after a short wait
	WaitUntil  Class = "wait_until"  // send again at Failure.After from now
	PauseBuild Class = "pause_build" // money, keys, long outages: stop all, resumable
	FixRequest Class = "fix_request" // this request can never succeed as it is
	FailTask   Class = "fail_task"   // the model declines this task
)

// Cause says what lies behind a failure, as far as it changes what a person or the engine does next.
type Cause string

// The causes of failures. Load and network are the ones that an outage is made of.
const (
	CauseLoad     Cause = "load"     // the provider is overloaded or broken
	CauseNetwork  Cause = "network"  // no answer came, or it was lost on the way
	CauseProtocol Cause = "protocol" // what answered does not speak the API: a proxy, a portal, another server
	CauseRate     Cause = "rate"     // too much was asked for in too short a time
	CauseMoney    Cause = "money"    // credit, quota or a spending limit is used up
	CauseKey      Cause = "key"      // the key is missing, wrong, or may not do this
	CauseModel    Cause = "model"    // no such model here, or not any more
	CauseSize     Cause = "size"     // the request is larger than the model or the server takes
	CauseRequest  Cause = "request"  // the request is wrong in another way
	CausePolicy   Cause = "policy"   // the provider declines what was asked
)

// NotBefore is the type of a failure that is the pacer's own: the next send is too far away.
const NotBefore = "not_before"

// ErrNotSent is the cause of a failure for which nothing was sent at all: whoever paces the sends
// kept it back.
var ErrNotSent = errors.New("not sent")

// Failure is a send that brought no usable answer.
type Failure struct {
	Class     Class
	Cause     Cause
	Status    int           // HTTP status; 0 when no response came
	Type      string        // the provider's error type, e.g. "overloaded_error"
	Message   string        // sanitised, without secrets
	RequestID string        // for disputes with the provider
	After     time.Duration // wait before the next send, when the provider said so, at any length
	Tries     int           // most sends again that make sense for a Retry; 0: whatever the caller's policy says
	Limits    Limits        // of the provider's rate limits, when it said any
	Err       error         // cause, may be nil
}

// Error says status, type, message and request id in one line.
func (f *Failure) Error() string {
	text := fmt.Sprintf("model call failed (%s): status %d %s: %s", f.Class, f.Status, f.Type, f.Message)
	if f.RequestID != "" {
		text += " (request " + f.RequestID + ")"
	}
	return text
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }
