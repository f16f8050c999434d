package offline

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// messages answers POST /v1/messages.
func (s *Server) messages(w http.ResponseWriter, r *http.Request) {
	body, f := s.body(w, r)
	id := requestID(body)
	w.Header().Set("Request-Id", id)
	var q question
	if f == nil {
		q, f = s.question(r, body, false)
	}
	var said []agent.Block
	if f == nil {
		said, f = s.say(q)
	}
	if f != nil {
		s.ledger.refused()
		refuse(w, id, f)
		return
	}
	if !wait(r.Context(), s.options.Latency) {
		return
	}
	a := compose(q, said, s.input(q))
	entry := s.ledger.sent(q, a)
	if s.send(w, r, q, a) == nil {
		s.ledger.answered(entry)
	}
}

// countTokens answers POST /v1/messages/count_tokens.
func (s *Server) countTokens(w http.ResponseWriter, r *http.Request) {
	body, f := s.body(w, r)
	w.Header().Set("Request-Id", requestID(body))
	var q question
	if f == nil {
		q, f = s.question(r, body, true)
	}
	if f != nil {
		refuse(w, requestID(body), f)
		return
	}
	show(w, map[string]int64{"input_tokens": q.inputTokens()})
}

// question reads a request.
func (s *Server) question(r *http.Request, body []byte, counting bool) (question, *failure) {
	v, f := version(r)
	if f != nil {
		return question{}, f
	}
	return read(body, s.options.models(), v, counting)
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
func (s *Server) send(w http.ResponseWriter, r *http.Request, q question, a answer) error {
	if q.stream {
		return stream{ctx: r.Context(), w: w, tokensPerSecond: s.options.TokensPerSecond}.send(a)
	}
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(a)
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
