package meter

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// sent asks in a dialect and returns what reached the provider; nothing did when it is "".
func (sm sample) sent(t *testing.T, w *world, base, body string) (string, error) {
	t.Helper()
	var got string
	resp, err := w.door(roundTrip(func(out *http.Request) (*http.Response, error) {
		raw, err := io.ReadAll(out.Body)
		if err != nil {
			return nil, err
		}
		got = string(raw)
		out.Body = http.NoBody
		return answering(200, "application/json", strings.NewReader(sm.whole)).RoundTrip(out)
	})).RoundTrip(sm.asking(t.Context(), base, body))
	if err != nil {
		return got, err
	}
	return got, resp.Body.Close()
}

func TestLimitsOfOutputAreSet(t *testing.T) {
	t.Parallel()
	const m = `"model":"m","messages":[]`
	const r = `"model":"m","input":"hi"`
	tests := []struct {
		name       string
		sm         sample
		host       string
		body, want string
	}{
		{"given", chatSample(), "http://host", `{"max_tokens": 70,` + m + `}`, `{"max_tokens": 70,` + m + `}`},
		{"shrunk", chatSample(), "http://host", `{"max_tokens": 900000,` + m + `}`, `{"max_tokens": N,` + m + `}`},
		{"shrunk under its other name", chatSample(), "http://host", `{` + m + `,"max_completion_tokens":900000 }`, `{` + m + `,"max_completion_tokens":N }`},
		{"open", chatSample(), "http://host", `{` + m + `}`, `{"max_tokens":N,` + m + `}`},
		{"open, OpenAI", chatSample(), "https://api.openai.com", `{` + m + `}`, `{"max_completion_tokens":N,` + m + `}`},
		{"open, Azure", chatSample(), "https://me.openai.azure.com", `{` + m + `}`, `{"max_completion_tokens":N,` + m + `}`},
		{"null", chatSample(), "http://host", `{"max_completion_tokens":null,` + m + `}`, `{"max_completion_tokens":N,` + m + `}`},
		{"one is null", chatSample(), "http://host", `{"max_tokens":null,` + m + `,"max_completion_tokens":5}`, `{"max_tokens":null,` + m + `,"max_completion_tokens":5}`},
		{"streams are asked for usage", chatSample(), "http://host", ` {` + m + `,"stream":true,"max_tokens":900000}`, ` {"stream_options":{"include_usage":true},` + m + `,"stream":true,"max_tokens":N}`},
		{"both are set", chatSample(), "http://host", `{` + m + `,"stream":true}`, `{"stream_options":{"include_usage":true},"max_tokens":N,` + m + `,"stream":true}`},
		{"no options are wanted", chatSample(), "http://host", `{` + m + `,"stream":true,"stream_options":null,"max_tokens":5}`, `{` + m + `,"stream":true,"max_tokens":5}`},
		{"no options are wanted, first", chatSample(), "http://host", `{ "stream_options" : null , ` + m + `,"stream":true}`, `{"max_tokens":N, ` + m + `,"stream":true}`},
		{"no options are wanted, last", chatSample(), "http://host", `{` + m + `,"stream":true,"max_tokens":5 , "stream_options":null }`, `{` + m + `,"stream":true,"max_tokens":5  }`},
		{"an odd key", chatSample(), "http://host", `{` + m + `,"stream":true,"max_tokens":5,"stream\u005foptions":null}`, `{` + m + `,"stream":true,"max_tokens":5,"stream\u005foptions":null}`},
		{"usage is not wanted", chatSample(), "http://host", `{` + m + `,"stream":true,"stream_options":{"include_usage":false},"max_tokens":5}`, `{` + m + `,"stream":true,"stream_options":{"include_usage":false},"max_tokens":5}`},
		{"no stream", chatSample(), "http://host", `{` + m + `,"stream":false,"max_tokens":5}`, `{` + m + `,"stream":false,"max_tokens":5}`},
		{"given, Responses", responsesSample(), "http://host", `{` + r + `,"max_output_tokens":64}`, `{` + r + `,"max_output_tokens":64}`},
		{"shrunk, Responses", responsesSample(), "http://host", `{` + r + `,"max_output_tokens":640000}`, `{` + r + `,"max_output_tokens":N}`},
		{"open, Responses", responsesSample(), "http://host", `{` + r + `}`, `{"max_output_tokens":N,` + r + `}`},
		{"null, Responses", responsesSample(), "http://host", `{"max_output_tokens":null,` + r + `,"stream":true}`, `{"max_output_tokens":N,` + r + `,"stream":true}`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(budget.Caps{USD: 200_000})
			got, err := tc.sm.sent(t, w, tc.host, tc.body)
			if err != nil {
				t.Fatal(err)
			}
			a := w.asks[0]
			fits := (2_000_000 - a.InputTokens*25) / 100 // written to the cache at 2.5, output at 10
			want := strings.ReplaceAll(tc.want, "N", strconv.FormatInt(fits, 10))
			if got != want {
				t.Errorf("sent %s\nwant %s", got, want)
			}
			if strings.Contains(tc.name, "open") && a.MaxTokens != testPrice.MaxOutput {
				t.Errorf("asked for %d", a.MaxTokens)
			}
		})
	}
}

