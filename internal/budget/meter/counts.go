package meter

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// mostCount is above every count of tokens that can be, and so small that sums cannot overflow.
const mostCount = 1 << 50

// counts puts together what the usage objects of OpenAI's dialects say.
//
// The rules are:
//   - an object is the sum so far, so a later one replaces an earlier one; one that counts less is
//     odd;
//   - input tokens include the cached ones that were read, and those that were written where these
//     are named; more cached than all is odd;
//   - a total above input and output means output that was left out of it: Gemini and Grok do so
//     with reasoning;
//   - odd usage, and none, bills nothing exactly: the answer stays uncounted.
type counts struct {
	input, cached, written, output int64
	reported                       budget.Micro
	said                           bool
	odd                            bool
	worst                          int64 // the largest count of all, to see an overrun in what is odd
}

// rawCounts is the usage object: in Chat with prompt and completion, in Responses with input and output.
type rawCounts struct {
	Prompt        figure          `json:"prompt_tokens"`
	Completion    figure          `json:"completion_tokens"`
	Input         figure          `json:"input_tokens"`
	Output        figure          `json:"output_tokens"`
	Total         figure          `json:"total_tokens"`
	Hit           figure          `json:"prompt_cache_hit_tokens"` // DeepSeek
	PromptDetails cachedCounts    `json:"prompt_tokens_details"`
	InputDetails  cachedCounts    `json:"input_tokens_details"`
	Cost          json.RawMessage `json:"cost"` // OpenRouter, in US dollars
}

type cachedCounts struct {
	Read    figure `json:"cached_tokens"`
	Written figure `json:"cache_write_tokens"`
}

// figure is a count of tokens. Reading it never fails: what is no count is odd.
type figure struct {
	n    int64
	said bool
	odd  bool
}

// UnmarshalJSON reads a whole number that is not negative; null is not said.
func (f *figure) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	*f = figure{n: min(max(n, 0), mostCount), said: true, odd: err != nil || n < 0 || n >= mostCount}
	return nil
}

// or is f, or g where f is not said.
func (f figure) or(g figure) figure {
	if f.said {
		return f
	}
	return g
}

// add takes in a usage object and says whether it counts anything. Nothing and null are none; input
// of 0 is none either, since no call has it.
func (c *counts) add(raw json.RawMessage) bool {
	if len(raw) == 0 || string(raw) == "null" {
		return false
	}
	var u rawCounts
	if json.Unmarshal(raw, &u) != nil {
		c.odd = true
		return false
	}
	input, output := u.Prompt.or(u.Input), u.Completion.or(u.Output)
	cached := u.PromptDetails.Read.or(u.InputDetails.Read).or(u.Hit)
	written := u.PromptDetails.Written.or(u.InputDetails.Written)
	for _, f := range []figure{input, output, cached, written, u.Total} {
		c.odd = c.odd || f.odd
		c.worst = max(c.worst, f.n)
	}
	if cost := dollars(u.Cost); cost > c.reported {
		c.reported = cost
	}
	if input.n == 0 || !output.said {
		return false
	}
	out := max(output.n, u.Total.n-input.n)
	if cached.n+written.n > input.n || c.said && (input.n < c.input || out < c.output) {
		c.odd = true
	}
	c.said = true
	c.input, c.cached, c.written, c.output = max(c.input, input.n), cached.n, written.n, max(c.output, out)
	return true
}

// usage returns the counts by class, and whether they can be billed. Those that cannot are still as
// large as anything that was said.
func (c *counts) usage(use budget.CacheUse) (budget.Usage, bool) {
	if !c.said || c.odd {
		return budget.Usage{Input: max(c.input, c.worst-c.output), Output: c.output}, false
	}
	u := budget.Usage{Input: c.input - c.cached - c.written, CacheRead: c.cached, Output: c.output}
	if use == budget.Cache5m {
		u.CacheWrite5m = c.written
	} else {
		u.CacheWrite1h = c.written // the dearest that the request can have caused
	}
	return u, true
}

// close ends an answer whose terminal frame has come.
func (c *counts) close(out outcome, use budget.CacheUse) outcome {
	var counted bool
	out.usage, counted = c.usage(use)
	out.reported = c.reported
	switch {
	case out.stop == "":
		out.problem = "it has no finish reason"
	case out.stop == "error":
		out.kind, out.problem = "error", "the provider says that it failed"
	default:
		out.complete, out.uncounted = true, !counted
	}
	return out
}

// dollars reads an amount of US dollars, rounded up to a micro-dollar. What is no amount is 0: the
// provider does not say then.
func dollars(raw json.RawMessage) budget.Micro {
	f, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case err != nil || math.IsNaN(f) || f <= 0:
		return 0
	case f > 1e6:
		return 1e6 * budget.Dollar
	}
	nano := int64(math.Round(f * 1e9)) // so that 0.00014, which no float is, stays 140
	return budget.Micro((nano + 999) / 1000)
}
