package pricelist

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// devModel is a model of models.dev's api.json. Prices are US dollars per million tokens.
type devModel struct {
	Cost  map[string]json.RawMessage `json:"cost"`
	Limit struct {
		Context json.Number `json:"context"`
		Input   json.Number `json:"input"`
		Output  json.Number `json:"output"`
	} `json:"limit"`
	Tools      *bool `json:"tool_call"`
	Structured *bool `json:"structured_output"`
}

// readModelsDev reads models.dev's api.json: sellers by name, with models by id.
func readModelsDev(entries map[string]json.RawMessage, c *collector) error {
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var provider struct {
			Models map[string]json.RawMessage `json:"models"`
		}
		if json.Unmarshal(entries[name], &provider) != nil {
			c.left("not a possible price or id")
			continue
		}
		seller := sellerOf(name)
		for _, id := range slices.Sorted(maps.Keys(provider.Models)) {
			if reason := devInto(c, seller, id, provider.Models[id]); reason != "" {
				c.left(reason)
			}
		}
	}
	return nil
}

func devInto(c *collector, seller, id string, raw json.RawMessage) string {
	if seller == "" {
		return "sold where builder has no address"
	}
	var m devModel
	if json.Unmarshal(raw, &m) != nil {
		return "not a possible price or id"
	}
	row, reason := devRow(m.Cost)
	if reason != "" {
		return reason
	}
	t := budget.Traits{Tools: support(m.Tools), Structured: support(m.Structured)}
	window := max(count(m.Limit.Context), count(m.Limit.Input))
	c.add(seller, budget.Product{ID: id, Traits: t, Window: window, MaxOutput: count(m.Limit.Output), Rows: []budget.Row{row}})
	return ""
}

func support(b *bool) budget.Support {
	switch {
	case b == nil:
		return budget.Unsaid
	case *b:
		return budget.Yes
	}
	return budget.No
}

// devRow is a row, or why it cannot be one.
func devRow(cost map[string]json.RawMessage) (budget.Row, string) {
	base, long := rates{}, rates{}
	var above int64
	for key, raw := range cost {
		switch key {
		case "context_over_200k":
			var over map[string]json.RawMessage
			if json.Unmarshal(raw, &over) != nil {
				return budget.Row{}, "priced by several bands"
			}
			above = 200_000
			for k, v := range over {
				if !devRate(&long, k, v) {
					return budget.Row{}, "not a possible price or id"
				}
			}
		case "tiers":
			// the same in another form, or more of it: only what context_over_200k says too is known
			if cost["context_over_200k"] == nil {
				return budget.Row{}, "priced by several bands"
			}
		default:
			if !devRate(&base, key, raw) {
				return budget.Row{}, "not a possible price or id"
			}
		}
	}
	if raw := cost["reasoning"]; raw != nil {
		if thought, ok := micros(number(raw), perMillion); !ok || thought != value(base.output) {
			return budget.Row{}, "priced by the request, or reasoning apart"
		}
	}
	return finish(budget.Row{}, base, long, above)
}

// devRate takes in one rate. Rates of speech do not matter: builder sends and wants text only.
func devRate(r *rates, key string, raw json.RawMessage) bool {
	m, ok := micros(number(raw), perMillion)
	switch key {
	case "input":
		r.input = &m
	case "output":
		r.output = &m
	case "cache_read":
		r.read = &m
	case "cache_write":
		r.write5m = &m
	default:
		return true
	}
	return ok
}