func TestOpenAICallsWithoutBoundAreRefused(t *testing.T) {
	t.Parallel()
	chatWith := func(s string) string { return `{"model":"m","max_tokens":5,"messages":[],` + s + `}` }
	respWith := func(s string) string { return `{"model":"m","max_output_tokens":5,"input":"hi",` + s + `}` }
	for _, s := range []string{
		`"n":2`, `"n":1.0`, `"best_of":3`, `"modalities":["text","audio"]`, `"audio":{"voice":"x"}`, `"prediction":{"type":"content"}`, `"web_search_options":{"a":1}`, `"plugins":[{"id":"web"}]`,
		`"models":["a","b"]`, `"service_tier":"priority"`, `"service_tier":"flex"`, `"stream":"true"`, `"stream":1`, `"max_completion_tokens":7`, `"max_completion_tokens":"7"`, `"max_tokens":9`, `"Max_Tokens":9`,
		`"tools":[{"type":"browser_search"}]`, `"tools":[{"name":"untyped"}]`, `"tools":"x"`, `"functions":"x"`, `"search_parameters":{"mode":"on"}`,
	} {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		if got, err := chatSample().sent(t, w, "http://host", chatWith(s)); got != "" || !errors.Is(err, ErrUnmetered) || len(w.asks) != 0 {
			t.Errorf("%s: sent %q, %v", s, got, err)
		}
	}
	for _, s := range []string{
		`"background":true`, `"service_tier":"priority"`, `"tools":[{"type":"web_search"}]`, `"tools":[{"type":"code_interpreter"}]`, `"tools":[{"type":"mcp"}]`, `"tools":[{"type":"file_search"}]`, `"tools":[{"type":"image_generation"}]`,
		`"max_output_tokens":9`, `"tools":7`,
	} {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		if got, err := responsesSample().sent(t, w, "http://host", respWith(s)); got != "" || !errors.Is(err, ErrUnmetered) || len(w.asks) != 0 {
			t.Errorf("%s: sent %q, %v", s, got, err)
		}
	}
	for _, body := range []string{``, `[]`, `{}`, `{"model":"m"}`, `{"model":"m","messages":"x"}`, `{"model":"","messages":[]}`, `{"model":"m","messages":[],"max_tokens":0}`, `{"model":"m","messages":[],"max_tokens":1e3}`} {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		if got, err := chatSample().sent(t, w, "http://host", body); got != "" || !errors.Is(err, ErrUnmetered) {
			t.Errorf("%s: sent %q, %v", body, got, err)
		}
	}
}

