package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// How prices come together. The rules are: what is built in of the seller at hand; over it the list
// that the user imported for that seller; over it the user's own prices; over it --price. An
// address whose seller is not known has the prices of the dialect's own maker; another address of a
// known seller has none.

// staleAfter is how old a price may be before it is worth a word.
const staleAfter = 183 * 24 * time.Hour

// setPrices prices the model, with the user's own rows over ours.
func (a *app) setPrices(s *settings, flag string, now time.Time) error {
	table, err := a.priceTable(s.sellers(), s.Prices)
	if err != nil {
		return err
	}
	if flag != "" {
		row, err := priceFlag(s.Model, flag)
		if err != nil {
			return err
		}
		if table, err = table.With([]budget.Price{row}); err != nil {
			return usage("E_PRICE_INVALID", "as in: --price 0.5/1.5", "%s", err)
		}
	}
	s.table, s.limits = table, map[string]phases.ModelLimit{}
	s.billing = budget.Local // unless a model has a price
	for _, model := range s.models.All(s.Model) {
		price, err := table.Lookup(model, now)
		if err != nil {
			return a.unpriced(s, model, err)
		}
		if err := fits(model, table.Traits(model), s.Effort); err != nil {
			return err
		}
		s.limits[model] = phases.ModelLimit{MaxTokens: maxOutput(price), Window: price.Window, Thinking: table.Traits(model).Adaptive}
		if model == s.Model {
			s.price = price
		}
		if !price.Free {
			s.billing = budget.Billing(s.Billing).Or(budget.APIUSD)
		}
	}
	return nil
}

// fits refuses a model that cannot do what builder asks of it, before anything is paid for.
func fits(model string, t budget.Traits, effort string) error {
	if t.Tools == budget.No {
		return usage("E_MODEL_TOOLS", "choose another; what models can do: builder models --json", "model %s cannot call tools, and agents work by tools", model)
	}
	if !t.Takes(effort) {
		return usage("E_CONFIG_RANGE", "use one of: "+strings.Join(t.Effort, ", ")+"; or leave the effort out", "model %s does not take the effort %q", model, effort)
	}
	return nil
}

// maxOutput is the most output tokens of one call: what the model can, up to 32,000.
func maxOutput(p budget.Price) int64 {
	if p.MaxOutput > 0 {
		return min(p.MaxOutput, 32_000)
	}
	return 32_000
}

// engine are the settings that the engine needs.
func (s *settings) engine() phases.Settings {
	return phases.Settings{
		Model: s.Model, MaxTokens: maxOutput(s.price), Window: s.price.Window, Effort: s.Effort, Attempts: s.Attempts, Models: s.models, Limits: s.limits,
		MinFree: s.minFree(),
	}
}

// unpriced refuses a model without a price, and says how to give it one.
func (a *app) unpriced(s *settings, model string, err error) error {
	if s.Provider == providerOffline {
		return usage("E_MODEL_UNKNOWN", "see: builder models", "%s", err)
	}
	hint := fmt.Sprintf("see: builder models; a newer list: builder models import FILE; or say it: --price IN/OUT in US dollars per million tokens, --price 0 for a model of your own, or in %s: prices: [{model: %q, input: IN, output: OUT}]", config.UserPath(a.env), model)
	code := "E_PRICE_UNKNOWN"
	if s.BaseURL == anthropicURL || s.BaseURL == openai.DefaultBaseURL {
		code = "E_MODEL_UNKNOWN"
	}
	return usage(code, hint, "%s", err)
}

// sellers are those whose prices hold where the calls go.
func (s *settings) sellers() []string {
	if s.Provider == providerOffline {
		if all := s.models.All(s.Model); len(all) == 1 && all[0] == "offline" {
			return []string{budget.Offline}
		}
		return budget.Sellers() // it stands in for any model, at that model's price
	}
	usual := s.Provider // its dialect's own maker
	u, err := url.Parse(s.BaseURL)
	if err != nil {
		return nil
	}
	if seller := budget.SellerAt(u.Hostname(), usual); seller != "" {
		return []string{seller}
	}
	return nil
}

