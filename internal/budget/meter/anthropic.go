package meter

import (
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// anthropic is the Messages API, versions 2023-06-01 and 2026-10-21.
type anthropic struct{}

// name is empty: holds of before there were other dialects have none.
func (anthropic) name() string { return "" }

// route knows POST /v1/messages as a model call, and counting tokens, listing models and probing
// the root as free, below any base path. Everything else is refused, batches included.
func (anthropic) route(req *http.Request) route {
	p, plain := plainPath(req)
	if !plain {
		return refused
	}
	switch {
	case req.Method == http.MethodPost && strings.HasSuffix(p, "/v1/messages"):
		return metered
	case req.Method == http.MethodPost && strings.HasSuffix(p, "/v1/messages/count_tokens"):
		return free
	case reads(req) && (strings.HasSuffix(p, "/v1/models") || strings.HasSuffix(path.Dir(p), "/v1/models")):
		return free
	case req.Method == http.MethodHead && p == "/":
		return free
	}
	return refused
}

// question reads a request body. It refuses what the table of prices has no figure for: fast mode,
// chosen regions, other servers' tools, fallback models, compaction by the provider.
func (anthropic) question(req *http.Request, body []byte) (question, error) {
	top, err := readObject(body)
	if err != nil {
		return question{}, unmetered("read body: %s", err)
	}
	q := question{body: body, opaque: -1, cache: budget.CacheNone}
	if json.Unmarshal(top["model"].raw, &q.model) != nil || q.model == "" {
		return question{}, unmetered("it names no model")
	}
	if q.maxTokens, q.maxAt, err = top["max_tokens"].count(); err != nil || q.maxTokens < 1 {
		return question{}, unmetered("max_tokens is not a whole number of at least 1")
	}
	q.limit = q.maxTokens
	if err := unpricedFeature(top); err != nil {
		return question{}, err
	}
	q.thinking = thinkingBudget(top["thinking"].raw)
	q.long = strings.Contains(strings.Join(req.Header.Values("Anthropic-Beta"), ","), "context-1m")
	if err := q.survey(top); err != nil {
		return question{}, err
	}
	return q, nil
}

func unpricedFeature(top map[string]member) error {
	for _, key := range slices.Sorted(maps.Keys(top)) {
		value := string(top[key].raw)
		switch {
		case top[key].null() || value == "[]":
		case key == "speed" && value != `"standard"`, key == "inference_geo" && value != `"global"`:
			return unmetered("no price is known for %s other than the standard", key)
		case key == "mcp_servers", key == "container", strings.HasPrefix(key, "fallback"):
			return unmetered("what %s costs cannot be bounded", clean(key))
		}
	}
	var management struct {
		Edits []struct {
			Type string `json:"type"`
		} `json:"edits"`
	}
	if m, ok := top["context_management"]; ok && json.Unmarshal(m.raw, &management) != nil {
		return unmetered("context_management cannot be read")
	}
	for _, e := range management.Edits {
		if !strings.HasPrefix(e.Type, "clear_") {
			return unmetered("what the context edit %q costs cannot be bounded", e.Type)
		}
	}
	return nil
}

func thinkingBudget(raw json.RawMessage) int64 {
	var t struct {
		Budget int64 `json:"budget_tokens"`
	}
	if json.Unmarshal(raw, &t) != nil {
		return 0
	}
	return max(t.Budget, 0)
}

// failure reads {"type":"error","error":{"type","message"}}.
func (anthropic) failure(body []byte) (kind, message string, shaped bool) {
	var e struct {
		Type  string `json:"type"`
		Error struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil || e.Type != "error" || e.Error.Type == "" {
		return "", "", false
	}
	return e.Error.Type, e.Error.Message, true
}
