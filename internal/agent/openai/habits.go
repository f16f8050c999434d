package openai

import (
	"strings"
	"sync"

	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// traits say how a server takes requests.
type traits struct {
	own        bool // OpenAI's own
	chat       bool // asked over Chat Completions
	completion bool // chat: the limit is max_completion_tokens rather than max_tokens
	noFormat   bool // no structured output: words alone ask for it
	noUsage    bool // chat: no stream_options, so perhaps no usage either
	noInclude  bool // responses: no encrypted reasoning
	noCacheKey bool // responses: no prompt_cache_key
}

// habits are the traits of one server, as far as it has shown them. Only what an answer does not
// depend on is ever left out: never tools, effort or anything that was said.
type habits struct {
	mu      sync.Mutex
	t       traits
	flipped bool // the name of the limit was changed once: a server that knows neither is not asked for ever
}

func newHabits(own bool, api API) *habits {
	return &habits{t: traits{own: own, chat: api == Chat, completion: own}}
}

func (h *habits) now() traits {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.t
}

// learn takes in a refusal. It is true when the server named a part of q that need not be there: the
// same question will be put in another way.
func (h *habits) learn(q question, f failure.Fault) bool {
	text := strings.ToLower(f.Message)
	says := func(words ...string) bool { return hasAny(text, words...) }
	h.mu.Lock()
	defer h.mu.Unlock()
	switch t := &h.t; {
	case t.chat && says("max_completion_tokens") && denies(text) && (!h.flipped || t.completion != q.traits.completion):
		t.completion, h.flipped = !q.traits.completion, true
	case t.chat && says("stream_options") && !q.traits.noUsage:
		t.noUsage = true
	case len(q.req.Schema) > 0 && !q.traits.noFormat && says("response_format", "json_schema", "text.format", "structured output", "json schema", "grammar"):
		t.noFormat = true
	case !t.chat && says("encrypted content", "encrypted_content", "'include'") && !q.traits.noInclude:
		t.noInclude = true
	case !t.chat && says("prompt_cache_key") && !q.traits.noCacheKey:
		t.noCacheKey = true
	default:
		return false
	}
	return true
}

// noTools says whether a refusal means that there are no tools here, in the words of Ollama, vLLM,
// llama.cpp, OpenRouter and OpenAI.
func noTools(f failure.Fault) bool {
	return hasAny(strings.ToLower(f.Message),
		"not support tools", "not support tool", "not support function", "tools are not supported", "tool calling is not supported", "tool use is not supported",
		"function calling is not", "support tool use", "--enable-auto-tool-choice", "tools param requires", "unsupported parameter: 'tools'", "unrecognized request argument supplied: tools")
}

// denies says whether text is about a parameter as such, rather than about its value.
func denies(text string) bool {
	return hasAny(text, "unsupported", "not supported", "unrecognized", "unknown", "unexpected", "extra", "not permitted", "not allowed", "instead")
}

func hasAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
