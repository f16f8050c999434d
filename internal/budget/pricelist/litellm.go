package pricelist

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// liteBand is how a rate of a long-prompt band is named. Other suffixes (batches, flex, priority,
// cache times) are other ways of being served, which builder does not ask for.
var liteBand = regexp.MustCompile(`^(input_cost_per_token|output_cost_per_token|cache_creation_input_token_cost|cache_creation_input_token_cost_above_1hr|cache_read_input_token_cost)_above_(\d{1,4})k_tokens$`)

// readLiteLLM reads LiteLLM's list: models by name, prices in US dollars per token.
func readLiteLLM(entries map[string]json.RawMessage, c *collector) error {
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		if name == "sample_spec" {
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(entries[name], &fields) != nil {
			c.left("not a possible price or id")
			continue
		}
		if reason := liteModel(c, name, fields); reason != "" {
			c.left(reason)
		}
	}
	return nil
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func liteModel(c *collector, name string, f map[string]json.RawMessage) string {
	provider, mode := text(f["litellm_provider"]), text(f["mode"])
	seller := sellerOf(provider)
	if seller == "" {
		return "sold where builder has no address"
	}
	if mode != "chat" && mode != "responses" {
		return "does not write text only"
	}
	for _, odd := range []string{"input_cost_per_request", "tiered_pricing", "input_cost_per_character", "input_cost_per_second", "citation_cost_per_token"} {
		if f[odd] != nil {
			return "priced by the request, or reasoning apart"
		}
	}
	row, reason := liteRow(f)
	if reason != "" {
		return reason
	}
	id := strings.TrimPrefix(name, provider+"/")
	if id == name && provider == "gemini" && strings.HasPrefix(name, "vertex") {
		return "sold where builder has no address"
	}
	window := max(count(number(f["max_input_tokens"])), 0)
	c.add(seller, budget.Product{ID: id, Traits: liteTraits(f), Window: window, MaxOutput: count(number(f["max_output_tokens"])), Rows: []budget.Row{row}})
	return ""
}

func liteRow(f map[string]json.RawMessage) (budget.Row, string) {
	var row budget.Row
	var base, long rates
	var above int64
	rate := func(key string) (*budget.Micro, bool) {
		if f[key] == nil {
			return nil, true
		}
		m, ok := micros(number(f[key]), perToken)
		return &m, ok
	}
	into := func(r *rates, key string) **budget.Micro {
		switch key {
		case "input_cost_per_token":
			return &r.input
		case "output_cost_per_token":
			return &r.output
		case "cache_creation_input_token_cost":
			return &r.write5m
		case "cache_creation_input_token_cost_above_1hr":
			return &r.write1h
		}
		return &r.read
	}
	for _, key := range slices.Sorted(maps.Keys(f)) {
		to, name := &base, key
		if m := liteBand.FindStringSubmatch(key); m != nil {
			n := count(json.Number(m[2])) * 1000
			if above != 0 && above != n {
				return row, "priced by several bands"
			}
			to, name, above = &long, m[1], n
		} else if !slices.Contains([]string{"input_cost_per_token", "output_cost_per_token", "cache_creation_input_token_cost", "cache_creation_input_token_cost_above_1hr", "cache_read_input_token_cost"}, key) {
			continue
		}
		m, ok := rate(key)
		if !ok {
			return row, "not a possible price or id"
		}
		*into(to, name) = m
	}
	if thought, ok := rate("output_cost_per_reasoning_token"); !ok || thought != nil && value(thought) != value(base.output) {
		return row, "priced by the request, or reasoning apart"
	}
	row.WebSearch = liteSearch(f["search_context_cost_per_query"])
	return finish(row, base, long, above)
}

// liteSearch is the dearest web search.
func liteSearch(raw json.RawMessage) budget.Micro {
	var sizes map[string]json.Number
	var most budget.Micro
	if json.Unmarshal(raw, &sizes) == nil {
		for _, n := range sizes {
			if m, ok := micros(n, perMillion); ok {
				most = max(most, m)
			}
		}
	}
	return most
}

// liteTraits are the abilities that are said to be there; what is not said is not known.
func liteTraits(f map[string]json.RawMessage) budget.Traits {
	says := func(key string) budget.Support {
		switch string(f["supports_"+key]) {
		case "true":
			return budget.Yes
		case "false":
			return budget.No
		}
		return budget.Unsaid
	}
	t := budget.Traits{Tools: says("function_calling"), Structured: says("response_schema"), CacheMin: count(number(f["prompt_cache_min_tokens"]))}
	if says("native_structured_output") != budget.Unsaid {
		t.Structured = says("native_structured_output")
	}
	if says("reasoning") == budget.Yes {
		for _, level := range []string{"none", "minimal"} {
			if says(level+"_reasoning_effort") == budget.Yes {
				t.Effort = append(t.Effort, level)
			}
		}
		t.Effort = append(t.Effort, "low", "medium", "high")
		for _, level := range []string{"xhigh", "max"} {
			if says(level+"_reasoning_effort") == budget.Yes {
				t.Effort = append(t.Effort, level)
			}
		}
	}
	return t
}
