package pricelist

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// readGenAI reads the data of genai-prices: a list of sellers with models. Prices are US dollars per
// million tokens; a price may be {base, tiers}, where a tier prices the whole request.
func readGenAI(raw []byte, c *collector) error {
	var providers []struct {
		ID     string       `json:"id"`
		Models []genaiModel `json:"models"`
	}
	if err := json.Unmarshal(raw, &providers); err != nil || len(providers) == 0 || providers[0].ID == "" {
		return ErrShape
	}
	for _, p := range providers {
		seller := sellerOf(p.ID)
		for _, m := range p.Models {
			if reason := m.into(c, seller); reason != "" {
				c.left(reason)
			}
		}
	}
	return nil
}

type genaiModel struct {
	ID         string          `json:"id"`
	Match      genaiMatch      `json:"match"`
	Window     json.Number     `json:"context_window"`
	Deprecated bool            `json:"deprecated"`
	Prices     json.RawMessage `json:"prices"`
}

// into adds the model, or says why not.
func (m genaiModel) into(c *collector, seller string) string {
	rows, reason := m.rows()
	names := m.names()
	switch {
	case seller == "":
		return "sold where builder has no address"
	case m.Deprecated:
		return "retired"
	case reason != "":
		return reason
	case len(names) == 0:
		return "named by pattern only"
	}
	c.add(seller, budget.Product{ID: names[0], Aliases: names[1:], Window: count(m.Window), Rows: rows})
	return ""
}

// names are the exact names of a model, its id first where that is one.
func (m genaiModel) names() []string {
	names := m.Match.exact()
	if i := slices.Index(names, m.ID); i > 0 || i < 0 && m.Match.fits(m.ID) {
		if i > 0 {
			names = slices.Delete(names, i, i+1)
		}
		names = slices.Insert(names, 0, m.ID)
	}
	return names
}

// genaiMatch is a rule by which genai-prices knows a model. Only exact names are taken over.
type genaiMatch struct {
	Equals     string       `json:"equals"`
	StartsWith string       `json:"starts_with"`
	Or         []genaiMatch `json:"or"`
	And        []genaiMatch `json:"and"`
}

func (g genaiMatch) exact() []string {
	var out []string
	if g.Equals != "" {
		out = append(out, g.Equals)
	}
	for _, o := range g.Or {
		if o.Equals != "" && !slices.Contains(out, o.Equals) {
			out = append(out, o.Equals)
		}
	}
	return out
}

// fits says that the rule is one by prefix and the id begins so: then the id is a name itself.
func (g genaiMatch) fits(id string) bool {
	if strings.HasSuffix(id, "-") || strings.HasSuffix(id, ".") {
		return false
	}
	rules := append(append([]genaiMatch{g}, g.Or...), g.And...)
	return slices.ContainsFunc(rules, func(r genaiMatch) bool { return r.StartsWith != "" && strings.HasPrefix(id, r.StartsWith) })
}

// rows are the dated rows of a model; reason says why there are none.
func (m genaiModel) rows() (rows []budget.Row, reason string) {
	var dated []struct {
		Constraint *struct {
			Type  string `json:"type"`
			Start string `json:"start_date"`
		} `json:"constraint"`
		Prices map[string]json.RawMessage `json:"prices"`
	}
	if json.Unmarshal(m.Prices, &dated) != nil {
		var prices map[string]json.RawMessage
		if json.Unmarshal(m.Prices, &prices) != nil {
			return nil, "not a possible price or id"
		}
		row, reason := genaiRow(prices)
		return []budget.Row{row}, reason
	}
	for _, d := range dated {
		row, reason := genaiRow(d.Prices)
		if reason != "" {
			return nil, reason
		}
		if d.Constraint != nil {
			day, err := time.Parse(time.DateOnly, d.Constraint.Start)
			if d.Constraint.Type != "start_date" && d.Constraint.Start == "" || err != nil {
				return nil, "priced by the hour of the day"
			}
			row.ValidFrom = day
		}
		rows = append(rows, row)
	}
	return rows, ""
}

// genaiRow is a row, or why it cannot be one. Rates of speech, pictures and files do not matter:
// builder sends and wants text only.
func genaiRow(prices map[string]json.RawMessage) (budget.Row, string) {
	var base, long rates
	var row budget.Row
	var above int64
	into := map[string][2]**budget.Micro{
		"input_mtok": {&base.input, &long.input}, "output_mtok": {&base.output, &long.output}, "cache_write_mtok": {&base.write5m, &long.write5m},
		"cache_write_1h_mtok": {&base.write1h, &long.write1h}, "cache_read_mtok": {&base.read, &long.read},
	}
	for key, raw := range prices {
		to, known := into[key]
		switch {
		case known:
			r, start, ok := genaiRate(raw)
			if !ok || start > 0 && above > 0 && start != above {
				return row, "priced by several bands"
			}
			if *to[0] = &r[0]; start > 0 {
				above, *to[1] = start, &r[1]
			}
		case key == "web_searches_kcount": // dollars per thousand: a search costs 1,000 micro-dollars for each
			row.WebSearch, _ = micros(number(raw), 1000)
		case key == "requests_kcount", key == "output_citation_mtok", key == "output_reasoning_mtok":
			return row, "priced by the request, or reasoning apart"
		case strings.HasPrefix(key, "output_"):
			return row, "does not write text only"
		}
	}
	return finish(row, base, long, above)
}

// genaiRate reads a price: a number, or {base, tiers} with one tier.
func genaiRate(raw json.RawMessage) (r [2]budget.Micro, above int64, ok bool) {
	var tiered struct {
		Base  json.Number `json:"base"`
		Tiers []struct {
			Start json.Number `json:"start"`
			Price json.Number `json:"price"`
		} `json:"tiers"`
	}
	if n := number(raw); n != "" {
		r[0], ok = micros(n, perMillion)
		return r, 0, ok
	}
	if json.Unmarshal(raw, &tiered) != nil || len(tiered.Tiers) != 1 {
		return r, 0, false
	}
	var ok2 bool
	r[0], ok = micros(tiered.Base, perMillion)
	r[1], ok2 = micros(tiered.Tiers[0].Price, perMillion)
	above = count(tiered.Tiers[0].Start)
	return r, above, ok && ok2 && above > 0
}

// finish is the row of two bands; above is 0 where there is one.
func finish(row budget.Row, base, long rates, above int64) (budget.Row, string) {
	if value(base.input) == 0 || value(base.output) == 0 {
		return row, "no price for text in and out"
	}
	search, batch := row.WebSearch, row.Batch
	row = base.settled().row()
	row.WebSearch, row.Batch = search, batch
	if above > 0 {
		row.Long = long.over(base).settled().band(above)
	}
	return row, ""
}
