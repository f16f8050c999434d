package budget

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Errors of records that contradict the records before them, and of caps that cannot be.
var (
	// ErrHeld means that the op has a hold already, or had one that is settled as unknown.
	ErrHeld = errors.New("op is held already")
	// ErrNotHeld means that there is no hold (or no unknown) of that op: it was settled before, or never admitted.
	ErrNotHeld = errors.New("op is not held")
	// ErrBelowUsed means that a cap is below what is spent, unknown and held.
	ErrBelowUsed = errors.New("cap is below what is already used")
)

// Guard keeps the cap. It is a pure fold: Book, Settle, Lower and Raise apply records, Admit only
// looks. The same records give the same guard, which serialises to JSON. The zero value refuses
// every priced call. It is not safe for concurrent use: one writer owns it.
//
// The rules are:
//   - in every scope, after every step: spent + unknown + held <= cap, provided no call costs more
//     than its hold;
//   - a hold ends only in its true cost, in nothing (the call surely was not billed), or in unknown;
//   - the first call that costs or counts more than its hold stops all admission, until a person
//     raises a cap of the build.
type Guard struct {
	Caps     Caps              `json:"caps"`
	Accounts map[Scope]Account `json:"accounts,omitempty"`
	Holds    map[string]Hold   `json:"holds,omitempty"`   // by Op.String()
	Lost     []Loss            `json:"lost,omitempty"`    // the calls behind unknown, oldest first
	Overrun  *Settlement       `json:"overrun,omitempty"` // the call that stopped admission
}

// Account is what a scope has used. Money and tokens are kept apart as spent (settled, exact),
// unknown (may have been billed) and held (in flight).
type Account struct {
	Spent         Micro `json:"spent"`
	Unknown       Micro `json:"unknown"`
	Held          Micro `json:"held"`
	SpentTokens   int64 `json:"spent_tokens"`
	UnknownTokens int64 `json:"unknown_tokens"`
	HeldTokens    int64 `json:"held_tokens"`
	Reported      Micro `json:"reported,omitempty"`  // of spent, what providers reported themselves
	Uncounted     int64 `json:"uncounted,omitempty"` // of answered, those whose whole hold is unknown
	Usage         Usage `json:"usage"`               // of answered calls, by class
	Calls         int64 `json:"calls"`               // sends that were admitted
	Answered      int64 `json:"answered"`            // of them, complete answers
}

// Used is what counts against a cap on money.
func (a Account) Used() Micro {
	return Micro(add(add(int64(a.Spent), int64(a.Unknown)), int64(a.Held)))
}

// UsedTokens is what counts against a cap on tokens.
func (a Account) UsedTokens() int64 { return add(add(a.SpentTokens, a.UnknownTokens), a.HeldTokens) }

// Loss is a hold whose call may have been billed and whose answer was lost.
type Loss struct {
	Hold      Hold   `json:"hold"`
	Error     string `json:"error,omitempty"`
	Uncounted bool   `json:"uncounted,omitempty"` // the answer is there, its usage is not
}

// NewGuard returns the guard of a build that has used nothing.
func NewGuard(c Caps) Guard {
	return Guard{Caps: c.clone(), Accounts: map[Scope]Account{}, Holds: map[string]Hold{}}
}

// Account returns what s has used; an unknown scope has used nothing.
func (g *Guard) Account(s Scope) Account { return g.Accounts[s] }

// Scopes lists, sorted, the scopes that have used something.
func (g *Guard) Scopes() []Scope { return sorted(g.Accounts) }

// Limit returns the cap on s. The derived cap of planning is never below what planning has used, so
// that the build's cap may be lowered after it.
func (g *Guard) Limit(s Scope) Limit {
	l := g.Caps.limit(s)
	if _, own := g.Caps.Scopes[s]; s == Plan && !own {
		a := g.Accounts[s]
		l.USD = max(l.USD, a.Used())
		if l.Tokens > 0 {
			l.Tokens = max(l.Tokens, a.UsedTokens())
		}
	}
	return l
}

// Book applies an admitted hold. ErrHeld when its op has one. A hold that does not fit is booked
// all the same: what a record says has happened.
func (g *Guard) Book(h Hold) error {
	key := h.Op.String()
	if _, ok := g.Holds[key]; ok || g.lost(h.Op) >= 0 {
		return fmt.Errorf("book hold of %s: %w", key, ErrHeld)
	}
	if h.Money < 0 || h.Tokens < 0 || len(h.Scopes) == 0 {
		return fmt.Errorf("book hold of %s: negative or without scope", key)
	}
	for _, s := range h.Scopes {
		if a := g.Accounts[s]; add(int64(a.Used()), int64(h.Money)) == math.MaxInt64 || add(a.UsedTokens(), h.Tokens) == math.MaxInt64 {
			return fmt.Errorf("book hold of %s: too large to count in %s", key, s)
		}
	}
	if g.Holds == nil {
		g.Holds = map[string]Hold{}
	}
	g.Holds[key] = h
	g.each(h, func(a *Account) {
		a.Held += h.Money
		a.HeldTokens += h.Tokens
		a.Calls++
	})
	return nil
}

