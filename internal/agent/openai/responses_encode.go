package openai

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// responsesWire is the Responses API, without any state kept by the provider.
type responsesWire struct{}

func (responsesWire) path() string { return "/responses" }

type (
	responsesRequest struct {
		Model        string            `json:"model"`
		Instructions string            `json:"instructions,omitempty"`
		Input        []json.RawMessage `json:"input"`
		Tools        []responsesTool   `json:"tools,omitempty"`
		Limit        int64             `json:"max_output_tokens,omitempty"`
		Reasoning    *reasoningOptions `json:"reasoning,omitempty"`
		Text         *textOptions      `json:"text,omitempty"`
		Stream       bool              `json:"stream"`
		Store        bool              `json:"store"`
		Include      []string          `json:"include,omitempty"`
		CacheKey     string            `json:"prompt_cache_key,omitempty"`
	}
	reasoningOptions struct {
		Effort string `json:"effort"`
	}
	textOptions struct {
		Format textFormat `json:"format"`
	}
	textFormat struct {
		Type   string          `json:"type"`
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict bool            `json:"strict"`
	}
	responsesTool struct {
		Type        string          `json:"type"`
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters"`
		Strict      bool            `json:"strict"` // the API's default is true, which our schemas need not fit
	}
	responsesText struct {
		Type string `json:"type"` // input_text | output_text
		Text string `json:"text"`
	}
	responsesMessage struct {
		Type    string          `json:"type"`
		Role    string          `json:"role"`
		Content []responsesText `json:"content"`
	}
	responsesCall struct {
		Type      string `json:"type"`
		CallID    string `json:"call_id"`
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
	responsesResult struct {
		Type   string `json:"type"`
		CallID string `json:"call_id"`
		Output string `json:"output"`
	}
)

// encode makes the body of a request.
func (responsesWire) encode(req agent.Request, t traits) ([]byte, error) {
	r := responsesRequest{Model: req.Model, Instructions: system(req, !t.own || t.noFormat), Limit: req.MaxTokens, Stream: true}
	if !t.noInclude {
		r.Include = []string{"reasoning.encrypted_content"}
	}
	if !t.noCacheKey && t.own {
		r.CacheKey = cacheKey(req)
	}
	if req.Effort != "" {
		r.Reasoning = &reasoningOptions{req.Effort}
	}
	if len(req.Schema) > 0 && !t.noFormat {
		r.Text = &textOptions{textFormat{"json_schema", formatName, req.Schema, strictly(req.Schema)}}
	}
	for _, def := range req.Tools {
		if !json.Valid(def.Schema) {
			return nil, fmt.Errorf("encode tool %s: its schema is no JSON", def.Name)
		}
		r.Tools = append(r.Tools, responsesTool{"function", def.Name, def.Description, def.Schema, false})
	}
	for _, m := range req.Messages {
		items, err := responsesItems(m)
		if err != nil {
			return nil, err
		}
		r.Input = append(r.Input, items...)
	}
	return marshal(r)
}

// cacheKey brings the calls that share a prefix to the same cache: those of one model with the same
// rules.
func cacheKey(req agent.Request) string {
	sum := sha256.Sum256([]byte(req.Model + "\x00" + strings.Join(req.System, "\x00")))
	return "builder-" + hex.EncodeToString(sum[:8])
}

// responsesItems makes the items of one turn.
func responsesItems(m agent.Message) ([]json.RawMessage, error) {
	var items []json.RawMessage
	for _, b := range m.Blocks {
		item, err := responsesItem(m.Role, b)
		if err != nil {
			return nil, fmt.Errorf("encode message: %w", err)
		}
		if item != nil {
			items = append(items, item)
		}
	}
	if len(items) > 0 {
		return items, nil
	}
	item, err := responsesItem(m.Role, agent.Block{Kind: agent.TextBlock, Text: nothing})
	return []json.RawMessage{item}, err
}

// responsesItem makes the item of a block; nil for one that has none: an empty text, and thinking of
// another wire.
func responsesItem(role agent.Role, b agent.Block) (json.RawMessage, error) {
	switch b.Kind {
	case agent.TextBlock:
		if strings.TrimSpace(b.Text) == "" {
			return nil, nil
		}
		kind := "input_text"
		if role == agent.Assistant {
			kind = "output_text"
		}
		item, err := marshal(responsesMessage{"message", string(role), []responsesText{{kind, b.Text}}})
		return withMembers(item, b.Opaque), err
	case agent.ThinkingBlock:
		var item struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(b.Opaque, &item) != nil || item.Type == "" {
			return nil, nil
		}
		return b.Opaque, nil
	case agent.UseBlock:
		return marshal(responsesCall{"function_call", b.ID, wireName(b.Name), wireInput(b.Input)})
	case agent.ResultBlock:
		return marshal(responsesResult{"function_call_output", b.ID, wireResult(b)})
	}
	return nil, nil
}
