package failure

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Position says how far a send had come when it failed.
type Position string

// The positions of a send.
const (
	BeforeResponse Position = "before" // no head of a response came
	AtHead         Position = "head"   // an error status, or a head that is none of an answer
	MidStream      Position = "stream" // after the head of an answer, before its terminal event
	AfterEnd       Position = "end"    // the answer came to its end and is no answer all the same
)

// Types of failures that are not the provider's words.
const (
	TypeConnection = "connection" // the network failed, or the answer was lost on the way
	TypeProtocol   = "protocol"   // something answered that does not speak the API
)

// Fault is what is known of a send that brought no answer. Zero fields are not known.
type Fault struct {
	At        Position
	Status    int         // as it came over the wire: 200 for an error inside a stream
	Type      string      // the provider's error type
	Code      string      // its error code; a number stands for a status
	Message   string      // its words, or what the machine says
	RequestID string      // of the body or a header
	Shaped    bool        // the words came in an error object of the API
	Header    http.Header // of the response
	Delay     string      // a wait that the body states, like "34s"
	Err       error       // of the machine, when there was no answer or none that could be read
	Now       time.Time   // when the head, or the error, came
}

// Failure classifies f. hide takes secrets and addresses out of foreign text; nil takes out none.
func (f Fault) Failure(hide *strings.Replacer) *agent.Failure {
	if f.Message == "" && f.Err != nil {
		f.Message = f.Err.Error()
	}
	v := f.verdict()
	out := &agent.Failure{
		Class: v.class, Cause: v.cause, Tries: v.tries, Status: f.Status, Type: Clean(f.kind(v), hide), Message: Clean(f.Message, hide),
		RequestID: Clean(f.RequestID, hide), Limits: Limits(f.Header, f.Now), Err: f.Err,
	}
	switch v.class {
	case agent.Retry, agent.WaitUntil:
		out.After = f.wait()
	case agent.PauseBuild:
		if out.After = f.regained(); out.After == 0 {
			out.After = f.wait()
		}
	}
	return out
}

// kind is the type that a failure shows: the provider's own where it has one.
func (f Fault) kind(v verdict) string {
	switch {
	case f.Type != "":
		return f.Type
	case f.Code != "" && f.codeStatus() == 0:
		return f.Code
	case v.cause == agent.CauseNetwork:
		return TypeConnection
	}
	return TypeProtocol
}
