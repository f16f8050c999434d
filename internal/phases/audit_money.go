package phases

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// ledger adds up what records say of money, scope by scope. The guard does the same for its own
// ends; the two are compared, so neither may use the other.
//
// The rules are: an intended call counts with its hold in each of its scopes; an answered one with
// what its usage costs at its hold's price, or what the provider reports if that is more; one that
// may have been billed, or whose usage is not known, with its hold; one that surely was not, with
// nothing. What a call costs above its hold is the one thing that may lift a scope above its cap.
type ledger struct {
	caps   budget.Caps
	purses map[budget.Scope]*purse
	holds  map[string]budget.Hold
	calls  int64
}

// purse is one scope: money in micro-dollars, and tokens.
type purse struct {
	spent, unknown, held   int64
	tokens, lost, reserved int64
	excess, excessTokens   int64
	admitted               int64
}

func newLedger() ledger {
	return ledger{purses: map[budget.Scope]*purse{}, holds: map[string]budget.Hold{}}
}

func (l *ledger) open(c budget.Caps) []string {
	l.caps = c
	return nil
}

// raise takes new caps: they must hold what is used.
func (l *ledger) raise(c budget.Caps) []string {
	l.caps = c
	var problems []string
	for _, s := range slices.Sorted(maps.Keys(l.purses)) {
		l.purses[s].excess, l.purses[s].excessTokens = 0, 0
		if s != budget.Plan || l.own(s) { // a share of a lowered cap may be below what planning has used
			problems = append(problems, l.check(s)...)
		}
	}
	return problems
}

func (l *ledger) own(s budget.Scope) bool {
	_, ok := l.caps.Scopes[s]
	return ok
}

func (l *ledger) intend(h budget.Hold) []string {
	key := h.Op.String()
	var problems []string
	if _, twice := l.holds[key]; twice {
		problems = append(problems, fmt.Sprintf("call %s was intended twice", key))
	}
	l.holds[key] = h
	l.calls++
	for _, s := range h.Scopes {
		p := l.purse(s)
		p.held += int64(h.Money)
		p.reserved += h.Tokens
		p.admitted++
		if h.Money > 0 || s == budget.Build {
			problems = append(problems, l.check(s)...)
		}
	}
	return problems
}

func (l *ledger) settle(s budget.Settlement) []string {
	key := s.Op.String()
	h, ok := l.holds[key]
	if !ok {
		return []string{fmt.Sprintf("call %s was settled and never intended", key)}
	}
	delete(l.holds, key)
	var problems []string
	answered := s.Fate == budget.Answered && !s.Uncounted
	cost := int64(h.Price.Cost(s.Usage))
	if s.Fate == budget.Answered && cost != int64(s.Cost) {
		problems = append(problems, fmt.Sprintf("call %s is booked at %s, its usage costs %s", key, s.Cost, budget.Micro(cost)))
	}
	billed := max(cost, int64(s.Reported))
	for _, scope := range h.Scopes {
		p := l.purse(scope)
		p.held -= int64(h.Money)
		p.reserved -= h.Tokens
		switch {
		case answered:
			p.spent += billed
			p.tokens += s.Usage.Tokens()
			p.excess += max(0, billed-int64(h.Money))
			p.excessTokens += max(0, s.Usage.Tokens()-h.Tokens)
		case s.Fate != budget.Free:
			p.unknown += int64(h.Money)
			p.lost += h.Tokens
		}
		if scope != budget.Plan || l.own(scope) {
			problems = append(problems, l.check(scope)...)
		}
	}
	return problems
}

// charge takes what a rescue says was used beyond the records: it has been used, whatever the cap.
func (l *ledger) charge(c Charge) {
	p := l.purse(c.Scope)
	p.unknown += int64(c.Money)
	p.lost += c.Tokens
}

func (l *ledger) purse(s budget.Scope) *purse {
	p := l.purses[s]
	if p == nil {
		p = &purse{}
		l.purses[s] = p
	}
	return p
}

// check is law L3 in one scope, now.
func (l *ledger) check(s budget.Scope) []string {
	p, guard := l.purses[s], budget.Guard{Caps: l.caps}
	limit := guard.Limit(s)
	var problems []string
	if used := p.spent + p.unknown + p.held - p.excess; !limit.NoUSD && used > int64(limit.USD) {
		problems = append(problems, fmt.Sprintf("the cap of %s is broken: %s of %s are spent, unknown and held", s, budget.Micro(used), limit.USD))
	}
	if used := p.tokens + p.lost + p.reserved - p.excessTokens; limit.Tokens > 0 && used > limit.Tokens {
		problems = append(problems, fmt.Sprintf("the cap of %s is broken: %d of %d tokens are spent, unknown and held", s, used, limit.Tokens))
	}
	return problems
}

// compare holds the sums against a guard's.
func (l *ledger) compare(of string, g *budget.Guard) []string {
	scopes := map[budget.Scope]bool{}
	for s := range l.purses {
		scopes[s] = true
	}
	for _, s := range g.Scopes() {
		scopes[s] = true
	}
	var problems []string
	for _, s := range slices.Sorted(maps.Keys(scopes)) {
		var p purse
		if known := l.purses[s]; known != nil {
			p = *known
		}
		a := g.Account(s)
		for _, f := range []struct {
			what       string
			sum, guard int64
		}{
			{"spent", p.spent, int64(a.Spent)}, {"unknown", p.unknown, int64(a.Unknown)}, {"held", p.held, int64(a.Held)},
			{"tokens spent", p.tokens, a.SpentTokens}, {"tokens unknown", p.lost, a.UnknownTokens}, {"tokens held", p.reserved, a.HeldTokens}, {"calls", p.admitted, a.Calls},
		} {
			if f.sum != f.guard {
				problems = append(problems, fmt.Sprintf("money of %s: the records add up to %d %s, %s says %d", s, f.sum, f.what, of, f.guard))
			}
		}
	}
	if len(l.holds) != len(g.Holds) {
		problems = append(problems, fmt.Sprintf("money: %d calls are open by the records, %d by %s", len(l.holds), len(g.Holds), of))
	}
	return problems
}
