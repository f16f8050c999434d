package budget

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var testPrice = Price{Model: "m", Input: 2_000_000, Output: 10_000_000, CacheWrite5m: 2_500_000, CacheWrite1h: 4_000_000, CacheRead: 100_000}

func ask(task string, step int, input, output, least int64) Ask {
	return Ask{
		Call:  Call{Op: Op{Build: "b", Task: task, Attempt: 1, Step: step, Send: 1}, Phase: "p", MinOutput: least},
		Model: "m", Price: testPrice, InputTokens: input, MaxTokens: output,
	}
}

func mustAdmit(t testing.TB, g *Guard, a Ask) Hold {
	t.Helper()
	h, err := g.Admit(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Book(h); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	// 1000 input tokens at 4 and 100 output tokens at 10 micro-dollars: 5000.
	tests := []struct {
		name  string
		caps  Caps
		ask   Ask
		max   int64 // admitted max_tokens; 0 when refused
		scope Scope // of the refusal
	}{
		{"fits exactly", Caps{USD: 5000}, ask("t", 1, 1000, 100, 100), 100, ""},
		{"one short", Caps{USD: 4999}, ask("t", 1, 1000, 100, 100), 0, Build},
		{"shrinks to what fits", Caps{USD: 4999}, ask("t", 1, 1000, 100, 1), 99, ""},
		{"shrinks no further than useful", Caps{USD: 4500}, ask("t", 1, 1000, 100, 51), 0, Build},
		{"useful minimum fits", Caps{USD: 4500}, ask("t", 1, 1000, 100, 50), 50, ""},
		{"minimum above what is asked", Caps{USD: 5000}, ask("t", 1, 1000, 100, 500), 100, ""},
		{"a cap of nothing", Caps{}, ask("t", 1, 0, 1, 0), 0, Build},
		{"one micro-dollar", Caps{USD: 1}, ask("t", 1, 1, 1, 0), 0, Build},
		{"no cap on money", Caps{NoUSD: true}, ask("t", 1, 1000, 100, 100), 100, ""},
		{"phase", Caps{USD: Dollar, Scopes: map[Scope]Limit{"phase:p": {USD: 4999}}}, ask("t", 1, 1000, 100, 100), 0, "phase:p"},
		{"task", Caps{USD: Dollar, Scopes: map[Scope]Limit{"task:t": {USD: 4999}}}, ask("t", 1, 1000, 100, 100), 0, "task:t"},
		{"the widest is named", Caps{USD: 1, Scopes: map[Scope]Limit{"task:t": {USD: 1}}}, ask("t", 1, 1000, 100, 100), 0, Build},
		{"another task's cap", Caps{USD: Dollar, Scopes: map[Scope]Limit{"task:u": {USD: 1}}}, ask("t", 1, 1000, 100, 100), 100, ""},
		{"tokens", Caps{NoUSD: true, Tokens: 1099}, ask("t", 1, 1000, 100, 100), 0, Build},
		{"tokens shrink", Caps{NoUSD: true, Tokens: 1099}, ask("t", 1, 1000, 100, 1), 99, ""},
		{"tokens of a task only", Caps{NoUSD: true, Scopes: map[Scope]Limit{"task:t": {NoUSD: true, Tokens: 1050}}}, ask("t", 1, 1000, 100, 1), 50, ""},
		{"planning has a tenth", Caps{USD: 50_000}, ask(PlanTask, 1, 1000, 100, 100), 100, ""},
		{"planning has no more than a tenth", Caps{USD: 49_990}, ask(PlanTask, 1, 1000, 100, 100), 0, Plan},
		{"planning's share", Caps{USD: 10_000, PlanShare: 50}, ask(PlanTask, 1, 1000, 100, 100), 100, ""},
		{"planning's own cap", Caps{USD: 10_000, Scopes: map[Scope]Limit{Plan: {USD: 5000}}}, ask(PlanTask, 1, 1000, 100, 100), 100, ""},
		{"planning's tokens", Caps{NoUSD: true, Tokens: 10_999}, ask(PlanTask, 1, 1000, 100, 100), 0, Plan},
		{"few tokens are a cap still", Caps{NoUSD: true, Tokens: 5}, ask(PlanTask, 1, 1, 1, 1), 0, Plan},
		{"overflow denies", Caps{USD: math.MaxInt64}, ask("t", 1, math.MaxInt64, math.MaxInt64, 1), 0, Build},
		{"overflow denies without a cap", Caps{NoUSD: true}, ask("t", 1, math.MaxInt64, 1, 1), 0, Build},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := NewGuard(tc.caps)
			h, err := g.Admit(tc.ask)
			var refused *Refusal
			switch {
			case tc.max > 0 && (err != nil || h.MaxTokens != tc.max):
				t.Errorf("got %d, %v; want %d", h.MaxTokens, err, tc.max)
			case tc.max == 0 && (!errors.As(err, &refused) || refused.Scope != tc.scope):
				t.Errorf("got %d, %v; want a refusal by %s", h.MaxTokens, err, tc.scope)
			}
		})
	}
}

