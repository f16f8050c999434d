package budget

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every list that is built in is read, belongs to a seller, and says in every row where it is from
// and when that was checked; no row is free but the offline model's.
func TestBuiltInShelves(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("prices")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		seller, ok := strings.CutSuffix(f.Name(), ".json")
		if !ok {
			continue
		}
		if !KnownSeller(seller) {
			t.Errorf("%s: nobody sells that", f.Name())
		}
		s, err := builtShelf(seller)
		if err != nil || s.Seller != seller || len(s.Models) == 0 || s.Check() != nil {
			t.Errorf("%s: %v, %v, seller %q, %d models", f.Name(), err, s.Check(), s.Seller, len(s.Models))
		}
		for _, p := range mustTable(t, seller).Rows() {
			if p.Source == "" || p.CheckedOn == "" || p.Seller != seller || p.Free != (p.Model == "offline") {
				t.Errorf("%s of %s: source %q, checked %q, free %v", p.Model, p.Seller, p.Source, p.CheckedOn, p.Free)
			}
		}
	}
}

// Rows of other sellers, against their published prices.
func TestRowsOfOthers(t *testing.T) {
	t.Parallel()
	gpt := mustTable(t, OpenAI)
	p, err := gpt.Lookup("gpt-5.5-2026-04-23", checked)
	if err != nil || p.Model != "gpt-5.5" || p.base() != (rates{5e6, 30e6, 5e6, 5e6, 0.5e6}) || p.MaxOutput != 128_000 || p.WebSearch != 10_000 {
		t.Errorf("gpt-5.5: %+v, %v", p, err)
	}
	if p.Long == nil || p.Long.Above != 271_999 || p.long() != (rates{10e6, 45e6, 10e6, 10e6, 1e6}) {
		t.Errorf("gpt-5.5, long prompts: %+v", p.Long)
	}
	if p, err = gpt.Lookup("gpt-6-sol", checked); err != nil || p.CacheWrite5m != 2.5e6 || p.CacheWrite1h != 2.5e6 || p.CacheRead != 200_000 {
		t.Errorf("gpt-6-sol: %+v, %v", p, err)
	}
	day := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for at, want := range map[time.Time]Micro{checked: 750_000, day.Add(-1): 750_000, day: 1_500_000} {
		if p, err := mustTable(t, "google").Lookup("gemini-3.7-flash", at); err != nil || p.Input != want {
			t.Errorf("gemini-3.7-flash at %s: %s, %v; want %s", at, p.Input, err, want)
		}
	}
	if tr := gpt.Traits("gpt-5.5"); tr.Tools != Yes || !tr.Takes("xhigh") || tr.Takes("max") || !tr.Takes("") {
		t.Errorf("traits of gpt-5.5: %+v", tr)
	}
}

// The same id costs what the seller at hand asks for it.
func TestSellersAreKeptApart(t *testing.T) {
	t.Parallel()
	groq, err := mustTable(t, "groq").Lookup("openai/gpt-oss-20b", checked)
	if err != nil || groq.Seller != "groq" || groq.Input != 75_000 {
		t.Errorf("groq: %+v, %v", groq, err)
	}
	if _, err := mustTable(t, OpenAI).Lookup("openai/gpt-oss-20b", checked); !errors.Is(err, ErrUnpriced) {
		t.Errorf("another seller's price was taken: %v", err)
	}
	for host, want := range map[string]string{
		"api.openai.com": OpenAI, "API.OpenAI.com.": OpenAI, "api.groq.com": "groq", "gateway.example": "usual", "127.0.0.1": "usual", "openrouter.ai": "openrouter",
		"eu.api.openai.com": "", "my.openai.azure.com": "", "us-central1-aiplatform.googleapis.com": "", "openai.com": "", "notopenai.com": "usual",
	} {
		if got := SellerAt(host, "usual"); got != want {
			t.Errorf("SellerAt(%s) = %q, want %q", host, got, want)
		}
	}
	seen := slices.Clone(Sellers())
	slices.Sort(seen)
	if len(slices.Compact(seen)) != len(Sellers()) {
		t.Error("a seller is named twice")
	}
}