// What bytes do not bound is bounded by the window.
func TestOpenAIWorstInput(t *testing.T) {
	t.Parallel()
	const text = `{"role":"user","content":"hi"}`
	tests := []struct {
		name   string
		d      dialect
		body   string
		window bool
		tools  int64
		cache  budget.CacheUse
	}{
		{"text", chat{}, `"messages":[` + text + `]`, false, 0, budget.Cache5m},
		{"parts", chat{}, `"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]`, false, 0, budget.Cache1h},
		{"an image", chat{}, `"messages":[{"role":"user","content":[{"type":"image_url"}]}]`, true, 0, budget.Cache5m},
		{"sound of before", chat{}, `"messages":[{"role":"assistant","audio":{"id":"x"}}]`, true, 0, budget.Cache5m},
		{"what Google takes besides", chat{}, `"messages":[],"extra_body":{"google":{"cached_content":"x"}}`, true, 0, budget.Cache5m},
		{"tools", chat{}, `"messages":[],"tools":[{"type":"function"},{"type":"custom"}],"functions":[{"name":"x"}]`, false, 3, budget.Cache5m},
		{"text", responses{}, `"input":"hi"`, false, 0, budget.Cache5m},
		{"items", responses{}, `"input":[` + text + `,{"type":"reasoning","encrypted_content":"x"},{"type":"function_call","arguments":"{}"},{"type":"function_call_output","output":"x"},{"type":"function_call_output","output":[{"type":"input_text"}]}]`, false, 0, budget.Cache5m},
		{"an image", responses{}, `"input":[{"role":"user","content":[{"type":"input_image"}]}]`, true, 0, budget.Cache5m},
		{"an image in an output", responses{}, `"input":[{"type":"function_call_output","output":[{"type":"input_image"}]}]`, true, 0, budget.Cache5m},
		{"a reference", responses{}, `"input":[{"type":"item_reference","id":"x"}]`, true, 0, budget.Cache5m},
		{"what the server keeps", responses{}, `"input":"hi","previous_response_id":"r"`, true, 0, budget.Cache5m},
		{"a conversation", responses{}, `"input":"hi","conversation":"c"`, true, 0, budget.Cache5m},
		{"a prompt kept there", responses{}, `"input":"hi","prompt":{"id":"p"}`, true, 0, budget.Cache5m},
		{"tools", responses{}, `"input":"hi","tools":[{"type":"function"},{"type":"local_shell"}]`, false, 2, budget.Cache5m},
	}
	for _, tc := range tests {
		q, err := tc.d.question(bare, []byte(`{"model":"m",`+tc.body+`}`))
		if err != nil {
			t.Fatalf("%T %s: %v", tc.d, tc.name, err)
		}
		n, err := worstInput(q, budget.Call{}, 200_000)
		if err != nil || (n == 200_000) != tc.window || q.tools != tc.tools || q.cache != tc.cache {
			t.Errorf("%T %s: %d, %v, %+v", tc.d, tc.name, n, err, q)
		}
	}
}