// Settle ends a hold. ErrNotHeld when there is none; nothing is changed on an error.
func (g *Guard) Settle(s Settlement) error {
	key := s.Op.String()
	h, ok := g.Holds[key]
	if !ok {
		return fmt.Errorf("settle %s: %w", key, ErrNotHeld)
	}
	if err := s.check(); err != nil {
		return err
	}
	delete(g.Holds, key)
	g.each(h, func(a *Account) {
		a.Held -= h.Money
		a.HeldTokens -= h.Tokens
	})
	switch {
	case s.Fate == Answered && !s.Uncounted:
		g.spend(h, s)
	case s.Fate != Free:
		g.lose(h, s)
	}
	if g.Overrun == nil && h.Exceeded(s) {
		g.Overrun = &s
	}
	return nil
}

// Lower replaces an unknown by evidence that came later: the settlement is Answered or Free.
func (g *Guard) Lower(s Settlement) error {
	i := g.lost(s.Op)
	if i < 0 {
		return fmt.Errorf("lower unknown of %s: %w", s.Op, ErrNotHeld)
	}
	if err := s.check(); err != nil {
		return err
	}
	if s.Fate == Unknown || s.Uncounted {
		return nil
	}
	h, uncounted := g.Lost[i].Hold, g.Lost[i].Uncounted
	g.Lost = append(g.Lost[:i:i], g.Lost[i+1:]...)
	g.each(h, func(a *Account) {
		a.Unknown -= h.Money
		a.UnknownTokens -= h.Tokens
		if uncounted {
			a.Answered--
			a.Uncounted--
		}
	})
	if s.Fate == Answered {
		g.spend(h, s)
	}
	if g.Overrun == nil && h.Exceeded(s) {
		g.Overrun = &s
	}
	return nil
}

// Fits returns ErrBelowUsed when c is below what is used in some scope.
func (g *Guard) Fits(c Caps) error {
	if err := c.Check(); err != nil {
		return err
	}
	next := Guard{Caps: c, Accounts: g.Accounts}
	for _, s := range append([]Scope{Build}, sorted(g.Accounts)...) {
		l, a := next.Limit(s), g.Accounts[s]
		if !l.NoUSD && a.Used() > l.USD {
			return fmt.Errorf("set cap of %s to %s: %s is used: %w", s, l.USD, a.Used(), ErrBelowUsed)
		}
		if l.Tokens > 0 && a.UsedTokens() > l.Tokens {
			return fmt.Errorf("set cap of %s to %d tokens: %d are used: %w", s, l.Tokens, a.UsedTokens(), ErrBelowUsed)
		}
	}
	return nil
}

// Raise replaces all caps, also by lower ones that still fit; else ErrBelowUsed and nothing is
// changed. A higher cap of the build is a person's decision and lifts the stop after an overrun.
func (g *Guard) Raise(c Caps) error {
	if err := g.Fits(c); err != nil {
		return err
	}
	if above(c, g.Caps) {
		g.Overrun = nil
	}
	g.Caps = c.clone()
	return nil
}

func above(c, old Caps) bool {
	money := !old.NoUSD && (c.NoUSD || c.USD > old.USD)
	tokens := old.Tokens > 0 && (c.Tokens == 0 || c.Tokens > old.Tokens)
	return money || tokens
}

// lose books a whole hold as unknown.
func (g *Guard) lose(h Hold, s Settlement) {
	g.Lost = append(g.Lost, Loss{Hold: h, Error: s.Error, Uncounted: s.Uncounted})
	g.each(h, func(a *Account) {
		a.Unknown += h.Money
		a.UnknownTokens += h.Tokens
		if s.Uncounted {
			a.Answered++
			a.Uncounted++
		}
	})
}

func (g *Guard) spend(h Hold, s Settlement) {
	g.each(h, func(a *Account) {
		a.Spent = Micro(add(int64(a.Spent), int64(s.Billed())))
		a.Reported = Micro(add(int64(a.Reported), int64(s.Reported)))
		a.SpentTokens = add(a.SpentTokens, s.Usage.Tokens())
		a.Usage = a.Usage.Add(s.Usage)
		a.Answered++
	})
}

func (g *Guard) each(h Hold, fn func(*Account)) {
	if g.Accounts == nil {
		g.Accounts = map[Scope]Account{}
	}
	for _, s := range h.Scopes {
		a := g.Accounts[s]
		fn(&a)
		g.Accounts[s] = a
	}
}

func (g *Guard) lost(op Op) int {
	return slices.IndexFunc(g.Lost, func(l Loss) bool { return l.Hold.Op == op })
}
