package offline

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

// Server answers requests; it is an http.Handler and safe for concurrent use. Its answers depend on
// the request alone, its ledger and its prompt cache on all requests so far.
type Server struct {
	options Options
	mux     *http.ServeMux
	speaker conversation.Speaker
	ledger  *ledger
	cache   *promptCache
}

// Handler makes a server.
func Handler(o Options) *Server {
	o = o.filled()
	s := &Server{options: o, mux: http.NewServeMux(), speaker: conversation.Speaker{Author: remember(o.Author)}, ledger: newLedger()}
	if o.Cache {
		s.cache = newPromptCache(o.Now)
	}
	s.mux.HandleFunc("POST /v1/messages", s.answers(messagesDialect{}))
	s.mux.HandleFunc("POST /v1/chat/completions", s.answers(chatDialect{}))
	s.mux.HandleFunc("POST /v1/responses", s.answers(responsesDialect{}))
	s.mux.HandleFunc("POST /v1/messages/count_tokens", s.countTokens)
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("GET /v1/models/{id}", s.model)
	s.mux.HandleFunc("GET /_ledger", s.showLedger)
	s.mux.HandleFunc("GET /{$}", s.hello)
	s.mux.HandleFunc("/", s.elsewhere)
	return s
}

// Ledger is what was answered so far.
func (s *Server) Ledger() Ledger { return s.ledger.report() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead && r.URL.Path == "/" {
		w.WriteHeader(http.StatusOK)
		return
	}
	if !s.allowed(r) {
		dialectAt(r.URL.Path).refuse(w, requestID([]byte(r.URL.Path)), &failure{http.StatusUnauthorized, "authentication_error", "invalid x-api-key"})
		return
	}
	s.mux.ServeHTTP(w, r)
}

// allowed says whether r brings the key, if one is asked for.
func (s *Server) allowed(r *http.Request) bool {
	if s.options.Key == "" {
		return true
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, given := range []string{r.Header.Get("X-Api-Key"), bearer} {
		if subtle.ConstantTimeCompare([]byte(given), []byte(s.options.Key)) == 1 {
			return true
		}
	}
	return false
}

// version checks the anthropic-version header; both dates that clients in use send are spoken.
func version(r *http.Request) (string, *failure) {
	switch v := r.Header.Get("Anthropic-Version"); v {
	case "2023-06-01", "2026-10-21":
		return v, nil
	case "":
		return "", invalid("anthropic-version: header is required")
	default:
		return "", invalid("anthropic-version: %q is not a valid version; 2023-06-01 and 2026-10-21 are", v)
	}
}

// body reads the request's body up to the limit.
func (s *Server) body(w http.ResponseWriter, r *http.Request) ([]byte, *failure) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.options.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &failure{http.StatusRequestEntityTooLarge, "request_too_large", "Request exceeds the maximum size"}
	case err != nil:
		return nil, invalid("the body could not be read: %v", err)
	}
	return raw, nil
}

// requestID names a request by its body.
func requestID(body []byte) string {
	sum := sha256.Sum256(body)
	return "req_" + hex.EncodeToString(sum[:12])
}

// elsewhere answers every path that the API does not have.
func (s *Server) elsewhere(w http.ResponseWriter, r *http.Request) {
	refuse(w, requestID([]byte(r.URL.Path)), notFound("Not Found"))
}

// hello says what this is to a person with a browser.
func (s *Server) hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "Builder's offline model, which is not a language model. It speaks the Anthropic Messages API (POST /v1/messages) and OpenAI's two (POST /v1/chat/completions, POST /v1/responses).\n")
}

// show writes v as JSON.
func show(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	// The reader may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(v)
}
