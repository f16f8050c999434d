package meter

import (
	"encoding/json"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// rawUsage is the usage object of the Messages API. In a stream it stands in message_start and,
// cumulative, in message_delta; either may leave out or null what the other has.
type rawUsage struct {
	Input    *int64 `json:"input_tokens"`
	Created  *int64 `json:"cache_creation_input_tokens"`
	Read     *int64 `json:"cache_read_input_tokens"`
	Output   *int64 `json:"output_tokens"`
	Creation *struct {
		For5m *int64 `json:"ephemeral_5m_input_tokens"`
		For1h *int64 `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	Server *struct {
		Searches *int64 `json:"web_search_requests"`
	} `json:"server_tool_use"`
	Speed json.RawMessage `json:"speed"`
	Geo   json.RawMessage `json:"inference_geo"`
}

// priced says whether the call was billed at the rates that are known: at the standard speed, in no
// region that costs more. A workspace may have chosen otherwise, without the request saying so.
func (u *rawUsage) priced() bool {
	standard := func(raw json.RawMessage, words ...string) bool {
		return len(raw) == 0 || slices.Contains(words, string(raw))
	}
	return standard(u.Speed, "null", `"standard"`) && standard(u.Geo, "null", `""`, `"global"`, `"not_available"`)
}

// tally puts together what usage objects say; of each count the highest is taken.
type tally struct {
	sum      budget.Usage
	created  int64 // all cache writes, of which sum has those whose time to live was named
	input    bool  // input tokens were named
	output   bool  // the final count of output tokens was named
	negative bool
	unpriced bool // at a speed or in a region that the price does not have
}

// add takes in a usage object; last says that its output count is final.
func (t *tally) add(u *rawUsage, last bool) {
	if u == nil {
		return
	}
	t.unpriced = t.unpriced || !u.priced()
	t.input = t.input || u.Input != nil
	t.output = t.output || last && u.Output != nil
	t.raise(&t.sum.Input, u.Input)
	t.raise(&t.created, u.Created)
	t.raise(&t.sum.CacheRead, u.Read)
	t.raise(&t.sum.Output, u.Output)
	if u.Creation != nil {
		t.raise(&t.sum.CacheWrite5m, u.Creation.For5m)
		t.raise(&t.sum.CacheWrite1h, u.Creation.For1h)
	}
	if u.Server != nil {
		t.raise(&t.sum.WebSearches, u.Server.Searches)
	}
}

func (t *tally) raise(to, n *int64) {
	if n == nil {
		return
	}
	t.negative = t.negative || *n < 0
	*to = max(*to, *n)
}

// usage returns the counts, and whether they are all there and possible. Cache writes whose time to
// live is not named count as the dearest that the request can have caused.
func (t *tally) usage(use budget.CacheUse) (budget.Usage, bool) {
	u := t.sum
	if rest := t.created - u.CacheWrite5m - u.CacheWrite1h; rest > 0 {
		if use == budget.Cache5m {
			u.CacheWrite5m += rest
		} else {
			u.CacheWrite1h += rest
		}
	}
	for _, n := range []int64{u.Input, u.CacheWrite5m, u.CacheWrite1h, u.CacheRead, u.Output, u.WebSearches} {
		if n > mostCount {
			return u, false
		}
	}
	return u, t.input && t.output && !t.negative && u.InputAll() > 0
}