func TestZeroGuardRefusesWhatCosts(t *testing.T) {
	t.Parallel()
	var g Guard
	var refused *Refusal
	if _, err := g.Admit(ask("t", 1, 1, 1, 1)); !errors.As(err, &refused) {
		t.Errorf("priced call: %v", err)
	}
	free := ask("t", 1, 1, 1, 1)
	free.Price = Price{Model: "offline", Free: true}
	mustAdmit(t, &g, free)
	none := ask("t", 2, 1, 1, 1)
	none.Price = Price{}
	if _, err := g.Admit(none); !errors.Is(err, ErrUnpriced) {
		t.Errorf("call without a price under a cap: %v", err)
	}
}

func TestSettle(t *testing.T) {
	t.Parallel()
	g := NewGuard(Caps{USD: Dollar})
	h1 := mustAdmit(t, &g, ask("t", 1, 1000, 100, 100))
	h2 := mustAdmit(t, &g, ask("t", 2, 1000, 100, 100))
	h3 := mustAdmit(t, &g, ask("u", 1, 1000, 100, 100))
	if err := g.Book(h1); !errors.Is(err, ErrHeld) {
		t.Errorf("booked twice: %v", err)
	}
	u := Usage{Input: 500, Output: 50}
	for _, s := range []Settlement{{Op: h1.Op, Fate: Answered, Usage: u, Cost: testPrice.Cost(u)}, {Op: h2.Op, Fate: Unknown, Error: "cut"}, {Op: h3.Op, Fate: Free}} {
		if err := g.Settle(s); err != nil {
			t.Fatal(err)
		}
		if err := g.Settle(s); !errors.Is(err, ErrNotHeld) {
			t.Errorf("settled twice: %v", err)
		}
	}
	want := Account{Spent: 1500, Unknown: 5000, SpentTokens: 550, UnknownTokens: 1100, Usage: u, Calls: 3, Answered: 1}
	if diff := cmp.Diff(want, g.Account(Build)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Account{Calls: 1}, g.Account("task:u")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Scope{"build", "phase:p", "task:t", "task:u"}, g.Scopes()); diff != "" {
		t.Error(diff)
	}
	if err := g.Book(h2); !errors.Is(err, ErrHeld) {
		t.Errorf("an unknown op was booked again: %v", err)
	}
	if err := g.Lower(Settlement{Op: h2.Op, Fate: Answered, Usage: u, Cost: 1500}); err != nil || g.Account(Build).Unknown != 0 || g.Account(Build).Spent != 3000 || len(g.Lost) != 0 {
		t.Errorf("lower: %v, %+v", err, g.Account(Build))
	}
	if err := g.Lower(Settlement{Op: h2.Op, Fate: Free}); !errors.Is(err, ErrNotHeld) {
		t.Errorf("lowered twice: %v", err)
	}
}

