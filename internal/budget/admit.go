package budget

import (
	"fmt"
	"math"
	"sort"
)

// Admit decides whether a call may be sent, and with how many output tokens: as many as were asked
// for if they fit every scope, else as many as fit, but not fewer than Call.MinOutput (at least 1).
// Else the error is a *Refusal naming the first scope, the widest first, that even the smallest
// useful call does not fit. It changes nothing: the hold counts once Book has applied it.
func (g *Guard) Admit(a Ask) (Hold, error) {
	least := max(a.Call.MinOutput, 1)
	switch {
	case a.InputTokens < 0 || a.MaxTokens < 1 || a.WebSearches < 0:
		return Hold{}, fmt.Errorf("admit %s: %d input and %d output tokens cannot be", a.Call.Op, a.InputTokens, a.MaxTokens)
	case a.Price.Model == "" && !g.Caps.NoUSD:
		return Hold{}, fmt.Errorf("admit %s: %w", a.Call.Op, &UnpricedError{Model: a.Model})
	case g.Overrun != nil:
		return Hold{}, &Refusal{Scope: Build, Overrun: true, Cap: int64(g.Limit(Build).USD), Used: int64(g.Account(Build).Used())}
	}
	least = min(least, a.MaxTokens)
	scopes := a.Call.Scopes()
	for _, s := range scopes {
		if err := g.refuse(s, a, least); err != nil {
			return Hold{}, err
		}
	}
	// Cost grows with the output, so the first size that does not fit ends what fits.
	over := sort.Search(int(a.MaxTokens-least), func(i int) bool {
		return !g.fits(scopes, a, least+int64(i)+1)
	})
	return a.hold(scopes, least+int64(over)), nil
}

func (g *Guard) fits(scopes []Scope, a Ask, output int64) bool {
	for _, s := range scopes {
		if g.refuse(s, a, output) != nil {
			return false
		}
	}
	return true
}

// refuse returns a *Refusal when a call with that much output does not fit s, else nil.
func (g *Guard) refuse(s Scope, a Ask, output int64) error {
	l, acc := g.Limit(s), g.Accounts[s]
	money, tokens := a.worst(output), add(a.InputTokens, output)
	if money > 0 && exceeds(int64(acc.Used()), int64(money), int64(l.USD), l.NoUSD) {
		return &Refusal{Scope: s, Cap: int64(l.USD), Used: int64(acc.Used()), Held: int64(acc.Held), Need: int64(money)}
	}
	if exceeds(acc.UsedTokens(), tokens, l.Tokens, l.Tokens == 0) {
		return &Refusal{Scope: s, Tokens: true, Cap: l.Tokens, Used: acc.UsedTokens(), Held: acc.HeldTokens, Need: tokens}
	}
	return nil
}

// exceeds says whether used and need do not fit limit. What cannot be counted fits nowhere.
func exceeds(used, need, limit int64, none bool) bool {
	sum := add(used, need)
	return sum == math.MaxInt64 || (!none && sum > limit)
}

func (a Ask) worst(output int64) Micro {
	return a.Price.Worst(a.InputTokens, output, a.Cache, a.WebSearches)
}

func (a Ask) hold(scopes []Scope, output int64) Hold {
	return Hold{
		Op: a.Call.Op, RequestHash: a.Call.RequestHash, Model: a.Model, Price: a.Price, Scopes: scopes,
		InputTokens: a.InputTokens, MaxTokens: output, Money: a.worst(output), Tokens: add(a.InputTokens, output),
		Cache: a.Cache, WebSearches: a.WebSearches, RequestBlob: a.RequestBlob, Dialect: a.Dialect, Counted: a.Counted,
	}
}
