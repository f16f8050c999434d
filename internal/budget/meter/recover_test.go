package meter

import (
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// After a crash at any byte, recovery books what the live path would have: the complete answer
// exactly, anything less as unknown.
func TestRecoverAtEveryByte(t *testing.T) {
	t.Parallel()
	each(t, "", recoverAtEveryByte)
	seen, rest := toolAnswer()
	hold := budget.Hold{Op: testCall(1).Op, Price: testPrice, Money: budget.Dollar, Tokens: 10_000}
	if s := Recover(t.Context(), hold, []byte(seen+rest+sseFrame("error", `"error":{"type":"api_error"}`))); s.Fate != budget.Answered {
		t.Errorf("what follows the terminal frame counts: %+v", s)
	}
	for _, spool := range []string{"", headMark, headMark + "{", headMark + "{}\nx", "\x00\xff", "{", "null", `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`} {
		if s := Recover(t.Context(), budget.Hold{}, []byte(spool)); s.Fate != budget.Unknown {
			t.Errorf("%q: %+v", spool, s)
		}
	}
}

func recoverAtEveryByte(t *testing.T, sm sample) {
	for _, all := range []string{sm.seen + sm.rest, sm.whole} {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		req := sm.request(t.Context(), "http://host")
		hold, err := w.Intend(t.Context(), budget.Ask{Call: testCall(1), Model: "m", Price: testPrice, InputTokens: 9000, MaxTokens: 1000, Dialect: sm.dialect.name(), Cache: budget.Cache5m})
		if err != nil {
			t.Fatal(err)
		}
		for i := len(all); i >= 0; i -= sparse() {
			s := Recover(req.Context(), hold, []byte(all[:i]))
			switch {
			case s.Op != hold.Op:
				t.Fatalf("%+v", s)
			case i < len(all) && (s.Fate != budget.Unknown || s.Cost != 0):
				t.Fatalf("cut at %d: %+v", i, s)
			case i == len(all) && (s.Fate != budget.Answered || s.Cost != sm.cost() || s.Usage != sm.usage || s.Stop != sm.stop || s.Model != sm.model || s.Status != 200):
				t.Fatalf("whole: %+v", s)
			}
		}
	}
}

func FuzzRecover(f *testing.F) {
	seen, rest := toolAnswer()
	f.Add([]byte(seen + rest))
	f.Add([]byte(whole))
	f.Add(append(failureHead(429, "application/json", "r", 5), `{"type":"error","error":{"type":"rate_limit_error"}}`...))
	f.Fuzz(func(t *testing.T, spool []byte) {
		hold := budget.Hold{Op: testCall(1).Op, Price: testPrice, Scopes: []budget.Scope{budget.Build}, Money: 1000, Tokens: 1000}
		g := budget.NewGuard(budget.Caps{USD: budget.Dollar})
		if err := g.Book(hold); err != nil {
			t.Fatal(err)
		}
		if err := g.Settle(Recover(t.Context(), hold, spool)); err != nil {
			t.Fatal(err)
		}
	})
}
