package offline

import "net/http"

// messagesDialect is the Anthropic Messages API.
type messagesDialect struct{}

func (messagesDialect) read(r *http.Request, body []byte, models func(id string) bool) (question, *failure) {
	v, f := version(r)
	if f != nil {
		return question{}, f
	}
	return read(body, models, v, false)
}

func (messagesDialect) billed(u usage) usage { return u }

func (messagesDialect) whole(_ question, a answer) any { return a }

func (messagesDialect) stream(s stream, _ question, a answer) error { return s.send(a) }

func (messagesDialect) refuse(w http.ResponseWriter, id string, f *failure) {
	w.Header().Set("Request-Id", id)
	refuse(w, id, f)
}

// countTokens answers POST /v1/messages/count_tokens.
func (s *Server) countTokens(w http.ResponseWriter, r *http.Request) {
	body, f := s.body(w, r)
	w.Header().Set("Request-Id", requestID(body))
	var q question
	var v string
	if f == nil {
		v, f = version(r)
	}
	if f == nil {
		q, f = read(body, s.options.answers, v, true)
	}
	if f != nil {
		refuse(w, requestID(body), f)
		return
	}
	show(w, map[string]int64{"input_tokens": q.inputTokens()})
}
