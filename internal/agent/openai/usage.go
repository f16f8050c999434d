package openai

import (
	"encoding/json"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// tokens is the usage object of both wires: Chat Completions says prompt and completion, Responses
// input and output. Input holds what was read from the cache and what was written to it, output holds
// reasoning.
type tokens struct {
	Prompt        int64        `json:"prompt_tokens"`
	Completion    int64        `json:"completion_tokens"`
	Input         int64        `json:"input_tokens"`
	Output        int64        `json:"output_tokens"`
	Total         int64        `json:"total_tokens"`
	Hit           int64        `json:"prompt_cache_hit_tokens"` // DeepSeek
	PromptDetails cachedTokens `json:"prompt_tokens_details"`
	InputDetails  cachedTokens `json:"input_tokens_details"`
}

type cachedTokens struct {
	Read    int64 `json:"cached_tokens"`
	Written int64 `json:"cache_write_tokens"`
}

// usage counts by class; the zero value when a server says nothing, or nonsense. Some leave reasoning
// out of the output and count it in the total only. Money is not counted by it: the meter reads the
// wire itself.
func usage(raw json.RawMessage) agent.Usage {
	var t tokens
	if len(raw) == 0 || json.Unmarshal(raw, &t) != nil {
		return agent.Usage{}
	}
	input, output := max(t.Prompt, t.Input), max(t.Completion, t.Output)
	read, written := max(t.PromptDetails.Read, t.InputDetails.Read, t.Hit), max(t.PromptDetails.Written, t.InputDetails.Written)
	const most = 1 << 50 // so that sums cannot overflow
	for _, n := range []int64{
		t.Prompt, t.Completion, t.Input, t.Output, t.Total, t.Hit,
		t.PromptDetails.Read, t.PromptDetails.Written, t.InputDetails.Read, t.InputDetails.Written,
	} {
		if n < 0 || n > most {
			return agent.Usage{}
		}
	}
	if input == 0 || read+written > input {
		return agent.Usage{}
	}
	return agent.Usage{Input: input - read - written, CacheRead: read, CacheWrite5m: written, Output: max(output, t.Total-input)}
}
