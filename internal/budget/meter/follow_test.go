package meter

import (
	"io"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// Every reason to stop is an answer; what it means is the agent's business.
func TestStopReasons(t *testing.T) {
	t.Parallel()
	reasons := map[string][]string{
		"":          {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded", "one_of_tomorrow"},
		"chat":      {"stop", "length", "tool_calls", "function_call", "content_filter", "one_of_tomorrow"},
		"responses": {"max_output_tokens", "content_filter", "one_of_tomorrow"},
	}
	for _, sm := range samples() {
		for _, stop := range reasons[sm.dialect.name()] {
			r := strings.NewReplacer(`"stop_reason":"tool_use"`, `"stop_reason":"`+stop+`"`, `"finish_reason":"tool_calls"`, `"finish_reason":"`+stop+`"`,
				`response.completed`, `response.incomplete`, `"status":"completed","model"`, `"status":"incomplete","model"`, `"incomplete_details":null`, `"incomplete_details":{"reason":"`+stop+`"}`)
			for kind, sent := range map[string]string{sse: r.Replace(sm.seen + sm.rest), "application/json": r.Replace(sm.whole)} {
				w := newWorld(budget.Caps{USD: budget.Dollar})
				resp, err := w.door(answering(200, kind, strings.NewReader(sent))).RoundTrip(sm.request(t.Context(), "http://host"))
				if err != nil {
					t.Fatalf("%s %s: %v", sm, stop, err)
				}
				if got, err := io.ReadAll(resp.Body); err != nil || string(got) != sent {
					t.Errorf("%s %s: read %d of %d, %v", sm, stop, len(got), len(sent), err)
				}
				resp.Body.Close()
				if s := w.only(t); s.Fate != budget.Answered || s.Stop != stop || s.Usage != sm.usage {
					t.Errorf("%s %s: %+v", sm, stop, s)
				}
			}
		}
	}
}

// Searches are counted and priced, in both versions of the API, streamed and not.
func TestSearchesArePriced(t *testing.T) {
	t.Parallel()
	sm := messagesSample()
	body := strings.Replace(sm.ask, `"messages"`, `"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3}],"messages"`, 1)
	searched := strings.NewReplacer(`"output_tokens":42`, `"output_tokens":42,"server_tool_use":{"web_search_requests":2,"web_fetch_requests":5}`, `,"server_tool_use":null`, "")
	for _, version := range []string{"2023-06-01", "2026-10-21"} {
		for kind, sent := range map[string]string{sse: searched.Replace(sm.seen + sm.rest), "application/json": searched.Replace(sm.whole)} {
			w := newWorld(budget.Caps{USD: 10 * budget.Dollar})
			req := sm.asking(t.Context(), "http://host", body)
			req.Header.Set("Anthropic-Version", version)
			resp, err := w.door(answering(200, kind, strings.NewReader(sent))).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Error(err)
			}
			resp.Body.Close()
			want := sm.usage
			want.WebSearches = 2
			if s := w.only(t); s.Usage != want || s.Cost != sm.cost()+2*testPrice.WebSearch || s.Overrun {
				t.Errorf("%s %s: %+v", version, kind, s)
			}
		}
	}
}

// What the provider reports stands in the record beside what was computed.
func TestReportedCostStandsApart(t *testing.T) {
	t.Parallel()
	sm := chatSample()
	for cost, want := range map[string]budget.Micro{`0.0005`: 500, `0`: 0, `null`: 0, `0.0012345`: 1235} {
		sent := strings.Replace(sm.seen+sm.rest, `"total_tokens":402`, `"total_tokens":402,"cost":`+cost, 1)
		w := newWorld(budget.Caps{USD: budget.Dollar})
		resp, err := w.door(answering(200, sse, strings.NewReader(sent))).RoundTrip(sm.request(t.Context(), "http://host"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		s := w.only(t)
		if a := w.guard.Account(budget.Build); s.Cost != sm.cost() || s.Reported != want || a.Spent != max(want, sm.cost()) || a.Reported != want {
			t.Errorf("%s: %+v, %+v", cost, s, a)
		}
	}
}

// Whatever a stream holds and wherever it is cut: a follower sees the same however the bytes are
// chunked, live and after a crash agree, and nothing is booked that the guard refuses.
func FuzzFollowers(f *testing.F) {
	for i, sm := range samples() {
		f.Add([]byte(sm.seen+sm.rest), uint8(i), uint16(7))
		f.Add([]byte(sm.seen), uint8(i), uint16(300))
	}
	f.Add([]byte(chatText("a")+chatTool(0, "a", "{}")+usageFrame(`{"prompt_tokens":-1}`)+done), uint8(1), uint16(1))
	f.Add([]byte("data: {\"error\":{}}\n\n"), uint8(2), uint16(9))
	f.Fuzz(func(t *testing.T, stream []byte, which uint8, chunk uint16) {
		sm := samples()[int(which)%3]
		read := func(size int) (string, budget.Settlement) {
			w := newWorld(budget.Caps{USD: budget.Dollar})
			wire := readerFunc(func() func(p []byte) (int, error) {
				rest := stream
				return func(p []byte) (int, error) {
					if len(rest) == 0 {
						return 0, io.EOF
					}
					n := copy(p[:min(len(p), size)], rest)
					rest = rest[n:]
					return n, nil
				}
			}())
			resp, err := w.door(answering(200, sse, wire)).RoundTrip(sm.request(t.Context(), "http://host"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			s := w.only(t)
			if (err == nil) != (s.Fate == budget.Answered) {
				t.Fatalf("%v, %+v", err, s)
			}
			if s.Fate == budget.Answered {
				hold := w.asks[0]
				r := Recover(t.Context(), budget.Hold{Op: s.Op, Price: testPrice, Money: budget.Dollar, Tokens: 1 << 60, Cache: hold.Cache, Dialect: hold.Dialect}, stream)
				if r.Fate != s.Fate || r.Cost != s.Cost || r.Uncounted != s.Uncounted || r.Stop != s.Stop {
					t.Fatalf("live %+v\nafter a crash %+v", s, r)
				}
			}
			return string(got), s
		}
		once, a := read(1 << 20)
		some, b := read(int(chunk) + 1)
		if a.Answer, b.Answer = "", ""; a != b || once != some {
			t.Fatalf("chunks matter: %+v %q\n%+v %q", a, once, b, some)
		}
	})
}
