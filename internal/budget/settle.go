package budget

import "fmt"

// Exceeded says whether the call cost or counted more than its hold, which must never be: the bound
// or the price was wrong. A call that is settled as unknown exceeds when the meter says so.
func (h Hold) Exceeded(s Settlement) bool {
	return s.Overrun || s.Fate == Answered && (s.Cost > h.Money || s.Usage.Tokens() > h.Tokens)
}

// Billed is what counts against a cap on money: the computed cost, or what the provider reports
// where that is more.
func (s Settlement) Billed() Micro { return max(s.Cost, s.Reported) }

// check refuses a settlement that no call can have.
func (s Settlement) check() error {
	u := s.Usage
	switch {
	case s.Fate != Answered && s.Fate != Free && s.Fate != Unknown:
		return fmt.Errorf("settle %s: unknown fate %q", s.Op, s.Fate)
	case s.Cost < 0, s.Reported < 0, u.Input < 0, u.CacheWrite5m < 0, u.CacheWrite1h < 0, u.CacheRead < 0, u.Output < 0, u.WebSearches < 0:
		return fmt.Errorf("settle %s: negative cost or usage", s.Op)
	}
	return nil
}