func TestWithShelf(t *testing.T) {
	t.Parallel()
	row := []Row{{Input: 7e6, Output: 8e6}}
	table, err := mustTable(t, Anthropic).WithShelf(Shelf{Seller: Anthropic, Source: "a file", CheckedOn: "2026-11-24", Models: []Product{
		{ID: "claude-opus-5-5", Rows: row}, {ID: "claude-haiku-4-5", Rows: row}, {ID: "claude-next", Aliases: []string{"claude-latest"}, Window: 9, Rows: row},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"claude-opus-5-5", "claude-haiku-4-5", "claude-latest"} {
		if p, err := table.Lookup(id, checked); err != nil || p.Input != 7e6 || p.CacheRead != 7e6 || p.Source != "a file" {
			t.Errorf("%s: %+v, %v", id, p, err)
		}
	}
	if p, err := table.Lookup("claude-sonnet-5-5", checked); err != nil || p.Input != 2e6 {
		t.Errorf("what the file does not name changed: %+v, %v", p, err)
	}
	if p := mustPrice(t, "claude-opus-5-5"); p.Input != 4e6 {
		t.Errorf("the table it was made from changed: %+v", p)
	}
	if table, err = table.With([]Price{{Model: "claude-next", Free: true}}); err != nil {
		t.Fatal(err)
	}
	if p, err := table.Lookup("claude-next", checked); err != nil || !p.Free || p.Seller != "" {
		t.Errorf("an own row comes first: %+v, %v", p, err)
	}
	bad := map[string][]Product{
		"twice": {{ID: "m", Rows: row}, {ID: "m", Rows: row}}, "no rows": {{ID: "m"}}, "alias taken": {{ID: "m", Rows: row}, {ID: "n", Aliases: []string{"m"}, Rows: row}},
		"alias twice": {{ID: "m", Aliases: []string{"a", "a"}, Rows: row}}, "alias": {{ID: "m", Aliases: []string{"a b"}, Rows: row}}, "id": {{ID: "m\u202e", Rows: row}},
		"two of a day": {{ID: "m", Rows: append(row, row...)}}, "effort": {{ID: "m", Traits: Traits{Effort: []string{"huge"}}, Rows: row}}, "tools": {{ID: "m", Traits: Traits{Tools: "maybe"}, Rows: row}},
		"long id": {{ID: strings.Repeat("m", 201), Rows: row}}, "cache": {{ID: "m", Traits: Traits{CacheMin: -1}, Rows: row}}, "negative": {{ID: "m", Rows: []Row{{Input: -1, Output: 1}}}},
	}
	for name, models := range bad {
		if err := (Shelf{Seller: "x", CheckedOn: "2026-11-24", Models: models}).Check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := (Shelf{Seller: "x", CheckedOn: "soon", Models: []Product{{ID: "m", Rows: row}}}).Check(); err == nil {
		t.Error("no day: accepted")
	}
}

func TestStale(t *testing.T) {
	t.Parallel()
	const age = 180 * 24 * time.Hour
	on := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name string
		p    Price
		at   time.Time
		want bool
	}{
		{"fresh", Price{CheckedOn: "2026-11-22"}, on.Add(age), false},
		{"old", Price{CheckedOn: "2026-11-22"}, on.Add(age + 1), true},
		{"the user's own", Price{}, on.Add(10 * age), false},
		{"free", Price{CheckedOn: "2026-11-22", Free: true}, on.Add(10 * age), false},
	} {
		if got := tc.p.Stale(tc.at, age); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func FuzzReadShelf(f *testing.F) {
	f.Add(`{"seller":"openai","source":"x","checked_on":"2026-11-24","models":[{"id":"m","aliases":["n"],"prices":[{"input":1,"output":2}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadShelf(strings.NewReader(text))
		if err != nil {
			return
		}
		table, err := Table{}.WithShelf(s)
		if err != nil {
			t.Fatalf("a list that was read is refused: %v", err)
		}
		for _, p := range table.Rows() {
			if p.Check() != nil || p.Worst(1, 1, CacheAny, 0) < 0 {
				t.Fatalf("a row that cannot be right: %+v", p)
			}
		}
	})
}

// Guards the start: a program that calls one seller decodes that one only.
func BenchmarkLoadTable(b *testing.B) {
	for _, sellers := range [][]string{{Offline}, {Anthropic}, {OpenAI}, nil} {
		name := "all"
		if sellers != nil {
			name = sellers[0]
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := LoadTable(sellers...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
