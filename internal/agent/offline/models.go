package offline

import "net/http"

// modelInfo is a model in the shape of both Models APIs, Anthropic's and OpenAI's.
type modelInfo struct {
	ID             string `json:"id"`
	Type           string `json:"type"`
	Object         string `json:"object"`
	Created        int64  `json:"created"`
	OwnedBy        string `json:"owned_by"`
	DisplayName    string `json:"display_name"`
	CreatedAt      string `json:"created_at"`
	MaxInputTokens int64  `json:"max_input_tokens"`
	MaxTokens      int64  `json:"max_tokens"`
}

// The window and the most output of the offline model, in its tokens.
const (
	windowTokens = 1_000_000
	outputTokens = 128_000
)

// released is the time at which the offline model was made and, on wires that want one, at which it
// answers, as it knows no clock: 2026-11-01.
const released = 1793491200

func info(id string) modelInfo {
	name := "Builder offline (rules, not a language model)"
	if id != ModelID {
		name += ", answering as " + id
	}
	return modelInfo{ID: id, Type: "model", Object: "model", Created: released, OwnedBy: "builder", DisplayName: name, CreatedAt: "2026-11-01T00:00:00Z", MaxInputTokens: windowTokens, MaxTokens: outputTokens}
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	ids := s.options.models()
	page := struct {
		Object  string      `json:"object"`
		Data    []modelInfo `json:"data"`
		HasMore bool        `json:"has_more"`
		FirstID string      `json:"first_id"`
		LastID  string      `json:"last_id"`
	}{Object: "list", FirstID: ids[0], LastID: ids[len(ids)-1]}
	for _, id := range ids {
		page.Data = append(page.Data, info(id))
	}
	show(w, page)
}

func (s *Server) model(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !s.options.answers(id) {
		refuse(w, requestID([]byte(r.URL.Path)), notFound("model: %.100s", id))
		return
	}
	show(w, info(id))
}