func TestSettleRefusesNonsense(t *testing.T) {
	t.Parallel()
	g := NewGuard(Caps{USD: Dollar})
	h := mustAdmit(t, &g, ask("t", 1, 1000, 100, 100))
	before := g.Account(Build)
	for _, s := range []Settlement{{Fate: "paid"}, {Fate: Answered, Cost: -1}, {Fate: Answered, Usage: Usage{Output: -1}}, {Fate: Free, Usage: Usage{CacheRead: -1}}} {
		s.Op = h.Op
		if err := g.Settle(s); err == nil {
			t.Errorf("%+v: accepted", s)
		}
	}
	if diff := cmp.Diff(before, g.Account(Build)); diff != "" {
		t.Error(diff)
	}
}

// Guards the Overrun line of Admit: without it a wrong price would drain the cap call by call.
func TestOverrunStopsEverything(t *testing.T) {
	t.Parallel()
	over := map[string]Settlement{
		"cost":   {Fate: Answered, Usage: Usage{Input: 1}, Cost: 5001},
		"tokens": {Fate: Answered, Usage: Usage{Input: 1101}, Cost: 1},
		"said":   {Fate: Answered, Usage: Usage{Input: 1}, Cost: 1, Overrun: true},
	}
	for name, s := range over {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewGuard(Caps{USD: Dollar})
			s.Op = mustAdmit(t, &g, ask("t", 1, 1000, 100, 100)).Op
			if err := g.Settle(s); err != nil {
				t.Fatal(err)
			}
			var refused *Refusal
			if _, err := g.Admit(ask("u", 1, 1, 1, 1)); !errors.As(err, &refused) || !refused.Overrun {
				t.Errorf("after the overrun: %v", err)
			}
			if err := g.Raise(Caps{USD: Dollar}); err != nil || g.Overrun == nil {
				t.Errorf("the same cap again lifts nothing: %v", err)
			}
			if err := g.Raise(Caps{USD: 2 * Dollar}); err != nil || g.Overrun != nil {
				t.Errorf("a higher cap lifts the stop: %v", err)
			}
		})
	}
}

