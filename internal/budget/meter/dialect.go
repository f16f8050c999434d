package meter

import (
	"net/http"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// dialect is the wire format of a provider, as far as money is concerned.
type dialect interface {
	// route says what a request is.
	route(req *http.Request) route
	// question reads the body of a model call; the error is ErrUnmetered.
	question(h http.Header, body []byte) (question, error)
	// stream starts to follow a streamed answer.
	stream(use budget.CacheUse) follower
	// whole reads an answer that was not streamed.
	whole(body []byte, use budget.CacheUse) outcome
	// failure reads the body of an error status. shaped: the provider itself wrote it.
	failure(body []byte) (kind, message string, shaped bool)
}

// route is what a request is.
type route int

const (
	refused route = iota // nothing that is known to be free, and not a call that can be metered
	free                 // it costs nothing and passes as it is
	metered              // a model call
)

// question is a model call as it stands in a request body.
type question struct {
	body      []byte
	model     string
	maxTokens int64
	maxAt     [2]int // where its digits stand in body
	thinking  int64  // output tokens set aside for thinking; max_tokens must stay above it
	tools     int64
	messages  int64
	opaque    int   // index of the last message whose tokens its bytes do not bound; -1 without one
	fixed     bool  // such content stands outside the messages
	searches  int64 // most web searches
	cache     budget.CacheUse
	long      bool // a window beyond the one that is priced is asked for
}

// shrunk is the body with another max_tokens; every other byte is as it was.
func (q question) shrunk(maxTokens int64) []byte {
	if maxTokens == q.maxTokens {
		return q.body
	}
	return splice(q.body, q.maxAt, maxTokens)
}

// verdict is what to do with a frame.
type verdict int

const (
	pass     verdict = iota // it may be seen at once
	withhold                // it and all after it wait for the settlement
	terminal                // it ends the answer
	failed                  // the provider says that the answer failed
	broken                  // it cannot be understood
)

// follower reads the frames of one streamed answer.
type follower interface {
	frame(f frame) verdict
	outcome() outcome
}

// outcome is what an answer says about itself.
type outcome struct {
	complete bool // with stop reason and usage
	usage    budget.Usage
	model    string
	stop     string
	kind     string // type of the error, when it failed
	problem  string // why it is not complete
}
