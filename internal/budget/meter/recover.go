package meter

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// headMark begins a spool that holds the answer of an error status. The rest of the line is a head;
// the body follows. Spools of other answers hold the body as it came.
const headMark = "builder-failure "

type head struct {
	Status       int    `json:"status"`
	ContentType  string `json:"content_type,omitempty"`
	RequestID    string `json:"request_id,omitempty"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
}

func failureHead(status int, contentType, request string, retryMS int64) []byte {
	line, err := json.Marshal(head{status, contentType, request, retryMS})
	if err != nil {
		return nil // strings and numbers always encode
	}
	return append(append([]byte(headMark), line...), '\n')
}

// Recover settles a hold that was found open after a crash, from what its spool holds (nil when
// there is none). A complete answer is Answered with its true cost, the answer of an error status
// has the fate it would have had, and everything else is Unknown. The settlement's Answer is left
// to the caller, who links the spool into the blobs when Fate is Answered.
func Recover(_ context.Context, hold budget.Hold, spool []byte) budget.Settlement {
	d, ok := dialectNamed(hold.Dialect)
	if !ok {
		return unknown(hold, "the call was cut by a crash")
	}
	if rest, ok := bytes.CutPrefix(spool, []byte(headMark)); ok {
		return recoverFailure(d, hold, rest)
	}
	if text := bytes.TrimLeft(spool, " \t\r\n"); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return recovered(hold, d.whole(spool, hold.Cache), "application/json")
	}
	answer, frames := d.stream(hold.Cache), cutter{max: maxFrame}
	frames.feed(spool)
	for {
		f, ok, err := frames.next()
		if err != nil || !ok {
			break
		}
		if v := answer.frame(f); v == terminal || v == failed || v == broken {
			break
		}
	}
	return recovered(hold, answer.outcome(), eventStream)
}

func recovered(hold budget.Hold, out outcome, contentType string) budget.Settlement {
	s := settlement(hold, out)
	if s.ContentType = contentType; s.Fate == budget.Answered {
		s.Status = 200
	} else {
		s.Error = "the call was cut by a crash"
	}
	return s
}

func recoverFailure(d dialect, hold budget.Hold, spool []byte) budget.Settlement {
	line, body, ok := bytes.Cut(spool, []byte{'\n'})
	var h head
	if !ok || json.Unmarshal(line, &h) != nil || h.Status == 0 {
		return unknown(hold, "the call was cut by a crash")
	}
	kind, message, shaped := d.failure(body)
	return budget.Settlement{
		Op: hold.Op, Fate: failureFate(h.Status, shaped), Status: h.Status, ContentType: h.ContentType, RequestID: h.RequestID,
		RetryAfterMS: h.RetryAfterMS, ErrorType: clean(kind), Error: clean(message),
	}
}
