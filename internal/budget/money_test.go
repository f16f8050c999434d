package budget

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseUSD(t *testing.T) {
	t.Parallel()
	good := map[string]Micro{
		"10": 10 * Dollar, "0.05": 50_000, "$3": 3 * Dollar, " 2.50 ": 2_500_000, "0": 0, "$0.00": 0, ".5": 500_000, "7.": 7 * Dollar,
		"0.0000019": 1, "0.9999999": 999_999, "2.5e1": 25 * Dollar, "1E-6": 1, "1e-7": 0, "9999e-2": 99_990_000, "007": 7 * Dollar,
		"9223372036854.775807": math.MaxInt64, "0e9999": 0, "0.0000000000000001e16": Dollar,
	}
	for in, want := range good {
		if got, err := ParseUSD(in); err != nil || got != want {
			t.Errorf("ParseUSD(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	bad := []string{
		"", "$", ".", "-1", "+1", "-0", "NaN", "nan", "Inf", "infinity", "ten", "1,5", "1 000", "0x10", "1/3", "1_000", "$$1", "1$",
		"1e", "1e+", "e5", "1e400", "1e99999999999999999999", "9223372036854.775808", "1e2e3", "1.2.3", "\u0661", "1e1.5",
	}
	for _, in := range bad {
		if got, err := ParseUSD(in); !errors.Is(err, ErrMoney) {
			t.Errorf("ParseUSD(%q) = %d, %v; want ErrMoney", in, got, err)
		}
	}
}

func TestMicroString(t *testing.T) {
	t.Parallel()
	for in, want := range map[Micro]string{
		0: "$0.00", 10 * Dollar: "$10.00", 50_000: "$0.05", 125: "$0.000125", 1_500_000: "$1.50", -5: "-$0.000005",
		math.MaxInt64: "$9223372036854.775807", math.MinInt64: "-$9223372036854.775808",
	} {
		if got := in.String(); got != want {
			t.Errorf("Micro(%d) = %q, want %q", int64(in), got, want)
		}
	}
}

func TestMoneyRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := Micro(rapid.Int64Min(0).Draw(t, "micro"))
		if got, err := ParseUSD(m.String()); err != nil || got != m {
			t.Fatalf("ParseUSD(%q) = %d, %v", m.String(), got, err)
		}
	})
}

func FuzzParseUSD(f *testing.F) {
	for _, s := range []string{"10", "$0.05", "1e400", "NaN", "-1", "1.0000009", "9e12"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if m, err := ParseUSD(s); err == nil && m < 0 {
			t.Errorf("ParseUSD(%q) = %d", s, m)
		}
	})
}

// The exact sum, in arbitrary precision, is what Cost must be, rounded up.
func TestCostIsTheExactSumRoundedUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.Int64Range(0, 3_000_000), rapid.Int64Range(0, 1<<44))
		rate := rapid.Custom(func(t *rapid.T) Micro { return Micro(rapid.Int64Range(0, int64(maxRate)).Draw(t, "rate")) })
		p := Price{Input: rate.Draw(t, "in"), Output: rate.Draw(t, "out"), CacheWrite5m: rate.Draw(t, "5m"), CacheWrite1h: rate.Draw(t, "1h"), CacheRead: rate.Draw(t, "read")}
		u := Usage{Input: count.Draw(t, "i"), Output: count.Draw(t, "o"), CacheWrite5m: count.Draw(t, "w5"), CacheWrite1h: count.Draw(t, "w1"), CacheRead: count.Draw(t, "r")}
		sum := new(big.Int)
		for _, x := range []struct {
			n int64
			r Micro
		}{{u.Input, p.Input}, {u.Output, p.Output}, {u.CacheWrite5m, p.CacheWrite5m}, {u.CacheWrite1h, p.CacheWrite1h}, {u.CacheRead, p.CacheRead}} {
			sum.Add(sum, new(big.Int).Mul(big.NewInt(x.n), big.NewInt(int64(x.r))))
		}
		sum.Add(sum, big.NewInt(999_999)).Div(sum, big.NewInt(1_000_000))
		want := Micro(math.MaxInt64)
		if sum.IsInt64() {
			want = Micro(sum.Int64())
		}
		if got := p.Cost(u); got != want {
			t.Fatalf("Cost = %d, want %d", got, want)
		}
		if worst := p.Worst(u.InputAll(), u.Output, CacheAny, 0); worst < p.Cost(u) {
			t.Fatalf("Worst %d is below Cost %d", worst, p.Cost(u))
		}
	})
}

func TestCostOfTheLongPromptBand(t *testing.T) {
	t.Parallel()
	p := mustPrice(t, "claude-haiku-5-5")
	tests := []struct {
		name string
		u    Usage
		want Micro
	}{
		{"at the threshold", Usage{Input: 100_000, Output: 1000}, 10_000 + 500},
		{"one above, output too", Usage{Input: 100_001, Output: 1000}, 50_001 + 2500},
		{"cache reads and writes count", Usage{Input: 1, CacheRead: 60_000, CacheWrite5m: 20_000, CacheWrite1h: 20_000}, 23_000 + 12_500 + 1},
		{"searches", Usage{Input: 1, WebSearches: 3}, 30_001},
	}
	tests[2].want = 3_000 + 12_500 + 20_000 + 1 // 0.05, 0.625, 1.00 and a rounded-up token at 0.50
	for _, tc := range tests {
		if got := p.Cost(tc.u); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// Whatever band and classes the true usage falls into, the hold covers it. Guards the max over both
// bands in Worst: with the long band alone, a band that is cheaper than the base would undercount.
func TestWorstCoversEveryUsage(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := func(n string) Micro { return Micro(rapid.Int64Range(0, 100_000_000).Draw(t, n)) }
		p := Price{Input: rate("i"), Output: rate("o"), CacheWrite5m: rate("5"), CacheWrite1h: rate("1"), CacheRead: rate("r"), WebSearch: 10_000}
		if rapid.Bool().Draw(t, "band") {
			p.Long = &LongBand{Above: rapid.Int64Range(1, 200_000).Draw(t, "above"), Input: rate("li"), Output: rate("lo"), CacheWrite5m: rate("l5"), CacheWrite1h: rate("l1"), CacheRead: rate("lr")}
		}
		use := rapid.SampledFrom([]CacheUse{CacheAny, CacheNone, Cache5m, Cache1h}).Draw(t, "use")
		part := rapid.Int64Range(0, 100_000)
		u := Usage{Input: part.Draw(t, "ui"), CacheRead: part.Draw(t, "ur"), Output: part.Draw(t, "uo"), WebSearches: rapid.Int64Range(0, 5).Draw(t, "s")}
		if use != CacheNone {
			u.CacheWrite5m = part.Draw(t, "u5")
		}
		if use == CacheAny || use == Cache1h {
			u.CacheWrite1h = part.Draw(t, "u1")
		}
		n := u.InputAll() + rapid.Int64Range(0, 100_000).Draw(t, "slack")
		if worst, cost := p.Worst(n, u.Output+part.Draw(t, "room"), use, u.WebSearches), p.Cost(u); worst < cost {
			t.Fatalf("worst %d is below cost %d", worst, cost)
		}
	})
}
