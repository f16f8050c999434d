package offline_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
)

type billed struct{ Input, Read, Write5m, Write1h int64 }

// cacheBody is a conversation: a marked system text, then texts, the last one marked.
func cacheBody(t *testing.T, ttl string, texts ...string) string {
	t.Helper()
	mark := map[string]string{"type": "ephemeral"}
	system := map[string]string{"type": "ephemeral", "ttl": ttl}
	var content []any
	for i, text := range texts {
		b := map[string]any{"type": "text", "text": text}
		if i == len(texts)-1 {
			b["cache_control"] = mark
		}
		content = append(content, b)
	}
	return encode(t, map[string]any{
		"model": "offline", "max_tokens": 10,
		"system":   []any{map[string]any{"type": "text", "text": strings.Repeat("s", 7200), "cache_control": system}},
		"messages": []any{map[string]any{"role": "user", "content": content}},
	})
}

func bill(t *testing.T, h *offline.Server, body string) billed {
	t.Helper()
	status, got, _ := post(t, h, "/v1/messages", body)
	var m struct {
		Usage struct {
			Input    int64 `json:"input_tokens"`
			Read     int64 `json:"cache_read_input_tokens"`
			Write    int64 `json:"cache_creation_input_tokens"`
			Creation struct {
				Short int64 `json:"ephemeral_5m_input_tokens"`
				Long  int64 `json:"ephemeral_1h_input_tokens"`
			} `json:"cache_creation"`
		}
	}
	if err := json.Unmarshal([]byte(got), &m); err != nil || status != 200 {
		t.Fatalf("%d %s", status, got)
	}
	if m.Usage.Write != m.Usage.Creation.Short+m.Usage.Creation.Long {
		t.Errorf("written %d is not the sum of its parts", m.Usage.Write)
	}
	return billed{m.Usage.Input, m.Usage.Read, m.Usage.Creation.Short, m.Usage.Creation.Long}
}

// The same tokens are billed in every case; the cache only moves them between the classes.
func TestCache(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	h := offline.Handler(offline.Options{Author: small, Cache: true, Now: func() time.Time { return now }})
	one, two := strings.Repeat("a", 3571), strings.Repeat("b", 3571) // about 1,000 tokens a block
	many := []string{one, two}
	for i := range 25 {
		many = append(many, fmt.Sprintf("%d", i))
	}
	steps := []struct {
		name string
		body string
		wait time.Duration
		want billed
	}{
		{"written", cacheBody(t, "1h", one), 0, billed{0, 0, 999, 2007}},
		{"read", cacheBody(t, "1h", one), 0, billed{0, 3006, 0, 0}},
		{"read and written on", cacheBody(t, "1h", one, two), 0, billed{0, 3006, 999, 0}},
		{"the short part has ended", cacheBody(t, "1h", one), 6 * time.Minute, billed{0, 2007, 999, 0}},
		{"both have ended", cacheBody(t, "1h", one), 2 * time.Hour, billed{0, 0, 999, 2007}},
		{"too far back", cacheBody(t, "1h", many...), 0, billed{}},
	}
	for _, s := range steps {
		now = now.Add(s.wait)
		got := bill(t, h, s.body)
		if s.name == "too far back" {
			if got.Read != 2007 || got.Write5m < 2000 {
				t.Errorf("%s: %+v; want no more than the system text read", s.name, got)
			}
			continue
		}
		if d := cmp.Diff(s.want, got); d != "" {
			t.Errorf("%s: %s", s.name, d)
		}
	}
	plain := bill(t, offline.Handler(offline.Options{Author: small}), steps[0].body)
	if (plain != billed{Input: 3006}) {
		t.Errorf("without a cache: %+v", plain)
	}
}

// Prefixes that are too short are not cached, and a moved mark does not change a prefix.
func TestCacheLeastPrefixAndMovedMarks(t *testing.T) {
	t.Parallel()
	h := offline.Handler(offline.Options{Author: small, Cache: true})
	short := `{"model":"offline","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]}`
	for range 2 {
		if got := bill(t, h, short); got.Read != 0 || got.Write5m != 0 || got.Input == 0 {
			t.Errorf("short prefix: %+v", got)
		}
	}
	long := strings.Repeat("x", 5000)
	marked := fmt.Sprintf(`{"model":"offline","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":%q,"cache_control":{"type":"ephemeral"}}]}]}`, long)
	moved := fmt.Sprintf(`{"model":"offline","max_tokens":9,"messages":[{"role":"user","content":[{"text":%q,"type":"text"},{"type":"text","text":"y","cache_control":{"type":"ephemeral"}}]}]}`, long)
	first := bill(t, h, marked)
	if got := bill(t, h, moved); got.Read != first.Write5m {
		t.Errorf("moved mark: %+v after %+v", got, first)
	}
}
