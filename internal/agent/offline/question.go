package offline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

// question is one valid request, whatever the wire.
type question struct {
	agent.Request
	stream   bool
	tally    bool // Chat Completions: a streamed answer ends with its usage
	segments []segment
	hash     string // SHA-256 of the body, lower-case hex
	matter   string // the same of what is asked, however much may be answered and however it is sent
}

// segment is a tool, a system block or a content block of the request, in prefix order.
type segment struct {
	canonical []byte // compact JSON with sorted keys, without the cache mark
	mark      string // "", "5m" or "1h": a cached prefix ends here
}

// fields of the body that are read; all others are accepted and have no effect.
type fields struct {
	Model        json.RawMessage   `json:"model"`
	MaxTokens    json.RawMessage   `json:"max_tokens"`
	Messages     []json.RawMessage `json:"messages"`
	System       json.RawMessage   `json:"system"`
	Tools        []json.RawMessage `json:"tools"`
	Stream       *bool             `json:"stream"`
	ToolChoice   json.RawMessage   `json:"tool_choice"`
	OutputConfig json.RawMessage   `json:"output_config"`
	Thinking     json.RawMessage   `json:"thinking"`
	Temperature  json.RawMessage   `json:"temperature"`
	TopP         json.RawMessage   `json:"top_p"`
	TopK         json.RawMessage   `json:"top_k"`
}

// reader checks and translates a body.
type reader struct {
	fields
	question
	models  func(id string) bool
	version string
}

// read makes a question of a body. counting is for count_tokens, which has no max_tokens.
func read(body []byte, models func(id string) bool, version string, counting bool) (question, *failure) {
	r := reader{models: models, version: version}
	if err := json.Unmarshal(body, &r.fields); err != nil {
		return question{}, invalid("the request body is not valid JSON of a message request: %v", err)
	}
	steps := []func() *failure{r.readModel, r.readSampling, r.readTools, r.readSystem, r.readMessages, r.readOutput, r.checkMarks}
	if !counting {
		steps = slices.Insert(steps, 1, r.readMaxTokens)
	}
	for _, step := range steps {
		if f := step(); f != nil {
			return question{}, f
		}
	}
	r.stream = r.Stream != nil && *r.Stream
	r.sign(body)
	return r.question, nil
}

// sign notes the hashes of a question that has been read.
func (q *question) sign(body []byte) {
	sum := sha256.Sum256(body)
	q.hash = hex.EncodeToString(sum[:])
	q.matter = q.matterHash()
}

func (r *reader) readModel() *failure {
	var model string
	if f := scalar(r.fields.Model, "model", "string", &model); f != nil {
		return f
	}
	return r.known(model, r.models)
}

// known takes a model that is answered as.
func (q *question) known(model string, models func(id string) bool) *failure {
	if !models(model) {
		return notFound("model: %.100s", model)
	}
	q.Request.Model = model
	return nil
}

func (r *reader) readMaxTokens() *failure {
	if f := scalar(r.fields.MaxTokens, "max_tokens", "integer", &r.Request.MaxTokens); f != nil {
		return f
	}
	switch n := r.Request.MaxTokens; {
	case n < 1:
		return invalid("max_tokens: must be greater than or equal to 1")
	case n > outputTokens:
		return invalid("max_tokens: %d > %d, which is the maximum allowed number of output tokens for %s", n, outputTokens, r.Request.Model)
	}
	var thinking struct {
		Type   string `json:"type"`
		Budget int64  `json:"budget_tokens"`
	}
	if len(r.Thinking) > 0 && json.Unmarshal(r.Thinking, &thinking) != nil {
		return invalid("thinking: Input should be a valid object")
	}
	if thinking.Type == "enabled" && thinking.Budget >= r.Request.MaxTokens {
		return invalid("`max_tokens` must be greater than `thinking.budget_tokens`")
	}
	return nil
}

// readSampling refuses what the newer version of the API refuses.
func (r *reader) readSampling() *failure {
	if r.version != "2026-10-21" {
		return nil
	}
	switch {
	case len(r.Temperature) > 0:
		return invalid("temperature: Extra inputs are not permitted")
	case len(r.TopP) > 0:
		return invalid("top_p: Extra inputs are not permitted")
	case len(r.TopK) > 0:
		return invalid("top_k: Extra inputs are not permitted")
	}
	return nil
}

// readOutput reads the schema of a structured question.
func (r *reader) readOutput() *failure {
	if len(r.OutputConfig) == 0 {
		return nil
	}
	var config struct {
		Effort string `json:"effort"`
		Format *struct {
			Type   string          `json:"type"`
			Schema json.RawMessage `json:"schema"`
		} `json:"format"`
	}
	if json.Unmarshal(r.OutputConfig, &config) != nil {
		return invalid("output_config: Input should be a valid object")
	}
	r.Effort = config.Effort
	if config.Format == nil {
		return nil
	}
	if config.Format.Type != "json_schema" || len(config.Format.Schema) == 0 {
		return invalid("output_config.format: type json_schema with a schema is required")
	}
	r.Schema = config.Format.Schema
	return nil
}

// matterHash is over the model, the segments and the schema.
func (q *question) matterHash() string {
	h := sha256.New()
	put := func(b []byte) {
		sum := sha256.Sum256(b)
		h.Write(sum[:])
	}
	put([]byte(q.Request.Model))
	for _, s := range q.segments {
		put(s.canonical)
	}
	put(q.Schema)
	return hex.EncodeToString(h.Sum(nil))
}

// inputTokens counts the whole input.
func (q question) inputTokens() int64 {
	n := 0
	for _, s := range q.segments {
		n += len(s.canonical)
	}
	return max(1, conversation.Tokens(n))
}

// scalar reads a required field.
func scalar(raw json.RawMessage, name, kind string, into any) *failure {
	if len(raw) == 0 || string(raw) == "null" {
		return invalid("%s: Field required", name)
	}
	if json.Unmarshal(raw, into) != nil {
		return invalid("%s: Input should be a valid %s", name, kind)
	}
	return nil
}
