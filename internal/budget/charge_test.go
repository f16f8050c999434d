package budget

import (
	"math"
	"testing"
)

// What lost records have cost counts against the cap like any unknown.
func TestCharge(t *testing.T) {
	t.Parallel()
	g := NewGuard(Caps{USD: Dollar, Tokens: 1000})
	if err := g.Charge(Build, 900_000, 600); err != nil {
		t.Fatal(err)
	}
	if a := g.Account(Build); a.Unknown != 900_000 || a.UnknownTokens != 600 || a.Used() != 900_000 {
		t.Errorf("%+v", a)
	}
	if err := g.Raise(Caps{USD: 800_000}); err == nil {
		t.Error("a cap below what is charged was taken")
	}
	for _, bad := range []error{g.Charge(Build, -1, 0), g.Charge(Build, 0, -1), g.Charge("", 1, 1)} {
		if bad == nil {
			t.Error("taken")
		}
	}
	if err := g.Charge(Build, math.MaxInt64, math.MaxInt64); err != nil || g.Account(Build).Unknown != math.MaxInt64 {
		t.Errorf("%v, %+v", err, g.Account(Build))
	}
}
