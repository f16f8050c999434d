package budget

import (
	"errors"
	"testing"
)

// An answer without usage is given on, and its whole hold is unknown until there is evidence. Guards
// the case of Uncounted in Settle.
func TestUncountedAnswersAreUnknown(t *testing.T) {
	t.Parallel()
	g := NewGuard(Caps{USD: Dollar})
	op := Op{Build: "b", Task: "t", Attempt: 1}
	h := Hold{Op: op, Scopes: []Scope{Build}, Money: 700, Tokens: 70}
	if err := errors.Join(g.Book(h), g.Settle(Settlement{Op: op, Fate: Answered, Uncounted: true})); err != nil {
		t.Fatal(err)
	}
	want := Account{Unknown: 700, UnknownTokens: 70, Calls: 1, Answered: 1, Uncounted: 1}
	if got := g.Account(Build); got != want {
		t.Errorf("%+v", got)
	}
	if err := g.Lower(Settlement{Op: op, Fate: Answered, Cost: 5, Reported: 9, Usage: Usage{Input: 3}}); err != nil {
		t.Fatal(err)
	}
	want = Account{Spent: 9, Reported: 9, SpentTokens: 3, Usage: Usage{Input: 3}, Calls: 1, Answered: 1}
	if got := g.Account(Build); got != want {
		t.Errorf("%+v", got)
	}
}

// The greater of computed and reported counts: the cap holds by either.
func TestReportedCostCounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ cost, reported, spent Micro }{{5, 0, 5}, {5, 4, 5}, {5, 6, 6}, {0, 6, 6}} {
		g := NewGuard(Caps{USD: Dollar})
		op := Op{Build: "b", Task: "t", Attempt: 1}
		s := Settlement{Op: op, Fate: Answered, Cost: tc.cost, Reported: tc.reported}
		if err := errors.Join(g.Book(Hold{Op: op, Scopes: []Scope{Build}, Money: 700, Tokens: 70}), g.Settle(s)); err != nil {
			t.Fatal(err)
		}
		if a := g.Account(Build); a.Spent != tc.spent || a.Reported != tc.reported || g.Overrun != nil {
			t.Errorf("%+v: %+v", tc, a)
		}
	}
}
