package budget

import (
	"fmt"
	"slices"
)

// PlanShare is the part of the build's cap that planning may use unless Caps say otherwise, in
// per cent.
const PlanShare = 10

// Limit is the cap of one scope. The zero value lets no priced call pass.
type Limit struct {
	USD    Micro `json:"usd"`              // a cap of 0 refuses every priced call
	NoUSD  bool  `json:"no_usd,omitempty"` // there is no cap on money
	Tokens int64 `json:"tokens,omitempty"` // 0: there is no cap on tokens
}

// Caps are the limits of a build. The zero value lets no priced call pass.
type Caps struct {
	USD       Micro           `json:"usd"`                  // of the whole build; 0 refuses every priced call
	NoUSD     bool            `json:"no_usd,omitempty"`     // there is no cap on money
	Tokens    int64           `json:"tokens,omitempty"`     // of the whole build; 0: no cap on tokens
	Scopes    map[Scope]Limit `json:"scopes,omitempty"`     // of phases and tasks
	PlanShare int             `json:"plan_share,omitempty"` // per cent of the build's cap for the scope Plan; 0 means 10; Scopes come first
}

// Check returns an error when a limit is negative or a share is not a percentage.
func (c Caps) Check() error {
	if err := (Limit{USD: c.USD, Tokens: c.Tokens}).check(Build); err != nil {
		return err
	}
	if c.PlanShare < 0 || c.PlanShare > 100 {
		return fmt.Errorf("check caps: share of planning is %d per cent", c.PlanShare)
	}
	for _, s := range sorted(c.Scopes) {
		if s == Build || s == "" {
			return fmt.Errorf("check caps: %q is not a scope of a phase or task", s)
		}
		if err := c.Scopes[s].check(s); err != nil {
			return err
		}
	}
	return nil
}

func (l Limit) check(s Scope) error {
	if l.USD < 0 || l.Tokens < 0 {
		return fmt.Errorf("check caps: cap of %s is negative", s)
	}
	return nil
}

// limit is the cap that c puts on s; a scope without one has none.
func (c Caps) limit(s Scope) Limit {
	build := Limit{USD: c.USD, NoUSD: c.NoUSD, Tokens: c.Tokens}
	if s == Build {
		return build
	}
	if l, ok := c.Scopes[s]; ok {
		return l
	}
	if s == Plan {
		return build.share(int64(c.PlanShare))
	}
	return Limit{NoUSD: true}
}

func (l Limit) share(percent int64) Limit {
	if percent == 0 {
		percent = PlanShare
	}
	part := func(n int64) int64 { return n/100*percent + n%100*percent/100 }
	tokens := part(l.Tokens)
	if l.Tokens > 0 && tokens == 0 {
		tokens = 1 // 0 would mean none
	}
	return Limit{USD: Micro(part(int64(l.USD))), NoUSD: l.NoUSD, Tokens: tokens}
}

// clone copies c so that neither side sees later changes of the other.
func (c Caps) clone() Caps {
	if c.Scopes == nil {
		return c
	}
	scopes := make(map[Scope]Limit, len(c.Scopes))
	for s, l := range c.Scopes {
		scopes[s] = l
	}
	c.Scopes = scopes
	return c
}

// sorted lists the keys of m in order, so that no map order shows.
func sorted[V any](m map[Scope]V) []Scope {
	keys := make([]Scope, 0, len(m))
	for s := range m {
		keys = append(keys, s)
	}
	slices.Sort(keys)
	return keys
}