func TestOpenAIFailures(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"error":{"message":"no","type":"invalid_request_error","code":"context_length_exceeded"}}`: {"context_length_exceeded", "no"},
		`{"error":{"message":"no","type":"insufficient_quota","code":null}}`:                         {"insufficient_quota", "no"},
		`{"error":{"message":"no","code":429}}`:                                                      {"429", "no"},
		`[{"error":{"code":503,"message":"no","status":"UNAVAILABLE"}}]`:                             {"UNAVAILABLE", "no"},
		`{"error":"model not found"}`:                                                                {"error", "model not found"},
		`{"object":"error","message":"no","type":"BadRequestError","code":400}`:                      {"BadRequestError", "no"},
		`{"error":null}`: {}, `{"error":{}}`: {}, `{"detail":"Not Found"}`: {}, `oops`: {}, ``: {}, `[]`: {}, `{"error":7}`: {},
	} {
		kind, message, shaped := openaiFailure([]byte(body))
		if got := [2]string{kind, message}; got != want || shaped != (kind != "") {
			t.Errorf("%s: %q, %v", body, got, shaped)
		}
	}
}

// Guards every way in which usage may be told.
func TestUsageOfOpenAI(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		usage string
		want  budget.Usage
		ok    bool
		cost  budget.Micro
	}{
		{"chat", chatUsage, budget.Usage{Input: 10, CacheWrite5m: 300, CacheRead: 50, Output: 42}, true, 0},
		{"responses", responsesUsage, budget.Usage{Input: 10, CacheWrite5m: 300, CacheRead: 50, Output: 42}, true, 0},
		{"no details", `{"prompt_tokens":10,"completion_tokens":3}`, budget.Usage{Input: 10, Output: 3}, true, 0},
		{"details are null", `{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":null}`, budget.Usage{Input: 10, Output: 3}, true, 0},
		{"DeepSeek", `{"prompt_tokens":10,"completion_tokens":3,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6}`, budget.Usage{Input: 6, CacheRead: 4, Output: 3}, true, 0},
		{"reasoning outside", `{"prompt_tokens":10,"completion_tokens":3,"total_tokens":50,"completion_tokens_details":{"reasoning_tokens":37}}`, budget.Usage{Input: 10, Output: 40}, true, 0},
		{"a total below", `{"prompt_tokens":10,"completion_tokens":3,"total_tokens":5}`, budget.Usage{Input: 10, Output: 3}, true, 0},
		{"all cached", `{"prompt_tokens":10,"completion_tokens":0,"prompt_tokens_details":{"cached_tokens":10}}`, budget.Usage{CacheRead: 10}, true, 0},
		{"OpenRouter", `{"prompt_tokens":10,"completion_tokens":3,"cost":0.00014}`, budget.Usage{Input: 10, Output: 3}, true, 140},
		{"a cost with exponent", `{"prompt_tokens":10,"completion_tokens":3,"cost":1.5e-7}`, budget.Usage{Input: 10, Output: 3}, true, 1},
		{"a cost that is none", `{"prompt_tokens":10,"completion_tokens":3,"cost":{"x":1}}`, budget.Usage{Input: 10, Output: 3}, true, 0},
		{"a negative cost", `{"prompt_tokens":10,"completion_tokens":3,"cost":-5}`, budget.Usage{Input: 10, Output: 3}, true, 0},
		{"an endless cost", `{"prompt_tokens":10,"completion_tokens":3,"cost":1e300}`, budget.Usage{Input: 10, Output: 3}, true, 1e6 * budget.Dollar},
		{"nothing", ``, budget.Usage{}, false, 0},
		{"null", `null`, budget.Usage{}, false, 0},
		{"zeros", `{"prompt_tokens":0,"completion_tokens":0}`, budget.Usage{}, false, 0},
		{"no output", `{"prompt_tokens":10}`, budget.Usage{Input: 10}, false, 0},
		{"more cached than all", `{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":11}}`, budget.Usage{Input: 10, Output: 3}, false, 0},
		{"negative", `{"prompt_tokens":10,"completion_tokens":-3}`, budget.Usage{Input: 10}, false, 0},
		{"negative cached", `{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":-1}}`, budget.Usage{Input: 10, Output: 3}, false, 0},
		{"huge", `{"prompt_tokens":9223372036854775807,"completion_tokens":3}`, budget.Usage{Input: mostCount, Output: 3}, false, 0},
		{"beyond counting", `{"prompt_tokens":10,"completion_tokens":99999999999999999999}`, budget.Usage{Output: mostCount}, false, 0},
		{"a fraction", `{"prompt_tokens":10.5,"completion_tokens":3}`, budget.Usage{}, false, 0},
		{"text", `"none"`, budget.Usage{}, false, 0},
		{"a list", `[1]`, budget.Usage{}, false, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c counts
			c.add([]byte(tc.usage))
			got, ok := c.usage(budget.Cache5m)
			if ok != tc.ok || c.reported != tc.cost {
				t.Errorf("%v, %d", ok, c.reported)
			}
			if tc.ok {
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(diff)
				}
			} else if got.Tokens() < tc.want.Tokens() {
				t.Errorf("%+v hides what was said", got)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		``: false, ` `: false, `{`: false, `{}`: true, ` {"a":"}"`: false, `{"a":"\"}"}`: true, `{"a":[{}]`: false, `[]`: true, `"x`: true, `7`: true, `{"a":"\\"}`: true, `}`: true,
	} {
		var whole, bytewise span
		got := whole.grow(text)
		for i := range len(text) {
			bytewise.grow(text[i : i+1])
		}
		if got != want || bytewise.done != want {
			t.Errorf("%s: %v, byte by byte %v", text, got, bytewise.done)
		}
	}
}

func FuzzQuestionOfOpenAI(f *testing.F) {
	f.Add([]byte(chatAsk), false)
	f.Add([]byte(`{"model":"m","stream":true,"messages":[{"content":[{"type":"image_url"}]}],"tools":[{"type":"function"}]}`), false)
	f.Add([]byte(`{"max_tokens":null,"model":"m","messages":[]}`), false)
	f.Add([]byte(responsesAsk), true)
	f.Add([]byte(`{"model":"m","input":[{"type":"reasoning"}],"max_output_tokens":null}`), true)
	req := &http.Request{URL: &url.URL{Scheme: "https", Host: "api.openai.com"}}
	f.Fuzz(func(t *testing.T, body []byte, other bool) {
		var d dialect = chat{}
		if other {
			d = responses{}
		}
		q, err := d.question(req, body)
		if err != nil {
			return
		}
		if q.model == "" || q.maxTokens < 0 {
			t.Fatalf("%+v", q)
		}
		again, err := d.question(req, splice(q.body, q.maxAt, 7))
		if err != nil || again.maxTokens != 7 || again.limit != 7 || again.model != q.model || again.opaque != q.opaque {
			t.Fatalf("shrunk: %+v, %v", again, err)
		}
		if n, err := worstInput(q, budget.Call{}, 1_000_000); err != nil || n < 1 {
			t.Fatalf("bound %d, %v", n, err)
		}
	})
}