func TestRaise(t *testing.T) {
	t.Parallel()
	g := NewGuard(Caps{USD: 100_000, Tokens: 20_000})
	h := mustAdmit(t, &g, ask(PlanTask, 1, 1000, 100, 100))
	for name, c := range map[string]Caps{
		"below held": {USD: 4999}, "tokens": {USD: Dollar, Tokens: 1099}, "scope": {USD: Dollar, Scopes: map[Scope]Limit{Plan: {USD: 4999}}},
		"negative": {USD: -1}, "share": {USD: Dollar, PlanShare: 101}, "scope build": {USD: Dollar, Scopes: map[Scope]Limit{Build: {USD: Dollar}}},
	} {
		if err := g.Raise(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if g.Caps.USD != 100_000 {
		t.Errorf("a refused cap was taken: %+v", g.Caps)
	}
	// The derived cap of planning, 500, follows down no further than what planning has used.
	if err := g.Raise(Caps{USD: 5000}); err != nil {
		t.Fatal(err)
	}
	if l := g.Limit(Plan); l.USD != h.Money {
		t.Errorf("planning's cap is %s", l.USD)
	}
}

// world drives a guard as a writer does and keeps the records.
type world struct {
	g       Guard
	records []any
	open    []Hold
	step    int
}

func (w *world) admit(a Ask) bool {
	h, err := w.g.Admit(a)
	if err != nil {
		return false
	}
	w.apply(h)
	w.open = append(w.open, h)
	return true
}

func (w *world) apply(rec any) {
	w.records = append(w.records, rec)
	if err := fold(&w.g, rec); err != nil {
		panic(err)
	}
}

func fold(g *Guard, rec any) error {
	switch r := rec.(type) {
	case Hold:
		return g.Book(r)
	case Settlement:
		return g.Settle(r)
	case Caps:
		return g.Raise(r)
	}
	return fmt.Errorf("%T", rec)
}

func checkCaps(t interface{ Errorf(string, ...any) }, g *Guard) {
	for _, s := range append(g.Scopes(), sorted(g.Caps.Scopes)...) {
		a, l := g.Account(s), g.Limit(s)
		if !l.NoUSD && a.Spent+a.Unknown+a.Held > l.USD {
			t.Errorf("%s: %d spent + %d unknown + %d held > %d", s, a.Spent, a.Unknown, a.Held, l.USD)
		}
		if l.Tokens > 0 && a.UsedTokens() > l.Tokens {
			t.Errorf("%s: %d tokens used > %d", s, a.UsedTokens(), l.Tokens)
		}
		if a.Held < 0 || a.Unknown < 0 || a.HeldTokens < 0 || a.UnknownTokens < 0 {
			t.Errorf("%s: %+v", s, a)
		}
	}
}

// truth is a usage that the ask's bounds allow.
func truth(n func(string, int64) int64, h Hold) Usage {
	u := Usage{Output: n("out", h.MaxTokens)}
	left := n("in", h.InputTokens)
	u.CacheWrite1h = n("w1", left)
	left -= u.CacheWrite1h
	u.CacheWrite5m = n("w5", left)
	left -= u.CacheWrite5m
	u.CacheRead = n("read", left)
	u.Input = left - u.CacheRead
	return u
}

// L3: spent + unknown + held <= cap in every scope after every step. Guards the comparison in
// exceeds: admit everything, or leave Held or Unknown out of Used, and this fails.
func TestCapHoldsAtEveryStep(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := func(label string, most int64) int64 { return rapid.Int64Range(0, most).Draw(t, label) }
		caps := func() Caps {
			c := Caps{USD: Micro(n("usd", 60_000)), Scopes: map[Scope]Limit{"phase:p": {USD: Micro(n("phase", 60_000)), Tokens: n("ptok", 20_000)}, "task:t1": {USD: Micro(n("task", 30_000))}}}
			if rapid.Bool().Draw(t, "tokens") {
				c.Tokens = 1 + n("tok", 30_000)
			}
			return c
		}
		first := caps()
		w := &world{g: NewGuard(first)}
		tasks := []string{PlanTask, "t1", "t2"}
		t.Repeat(map[string]func(*rapid.T){
			"admit": func(t *rapid.T) {
				w.step++
				a := ask(rapid.SampledFrom(tasks).Draw(t, "task"), w.step, n("input", 3000), 1+n("max", 2000), n("least", 500))
				if rapid.Bool().Draw(t, "band") {
					a.Price.Long = &LongBand{Above: 1 + n("above", 2000), Input: Micro(n("li", 9_000_000)), Output: Micro(n("lo", 50_000_000)), CacheWrite1h: Micro(n("l1", 20_000_000))}
				}
				w.admit(a)
			},
			"settle": func(t *rapid.T) {
				if len(w.open) == 0 {
					t.Skip("nothing is held")
				}
				i := int(n("which", int64(len(w.open)-1)))
				h := w.open[i]
				w.open = slices.Delete(w.open, i, i+1)
				s := Settlement{Op: h.Op, Fate: rapid.SampledFrom([]Fate{Answered, Answered, Free, Unknown}).Draw(t, "fate")}
				if s.Fate == Answered {
					s.Usage = truth(n, h)
					s.Cost = h.Price.Cost(s.Usage)
				}
				w.apply(s)
				if w.g.Overrun != nil {
					t.Fatalf("a call within its bounds overran: %+v", w.g.Overrun)
				}
			},
			"raise": func(t *rapid.T) {
				c := caps()
				if w.g.Fits(c) == nil {
					w.apply(c)
				} else if before := w.g.Caps; w.g.Raise(c) == nil || !cmp.Equal(before, w.g.Caps) {
					t.Fatalf("caps below what is used were taken")
				}
			},
			"": func(t *rapid.T) { checkCaps(t, &w.g) },
		})
		again := NewGuard(first)
		for _, r := range w.records {
			if err := fold(&again, r); err != nil {
				t.Fatalf("replay: %v", err)
			}
		}
		if diff := cmp.Diff(w.g, again); diff != "" {
			t.Fatalf("replay differs: %s", diff)
		}
		sameJSON(t, w.g)
	})
}

