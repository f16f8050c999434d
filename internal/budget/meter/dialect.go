package meter

import (
	"net/http"
	"path"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// dialect is the wire format of a provider, as far as money is concerned.
type dialect interface {
	// name is what a hold remembers of it, for Recover.
	name() string
	// route says what a request is.
	route(req *http.Request) route
	// question reads the body of a model call; the error is ErrUnmetered.
	question(req *http.Request, body []byte) (question, error)
	// stream starts to follow a streamed answer.
	stream(use budget.CacheUse) follower
	// whole reads an answer that was not streamed.
	whole(body []byte, use budget.CacheUse) outcome
	// failure reads the body of an error status. shaped: the provider itself wrote it.
	failure(body []byte) (kind, message string, shaped bool)
}

// dialects are those that are known. A path belongs to one of them at most, but for free ones.
func dialects() []dialect { return []dialect{anthropic{}, chat{}, responses{}} }

// dialectOf returns the dialect that knows a request, and what the request is.
func dialectOf(req *http.Request) (dialect, route) {
	for _, d := range dialects() {
		if r := d.route(req); r != refused {
			return d, r
		}
	}
	return nil, refused
}

// dialectNamed returns the dialect that a hold remembers.
func dialectNamed(name string) (dialect, bool) {
	for _, d := range dialects() {
		if d.name() == name {
			return d, true
		}
	}
	return nil, false
}

// plainPath returns the path of a request, or false when servers may disagree on what it names.
func plainPath(req *http.Request) (string, bool) {
	p := req.URL.Path
	if p == "" {
		p = "/"
	}
	return p, path.Clean(p) == p && req.URL.RawPath == "" && !strings.ContainsAny(p, ";\\")
}

// reads says whether a request asks for nothing to be made.
func reads(req *http.Request) bool {
	return req.Method == http.MethodGet || req.Method == http.MethodHead
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
	maxTokens int64  // most output tokens asked for; 0 when the request leaves it open
	maxAt     [2]int // where the digits of limit stand in body
	limit     int64  // what stands there
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
	if maxTokens == q.limit {
		return q.body
	}
	return splice(q.body, q.maxAt, maxTokens)
}

// verdict is what to do with a frame.
type verdict int

const (
	pass     verdict = iota // it may be seen at once
	idle                    // it tells nothing but that the provider is there: it never waits
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
	complete  bool // with its terminal frame and stop reason, and with usage or uncounted
	uncounted bool // complete, but what it cost is not known
	usage     budget.Usage
	reported  budget.Micro // what the provider says that it cost; 0 when it does not say
	model     string
	stop      string
	kind      string // type of the error, when it failed
	problem   string // why it is not complete
	unpriced  bool   // it was billed at rates that the price does not have
	untaken   bool   // it failed before the provider took up the work
}
