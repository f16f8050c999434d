package openai_test

import (
	"fmt"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
)

// Usage is counted by class; what is not said, or cannot be, is the zero value, and never an error.
func TestUsage(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]agent.Usage{
		`null`: {}, `{}`: {}, `"none"`: {}, `[1]`: {}, `{"prompt_tokens":0,"completion_tokens":0}`: {},
		`{"prompt_tokens":10,"completion_tokens":3}`:                                                                       {Input: 10, Output: 3},
		`{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":null}`:                                          {Input: 10, Output: 3},
		`{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":5}}`:    {Input: 1, CacheRead: 4, CacheWrite5m: 5, Output: 3},
		`{"prompt_tokens":10,"completion_tokens":3,"total_tokens":50}`:                                                     {Input: 10, Output: 40},
		`{"prompt_tokens":10,"completion_tokens":3,"prompt_cache_hit_tokens":10}`:                                          {CacheRead: 10, Output: 3},
		`{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":11}}`:                          {},
		`{"prompt_tokens":-10,"completion_tokens":3}`:                                                                      {},
		`{"prompt_tokens":10,"completion_tokens":-3}`:                                                                      {},
		`{"prompt_tokens":9223372036854775807,"completion_tokens":3}`:                                                      {},
		`{"prompt_tokens":10.5,"completion_tokens":3}`:                                                                     {},
		`{"input_tokens":10,"output_tokens":3,"input_tokens_details":{"cached_tokens":4},"output_tokens_details":{"x":1}}`: {Input: 6, CacheRead: 4, Output: 3},
	} {
		for api, body := range map[openai.API]string{
			openai.Chat:      `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":%s}`,
			openai.Responses: `{"status":"completed","output":[],"usage":%s}`,
		} {
			resp, err := client(t, "https://example.com", api).Replay(t.Context(), agenttest.Ask(), "application/json", fmt.Appendf(nil, body, said))
			if err != nil || resp.Usage != want {
				t.Errorf("%s of %s: %+v, %v; want %+v", said, api, resp.Usage, err, want)
			}
		}
	}
}