// A snapshot in the middle gives the same guard, and the same bytes each time.
func sameJSON(t *rapid.T, g Guard) {
	raw, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	var back Guard
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(raw) != string(again) {
		t.Fatalf("%v\n%s\n%s", err, raw, again)
	}
}

// The admitted size is the largest that fits: one more token would not. Guards the search in Admit.
func TestShrinkIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := NewGuard(Caps{USD: Micro(rapid.Int64Range(0, 100_000).Draw(t, "usd")), Tokens: rapid.Int64Range(1, 20_000).Draw(t, "tokens")})
		a := ask("t", 1, rapid.Int64Range(0, 10_000).Draw(t, "in"), rapid.Int64Range(1, 10_000).Draw(t, "max"), rapid.Int64Range(0, 5_000).Draw(t, "least"))
		h, err := g.Admit(a)
		if err != nil {
			a.MaxTokens = min(max(a.Call.MinOutput, 1), a.MaxTokens)
			if g.fits(a.Call.Scopes(), a, a.MaxTokens) {
				t.Fatalf("refused though the smallest useful call fits: %v", err)
			}
			return
		}
		if h.MaxTokens > a.MaxTokens || h.MaxTokens < min(a.Call.MinOutput, a.MaxTokens) || !g.fits(a.Call.Scopes(), a, h.MaxTokens) {
			t.Fatalf("admitted %d", h.MaxTokens)
		}
		if h.MaxTokens < a.MaxTokens && g.fits(a.Call.Scopes(), a, h.MaxTokens+1) {
			t.Fatalf("admitted %d though more fits", h.MaxTokens)
		}
	})
}

// 32 workers through one lock, as the one writer serialises them: the cap holds at every instant,
// and nothing stays held. Guards Book's line that adds to Held: without it all workers would be
// admitted against the same room.
func TestThirtyTwoWorkers(t *testing.T) {
	t.Parallel()
	hold := testPrice.Worst(1000, 100, CacheAny, 0)
	for _, limit := range []Micro{0, 1, hold - 1, hold, hold + 1, 2*hold - 1, 32 * hold, 1000 * hold} {
		t.Run(limit.String(), func(t *testing.T) {
			t.Parallel()
			g := NewGuard(Caps{USD: limit})
			var mu sync.Mutex
			var wg sync.WaitGroup
			var billed Micro
			for worker := range 32 {
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(worker), uint64(limit)))
					for step := range 200 {
						mu.Lock()
						h, err := g.Admit(ask(fmt.Sprintf("t%d", worker), step, 1000, 100, 1+rnd.Int64N(100)))
						if err == nil {
							err = g.Book(h)
						}
						checkCaps(t, &g)
						mu.Unlock()
						if err != nil {
							continue
						}
						u := truth(func(_ string, most int64) int64 { return rnd.Int64N(most + 1) }, h)
						s := Settlement{Op: h.Op, Fate: Answered, Usage: u, Cost: h.Price.Cost(u)}
						if rnd.IntN(10) == 0 {
							s = Settlement{Op: h.Op, Fate: Unknown}
						}
						mu.Lock()
						billed += h.Price.Cost(u) // also when the answer was lost
						if err := g.Settle(s); err != nil {
							t.Error(err)
						}
						checkCaps(t, &g)
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			a := g.Account(Build)
			if a.Held != 0 || a.HeldTokens != 0 || len(g.Holds) != 0 || billed > a.Spent+a.Unknown || billed > limit {
				t.Errorf("billed %d of %d: %+v", billed, limit, a)
			}
		})
	}
}

func BenchmarkAdmitBookSettle(b *testing.B) {
	g := NewGuard(Caps{USD: math.MaxInt64 / 2})
	for i := 0; b.Loop(); i++ {
		h, err := g.Admit(ask("t", i, 50_000, 32_000, 1000))
		if err == nil {
			err = g.Book(h)
		}
		if err == nil {
			err = g.Settle(Settlement{Op: h.Op, Fate: Answered, Usage: Usage{Input: 10}, Cost: 20})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
