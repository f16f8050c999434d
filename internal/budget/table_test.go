package budget

import (
	"errors"
	"math"
	"testing"
	"time"
)

var checked = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func mustTable(t testing.TB, sellers ...string) Table {
	t.Helper()
	table, err := LoadTable(sellers...)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func mustPrice(t testing.TB, model string) Price {
	t.Helper()
	p, err := mustTable(t).Lookup(model, checked)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Every row of the sources, in dollars per million tokens.
func TestBuiltInRows(t *testing.T) {
	t.Parallel()
	type row struct {
		in, out, w5, w1, read float64
		window, max           int64
	}
	want := map[string]row{
		"claude-fable-5-2": {8, 40, 10, 16, 0.20, 1e6, 128e3}, "claude-mythos-5-2": {8, 40, 10, 16, 0.20, 1e6, 128e3},
		"claude-fable-5-1": {10, 50, 12.5, 20, 0.25, 1e6, 128e3}, "claude-mythos-5-1": {10, 50, 12.5, 20, 0.25, 1e6, 128e3},
		"claude-fable-5": {10, 50, 12.5, 20, 1, 1e6, 128e3}, "claude-mythos-5": {10, 50, 12.5, 20, 1, 1e6, 128e3},
		"claude-opus-5-5": {4, 20, 5, 8, 0.20, 1e6, 128e3}, "claude-opus-5": {5, 25, 6.25, 10, 0.5, 1e6, 128e3},
		"claude-opus-4-8": {5, 25, 6.25, 10, 0.5, 1e6, 128e3}, "claude-opus-4-7": {5, 25, 6.25, 10, 0.5, 1e6, 128e3},
		"claude-opus-4-6": {5, 25, 6.25, 10, 0.5, 2e5, 128e3}, "claude-opus-4-5": {5, 25, 6.25, 10, 0.5, 2e5, 64e3},
		"claude-opus-4-1": {15, 75, 18.75, 30, 1.5, 2e5, 32e3}, "claude-opus-4-0": {15, 75, 18.75, 30, 1.5, 2e5, 32e3},
		"claude-sonnet-5-5": {2, 10, 2.5, 4, 0.10, 1e6, 128e3}, "claude-sonnet-5": {2, 10, 2.5, 4, 0.20, 1e6, 128e3},
		"claude-sonnet-4-6": {3, 15, 3.75, 6, 0.3, 2e5, 128e3}, "claude-sonnet-4-5": {3, 15, 3.75, 6, 0.3, 2e5, 64e3}, "claude-sonnet-4-0": {3, 15, 3.75, 6, 0.3, 2e5, 64e3},
		"claude-haiku-5-5": {0.10, 0.50, 0.125, 0.20, 0.01, 1e6, 128e3}, "claude-haiku-4-5": {1, 5, 1.25, 2, 0.10, 2e5, 64e3}, "claude-haiku-4-5-20251001": {1, 5, 1.25, 2, 0.10, 2e5, 64e3},
		"claude-3-5-haiku": {0.8, 4, 1, 1.6, 0.08, 0, 8192}, "offline": {0, 0, 0, 0, 0, 1e6, 128e3},
	}
	usd := func(f float64) Micro { return Micro(math.Round(f * 1e6)) }
	seen := map[string]bool{}
	for model, w := range want {
		p := mustPrice(t, model)
		seen[p.Model] = true
		if p.base() != (rates{usd(w.in), usd(w.out), usd(w.w5), usd(w.w1), usd(w.read)}) || p.Window != w.window || p.MaxOutput != w.max {
			t.Errorf("%s: %+v, want %+v", model, p, w)
		}
		if p.Source == "" || p.CheckedOn == "" || (model != "offline" && (p.WebSearch != 10_000 || p.Batch != 0.5)) {
			t.Errorf("%s: source, date, search or batch are missing: %+v", model, p)
		}
	}
	for _, p := range mustTable(t, Anthropic, Offline).Rows() {
		if !seen[p.Model] {
			t.Errorf("row of %s is not checked here", p.Model)
		}
	}
}

func TestLookupIsDated(t *testing.T) {
	t.Parallel()
	table := mustTable(t)
	cut := time.Date(2026, 10, 7, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		at   time.Time
		want Micro
	}{{cut.Add(-time.Nanosecond), 200_000}, {cut, 100_000}, {checked, 100_000}} {
		if p, err := table.Lookup("claude-sonnet-5-5", tc.at); err != nil || p.CacheRead != tc.want {
			t.Errorf("at %s: %d, %v; want %d", tc.at, p.CacheRead, err, tc.want)
		}
	}
	var unpriced *UnpricedError
	if _, err := table.Lookup("claude-haiku-5-5", cut.Add(-1)); !errors.As(err, &unpriced) || !unpriced.Since.Equal(cut) {
		t.Errorf("before the first row: %v", err)
	}
	if p, err := table.Lookup("offline", time.Time{}); err != nil || p.Worst(1e6, 1e6, CacheAny, 0) != 0 {
		t.Errorf("offline: %+v, %v", p, err)
	}
}

func TestLookupTakesExactNamesOnly(t *testing.T) {
	t.Parallel()
	table := mustTable(t)
	for model, nearest := range map[string]string{
		"claude-sonnet-5-6": "claude-sonnet-5", "claude-sonet-5-5": "claude-sonnet-5-5", "Claude-Opus-5-5": "claude-opus-5-5", "claude-sonnet-5-5-20260928": "",
		"gpt-9": "", "": "", "offlin": "offline",
	} {
		_, err := table.Lookup(model, checked)
		var unpriced *UnpricedError
		if !errors.Is(err, ErrUnpriced) || !errors.As(err, &unpriced) {
			t.Errorf("%q: %v, want ErrUnpriced", model, err)
			continue
		}
		if nearest != "" && unpriced.Nearest != nearest && edits(model, unpriced.Nearest) > edits(model, nearest) {
			t.Errorf("%q: nearest is %q, want %q", model, unpriced.Nearest, nearest)
		}
	}
	for seller, aliases := range table.Aliases() {
		only := mustTable(t, seller)
		for alias, id := range aliases {
			if p, err := only.Lookup(alias, checked); err != nil || p.Model != id || p.Seller != seller {
				t.Errorf("alias %s: %s, %v", alias, p.Model, err)
			}
		}
	}
}

func TestWithOwnRows(t *testing.T) {
	t.Parallel()
	table, err := mustTable(t).With([]Price{
		{Model: "house/llama", Input: 1_000_000, Output: 2_000_000},
		{Model: "claude-haiku-4-5", Input: 3_000_000, Output: 4_000_000},
		{Model: "local", Free: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := table.Lookup("house/llama", checked); err != nil || p.CacheRead != 1_000_000 || p.CacheWrite1h != 1_000_000 {
		t.Errorf("classes without a rate are plain input: %+v, %v", p, err)
	}
	if p, err := table.Lookup("claude-haiku-4-5", checked); err != nil || p.Input != 3_000_000 {
		t.Errorf("an own row comes before an alias: %+v, %v", p, err)
	}
	if p := mustPrice(t, "claude-haiku-4-5"); p.Input != 1_000_000 {
		t.Errorf("the table it was made from changed: %+v", p)
	}
	bad := map[string]Price{
		"no id": {Input: 1, Output: 1}, "space": {Model: "a b", Input: 1, Output: 1}, "negative": {Model: "m", Input: -1, Output: 1}, "no output": {Model: "m", Input: 1},
		"implausible": {Model: "m", Input: maxRate + 1, Output: 1}, "free by accident": {Model: "m"}, "free with rates": {Model: "m", Free: true, Input: 1, Output: 1},
		"band": {Model: "m", Input: 1, Output: 1, Long: &LongBand{Input: 1, Output: 1}}, "band rate": {Model: "m", Input: 1, Output: 1, Long: &LongBand{Above: 5, Input: 1, Output: -1}},
		"batch": {Model: "m", Input: 1, Output: 1, Batch: 2}, "nan": {Model: "m", Input: 1, Output: 1, Batch: math.NaN()}, "window": {Model: "m", Input: 1, Output: 1, Window: -1},
		"search": {Model: "m", Input: 1, Output: 1, WebSearch: -1},
	}
	for name, p := range bad {
		if _, err := mustTable(t).With([]Price{p}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := (Table{}).With([]Price{{Model: "m", Input: 1, Output: 1}, {Model: "m", Input: 2, Output: 1}}); err == nil {
		t.Error("two rows of one day: accepted")
	}
}