// priceTable puts the prices of sellers together, the user's own above all; no sellers is no seller.
func (a *app) priceTable(sellers []string, own []config.Price) (budget.Table, error) {
	var table budget.Table
	var err error
	if len(sellers) > 0 {
		if table, err = budget.LoadTable(sellers...); err != nil {
			return table, err
		}
	}
	for _, seller := range sellers {
		shelf, err := a.imported(seller)
		if err != nil {
			return table, err
		}
		if len(shelf.Models) == 0 {
			continue
		}
		if table, err = table.WithShelf(shelf); err != nil {
			return table, err
		}
	}
	rows := make([]budget.Price, len(own))
	for i, p := range own {
		rows[i] = priceRow(p)
	}
	if table, err = table.With(rows); err != nil {
		return table, usage("E_PRICE_INVALID", "see prices in: builder config schema", "%s", err)
	}
	return table, nil
}

// importPath is where the imported list of a seller stands, beside the user's configuration.
func (a *app) importPath(seller string) string {
	return filepath.Join(filepath.Dir(config.UserPath(a.env)), "prices", seller+".json")
}

// imported is the list that the user imported for a seller; empty when there is none.
func (a *app) imported(seller string) (budget.Shelf, error) {
	path := a.importPath(seller)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) || !filepath.IsAbs(path) {
		return budget.Shelf{Seller: seller}, nil
	}
	if err != nil {
		return budget.Shelf{}, usage("E_PRICE_INVALID", "make it readable, or remove it", "%s", err)
	}
	defer f.Close()
	s, err := budget.ReadShelf(f)
	if err == nil && s.Seller != seller {
		err = fmt.Errorf("it is a list of %q", s.Seller)
	}
	if err != nil {
		return s, usage("E_PRICE_INVALID", "import it again: builder models import FILE; or remove it", "%s: %s", path, err)
	}
	return s, nil
}

// priceRow converts a user's price; cache classes that are not set cost what input costs. Zero for
// input and output is the user's word that the model costs nothing.
func priceRow(p config.Price) budget.Price {
	micro := func(v *float64, or float64) budget.Micro {
		if v == nil {
			v = &or
		}
		return budget.Micro(*v*float64(budget.Dollar) + 0.5)
	}
	in := *p.Input
	row := budget.Price{
		Model: p.Model, Input: micro(p.Input, 0), Output: micro(p.Output, 0), CacheRead: micro(p.CacheRead, in),
		CacheWrite5m: micro(p.CacheWrite, in), CacheWrite1h: micro(p.CacheWrite, in), Window: p.Window, MaxOutput: p.MaxOutput,
	}
	row.Free = row.Input == 0 && row.Output == 0 && row.CacheRead == 0 && row.CacheWrite5m == 0
	return row
}

// priceFlag reads --price.
func priceFlag(model, text string) (budget.Price, error) {
	in, out, two := strings.Cut(text, "/")
	if !two {
		out = in
	}
	p := budget.Price{Model: model}
	var err1, err2 error
	p.Input, err1 = budget.ParseUSD(in)
	p.Output, err2 = budget.ParseUSD(out)
	p.Free = p.Input == 0 && p.Output == 0
	if err1 != nil || err2 != nil || !two && !p.Free {
		return p, usage("E_PRICE_INVALID", "as in: --price 0.5/1.5, or --price 0 for a model of your own", "--price cannot be %q", text)
	}
	return p, nil
}

// warnStale says once, before a build spends, that a price it reckons with is old.
func (a *app) warnStale(p budget.Price, now time.Time) {
	if p.Stale(now, staleAfter) {
		a.say("warning: the price of %s was last checked on %s (%s); what was spent is reckoned by it: see builder models, or import a newer list: builder models import FILE", p.Model, p.CheckedOn, p.Source)
	}
}
