package offline

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// dialect is a wire: how questions are read and answers written. What is said does not depend on it.
type dialect interface {
	read(r *http.Request, body []byte, models func(id string) bool) (question, *failure)
	// billed is a usage in the classes that the wire has.
	billed(u usage) usage
	whole(q question, a answer) any
	stream(s stream, q question, a answer) error
	refuse(w http.ResponseWriter, id string, f *failure)
}

// dialectAt is the wire that is spoken at a path.
func dialectAt(path string) dialect {
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		return chatDialect{}
	case strings.HasSuffix(path, "/responses"):
		return responsesDialect{}
	}
	return messagesDialect{}
}

// answers answers model calls over a wire.
func (s *Server) answers(d dialect) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, f := s.body(w, r)
		id := requestID(body)
		var q question
		if f == nil {
			q, f = d.read(r, body, s.options.answers)
		}
		var said []agent.Block
		if f == nil {
			said, f = s.say(q)
		}
		if f != nil {
			s.ledger.refused()
			d.refuse(w, id, f)
			return
		}
		for _, name := range []string{"Request-Id", "X-Request-Id"} {
			w.Header().Set(name, id)
		}
		if !wait(r.Context(), s.options.Latency) {
			return
		}
		a := compose(q, said, d.billed(s.input(q)))
		entry := s.ledger.sent(q, a)
		if s.send(w, r, d, q, a) == nil {
			s.ledger.answered(entry)
		}
	}
}

// say decides the answer. A spec that the rules choke on is a request that can never succeed, and
// never the end of the process.
func (s *Server) say(q question) (said []agent.Block, f *failure) {
	defer func() {
		if p := recover(); p != nil {
			said, f = nil, invalid("the offline model's rules failed on this request: %v", p)
		}
	}()
	said, err := s.speaker.Answer(q.Request)
	if err != nil {
		return nil, invalid("output_config.format.schema: %v", err)
	}
	return said, nil
}

// input is the usage of the request alone.
func (s *Server) input(q question) usage {
	if s.cache == nil {
		return usage{InputTokens: q.inputTokens(), ServiceTier: "standard"}
	}
	u := s.cache.account(q)
	u.ServiceTier = "standard"
	return u
}

// send writes the answer, whole or as a stream.
func (s *Server) send(w http.ResponseWriter, r *http.Request, d dialect, q question, a answer) error {
	if q.stream {
		return d.stream(stream{ctx: r.Context(), w: w, tokensPerSecond: s.options.TokensPerSecond}, q, a)
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(d.whole(q, a))
}

// wait waits for d; false when ctx ended before.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
