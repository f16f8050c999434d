package budget

import (
	"fmt"
	"strings"
	"time"
)

// Price is one dated row of the table. Rates are micro-dollars per million tokens, so 1 USD per
// million tokens is 1_000_000. A row without Source is the user's own.
type Price struct {
	Model        string    `json:"model"`               // exact id
	Seller       string    `json:"seller,omitempty"`    // who sells it at that price; "" in a user's own row
	ValidFrom    time.Time `json:"valid_from,omitzero"` // zero: it is not known since when, and no earlier price is known
	Input        Micro     `json:"input"`
	Output       Micro     `json:"output"`
	CacheWrite5m Micro     `json:"cache_write_5m"`
	CacheWrite1h Micro     `json:"cache_write_1h"`
	CacheRead    Micro     `json:"cache_read"`
	Long         *LongBand `json:"long_prompt,omitempty"` // above it, all tokens of the request are priced so
	WebSearch    Micro     `json:"web_search,omitempty"`  // per request
	Batch        float64   `json:"batch,omitempty"`       // factor of batch calls, 0.5
	Window       int64     `json:"window"`                // most input tokens; 0 unknown
	MaxOutput    int64     `json:"max_output"`
	Free         bool      `json:"free,omitempty"` // all rates are 0 on purpose: a model of one's own
	Source       string    `json:"source,omitempty"`
	CheckedOn    string    `json:"checked_on,omitempty"` // date, 2006-01-02: when the source said so
}

// Stale says that the row was checked more than age before now: prices change a few times a year. A
// user's own row never is.
func (p Price) Stale(now time.Time, age time.Duration) bool {
	on, err := time.Parse(time.DateOnly, p.CheckedOn)
	return err == nil && !p.Free && now.Sub(on) > age
}

// LongBand prices requests whose input (all classes) exceeds Above tokens.
type LongBand struct {
	Above        int64 `json:"above"`
	Input        Micro `json:"input"`
	Output       Micro `json:"output"`
	CacheWrite5m Micro `json:"cache_write_5m"`
	CacheWrite1h Micro `json:"cache_write_1h"`
	CacheRead    Micro `json:"cache_read"`
}

// maxRate is one US dollar per token, in micro-dollars per million tokens. Nothing costs that much.
const maxRate = Dollar * 1_000_000

// Check returns an error when a row cannot be right: no exact id, a rate that is negative or above
// one dollar per token, or free without saying so.
func (p Price) Check() error {
	if !ValidID(p.Model) {
		return fmt.Errorf("check price of %q: not a model id", p.Model)
	}
	if err := p.base().check(p.Model, p.Free); err != nil {
		return err
	}
	if p.Long != nil {
		if p.Long.Above < 1 {
			return fmt.Errorf("check price of %s: long prompts begin above %d tokens", p.Model, p.Long.Above)
		}
		if err := p.long().check(p.Model, p.Free); err != nil {
			return err
		}
	}
	switch {
	case p.WebSearch < 0 || p.WebSearch > maxRate:
		return fmt.Errorf("check price of %s: a search costs %s", p.Model, p.WebSearch)
	case !(p.Batch >= 0 && p.Batch <= 1):
		return fmt.Errorf("check price of %s: batch factor is %g", p.Model, p.Batch)
	case p.Window < 0 || p.MaxOutput < 0:
		return fmt.Errorf("check price of %s: window or output is negative", p.Model)
	}
	return nil
}

// ValidID says whether s can be a model id: up to 200 bytes of printing ASCII.
func ValidID(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

func (r rates) check(model string, free bool) error {
	for _, m := range []Micro{r.input, r.output, r.write5m, r.write1h, r.read} {
		if m < 0 || m > maxRate {
			return fmt.Errorf("check price of %s: %s per million tokens cannot be", model, m)
		}
	}
	switch none := r == (rates{}); {
	case free && !none:
		return fmt.Errorf("check price of %s: it is free and has rates", model)
	case !free && (r.input == 0 || r.output == 0):
		return fmt.Errorf("check price of %s: input or output costs nothing; say so with free", model)
	}
	return nil
}

// filled returns p with cache classes that have no rate priced as plain input, so that a row with
// only input and output never makes cached tokens free.
func (p Price) filled() Price {
	p.CacheWrite5m, p.CacheWrite1h, p.CacheRead = or(p.CacheWrite5m, p.Input), or(p.CacheWrite1h, p.Input), or(p.CacheRead, p.Input)
	if p.Long != nil {
		l := *p.Long
		l.CacheWrite5m, l.CacheWrite1h, l.CacheRead = or(l.CacheWrite5m, l.Input), or(l.CacheWrite1h, l.Input), or(l.CacheRead, l.Input)
		p.Long = &l
	}
	return p
}

func or(rate, fallback Micro) Micro {
	if rate == 0 {
		return fallback
	}
	return rate
}
