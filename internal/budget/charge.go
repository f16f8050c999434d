package budget

import "fmt"

// Charge books money and tokens of calls whose records are lost as unknown, in one scope. There is no
// hold of them, and nothing lowers them any more.
func (g *Guard) Charge(s Scope, money Micro, tokens int64) error {
	if s == "" || money < 0 || tokens < 0 {
		return fmt.Errorf("charge %s and %d tokens to %q: not an amount", money, tokens, s)
	}
	if g.Accounts == nil {
		g.Accounts = map[Scope]Account{}
	}
	a := g.Accounts[s]
	a.Unknown = Micro(add(int64(a.Unknown), int64(money)))
	a.UnknownTokens = add(a.UnknownTokens, tokens)
	g.Accounts[s] = a
	return nil
}
