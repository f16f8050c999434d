package pricelist

import (
	"errors"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
)

func read(t *testing.T, text string) List {
	t.Helper()
	l, err := Read(strings.NewReader(text), "a test", "2026-11-24")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func product(t *testing.T, l List, seller, id string) budget.Product {
	t.Helper()
	for _, s := range l.Shelves {
		for _, p := range s.Models {
			if s.Seller == seller && p.ID == id {
				return p
			}
		}
	}
	t.Fatalf("%s has no %s: %+v", seller, id, l)
	return budget.Product{}
}

func TestGenAI(t *testing.T) {
	t.Parallel()
	l := read(t, `[{"id":"x-ai","models":[
	 {"id":"whole","match":{"or":[{"equals":"whole"},{"equals":"whole-2026"},{"starts_with":"whole-"}]},"context_window":1000,
	  "prices":{"input_mtok":{"base":5,"tiers":[{"start":200,"price":10}]},"output_mtok":{"base":30,"tiers":[{"start":200,"price":45}]},"cache_read_mtok":0.30000000000000004,"cache_write_mtok":6,"cache_write_1h_mtok":8,"web_searches_kcount":10,"input_audio_mtok":99}},
	 {"id":"dated","match":{"starts_with":"dated"},"prices":[{"prices":{"input_mtok":1,"output_mtok":2}},{"constraint":{"type":"start_date","start_date":"2026-08-17"},"prices":{"input_mtok":3,"output_mtok":4,"cache_write_mtok":5}}]},
	 {"id":"hourly","match":{"equals":"hourly"},"prices":[{"prices":{"input_mtok":1,"output_mtok":2}},{"constraint":{"type":"time_of_date","start_time":"00:30:00Z","end_time":"16:30:00Z"},"prices":{"input_mtok":3,"output_mtok":4}}]},
	 {"id":"bands","match":{"equals":"bands"},"prices":{"input_mtok":{"base":5,"tiers":[{"start":2,"price":6},{"start":3,"price":7}]},"output_mtok":2}},
	 {"id":"two","match":{"equals":"two"},"prices":{"input_mtok":{"base":5,"tiers":[{"start":2,"price":6}]},"output_mtok":{"base":5,"tiers":[{"start":3,"price":6}]}}},
	 {"id":"thought","match":{"equals":"thought"},"prices":{"input_mtok":1,"output_mtok":2,"output_reasoning_mtok":3}},
	 {"id":"speech","match":{"equals":"speech"},"prices":{"input_mtok":1,"output_mtok":2,"output_audio_mtok":3}},
	 {"id":"free","match":{"equals":"free"},"prices":{}},
	 {"id":"old","match":{"equals":"old"},"deprecated":true,"prices":{"input_mtok":1,"output_mtok":2}},
	 {"id":"odd","match":{"equals":"odd"},"prices":{"input_mtok":-1,"output_mtok":2}},
	 {"id":"ft:x-","match":{"starts_with":"ft:x-"},"prices":{"input_mtok":1,"output_mtok":2}}
	]},{"id":"aws","models":[{"id":"a","match":{"equals":"a"},"prices":{"input_mtok":1,"output_mtok":2}}]}]`)
	want := budget.Row{
		Input: 5e6, Output: 30e6, CacheWrite5m: 6e6, CacheWrite1h: 8e6, CacheRead: 300_000, WebSearch: 10_000,
		Long: &budget.LongBand{Above: 200, Input: 10e6, Output: 45e6, CacheWrite5m: 6e6, CacheWrite1h: 8e6, CacheRead: 300_000},
	}
	p := product(t, l, "xai", "whole")
	if !reflect.DeepEqual(p.Rows, []budget.Row{want}) || !reflect.DeepEqual(p.Aliases, []string{"whole-2026"}) || p.Window != 1000 {
		t.Errorf("whole: %+v", p)
	}
	rows := product(t, l, "xai", "dated").Rows
	if len(rows) != 2 || !rows[0].ValidFrom.IsZero() || !rows[1].ValidFrom.Equal(time.Date(2026, 8, 17, 0, 0, 0, 0, time.UTC)) || rows[1].CacheWrite1h != 5e6 {
		t.Errorf("dated: %+v", rows)
	}
	if l.Kind != GenAI || l.Models() != 2 {
		t.Errorf("%s, %d models: %+v", l.Kind, l.Models(), l.Shelves)
	}
	left := map[string]int{
		"priced by the hour of the day": 1, "priced by several bands": 2, "priced by the request, or reasoning apart": 1, "does not write text only": 1,
		"no price for text in and out": 1, "retired": 1, "not a possible price or id": 0, "named by pattern only": 1, "sold where builder has no address": 1,
	}
	left["priced by several bands"]++ // a rate that is none
	delete(left, "not a possible price or id")
	if !maps.Equal(l.Left, left) {
		t.Errorf("left out: %v, want %v", l.Left, left)
	}
}

func TestLiteLLM(t *testing.T) {
	t.Parallel()
	l := read(t, `{"sample_spec":{"litellm_provider":"one of them","mode":"one of: chat"},
	 "gemini/m":{"litellm_provider":"gemini","mode":"chat","input_cost_per_token":2.5e-06,"output_cost_per_token":0.00001,"cache_read_input_token_cost":2.8e-7,
	  "input_cost_per_token_above_200k_tokens":5e-06,"output_cost_per_token_above_200k_tokens":1.5e-05,"input_cost_per_token_priority":1,"input_cost_per_token_above_200k_tokens_batches":1,
	  "max_input_tokens":1048576,"max_output_tokens":"65535","supports_function_calling":true,"supports_reasoning":true,"supports_minimal_reasoning_effort":true,"supports_xhigh_reasoning_effort":false,
	  "supports_native_structured_output":false,"supports_response_schema":true,"prompt_cache_min_tokens":1024,"search_context_cost_per_query":{"a":0.01,"b":0.014}},
	 "claude-x":{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":4e-6,"output_cost_per_token":2e-5,"cache_creation_input_token_cost":5e-6,"cache_creation_input_token_cost_above_1hr":8e-6},
	 "thought":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"output_cost_per_reasoning_token":2e-6},
	 "bands":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"input_cost_per_token_above_128k_tokens":1e-6,"output_cost_per_token_above_256k_tokens":1e-6},
	 "tiers":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6,"tiered_pricing":[]},
	 "nan":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":"NaN","output_cost_per_token":1e-6},
	 "huge":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e300,"output_cost_per_token":1e-6},
	 "long":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-999999999,"output_cost_per_token":1e-6},
	 "embed":{"litellm_provider":"openai","mode":"embedding","input_cost_per_token":1e-6,"output_cost_per_token":1e-6},
	 "odd":[1],
	 "azure/m":{"litellm_provider":"azure","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`)
	p := product(t, l, "google", "m")
	want := budget.Row{
		Input: 2.5e6, Output: 10e6, CacheRead: 280_000, WebSearch: 14_000,
		Long: &budget.LongBand{Above: 200_000, Input: 5e6, Output: 15e6, CacheRead: 280_000},
	}
	traits := budget.Traits{Tools: budget.Yes, Structured: budget.No, Effort: []string{"minimal", "low", "medium", "high"}, CacheMin: 1024}
	if !reflect.DeepEqual(p.Rows, []budget.Row{want}) || !reflect.DeepEqual(p.Traits, traits) || p.Window != 1<<20 || p.MaxOutput != 65535 {
		t.Errorf("m: %+v", p)
	}
	if r := product(t, l, "anthropic", "claude-x").Rows[0]; r.CacheWrite5m != 5e6 || r.CacheWrite1h != 8e6 {
		t.Errorf("claude-x: %+v", r)
	}
	if l.Kind != LiteLLM || l.Models() != 2 {
		t.Errorf("%s, %d models: %+v, left %v", l.Kind, l.Models(), l.Shelves, l.Left)
	}
}

func TestModelsDev(t *testing.T) {
	t.Parallel()
	l := read(t, `{"fireworks-ai":{"id":"fireworks-ai","models":{
	 "m":{"id":"m","tool_call":true,"structured_output":false,"cost":{"input":3,"output":15,"cache_read":0.3,"cache_write":3.75,"input_audio":9,"context_over_200k":{"input":6,"output":22.5}},"limit":{"context":1000000,"output":64000}},
	 "thought":{"cost":{"input":3,"output":15,"reasoning":20}}, "tiers":{"cost":{"input":3,"output":15,"tiers":[{}]}}, "free":{"cost":{"input":0,"output":0}}, "text":{"cost":{"input":"cheap","output":1}}, "odd":7}},
	 "elsewhere":{"models":{"m":{"cost":{"input":3,"output":15}}}}}`)
	p := product(t, l, "fireworks", "m")
	want := budget.Row{
		Input: 3e6, Output: 15e6, CacheWrite5m: 3.75e6, CacheWrite1h: 3.75e6, CacheRead: 300_000,
		Long: &budget.LongBand{Above: 200_000, Input: 6e6, Output: 22.5e6, CacheWrite5m: 3.75e6, CacheWrite1h: 3.75e6, CacheRead: 300_000},
	}
	if !reflect.DeepEqual(p.Rows, []budget.Row{want}) || p.Window != 1_000_000 || p.MaxOutput != 64_000 || p.Tools != budget.Yes || p.Structured != budget.No {
		t.Errorf("m: %+v", p)
	}
	if l.Kind != ModelsDev || l.Models() != 1 {
		t.Errorf("%s, %d models: %+v, left %v", l.Kind, l.Models(), l.Shelves, l.Left)
	}
}

func TestReadRefusesOtherShapes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", "[]", "null", "7", `{"a":1}`, `[{"id":1}]`, `[{"x":1}]`, `{"a":{"b":{}}}`, "not json", `{"a":`} {
		if l, err := Read(strings.NewReader(text), "a test", "2026-11-24"); !errors.Is(err, ErrShape) {
			t.Errorf("%q: %+v, %v", text, l, err)
		}
	}
	if _, err := Read(strings.NewReader(strings.Repeat(" ", MaxSize+1)), "a test", "2026-11-24"); err == nil || errors.Is(err, ErrShape) {
		t.Errorf("a huge text: %v", err)
	}
}

// What is read is always a shelf that can be used, whoever wrote the list.
func FuzzRead(f *testing.F) {
	f.Add(`[{"id":"openai","models":[{"id":"m","match":{"equals":"m"},"prices":{"input_mtok":{"base":5,"tiers":[{"start":200,"price":10}]},"output_mtok":3}}]}]`)
	f.Add(`{"m":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}`)
	f.Add(`{"openai":{"models":{"m":{"cost":{"input":3,"output":15,"context_over_200k":{"input":1}}}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Read(strings.NewReader(text), "a test", "2026-11-24")
		if err != nil {
			return
		}
		for _, s := range l.Shelves {
			if err := s.Check(); err != nil || !budget.KnownSeller(s.Seller) {
				t.Fatalf("%s: %v", s.Seller, err)
			}
		}
	})
}

// The built-in lists hold what gen makes of these readers; this reads one again in full to see that
// none of its rows is of another form than Shelf.Check wants.
func TestBuiltInListIsAShelf(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../prices/openai.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s, err := budget.ReadShelf(f); err != nil || len(s.Models) < 50 {
		t.Errorf("%d models, %v", len(s.Models), err)
	}
}
