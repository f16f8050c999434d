package meter

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// counter is a provider that counts tokens as n and answers calls; it notes what arrives.
type counter struct {
	status  int
	n       string
	arrived []string
}

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	c.arrived = append(c.arrived, req.URL.RequestURI()+" "+string(raw))
	req.Body = http.NoBody
	if strings.HasSuffix(req.URL.Path, "/count_tokens") {
		return answering(c.status, "application/json", strings.NewReader(fmt.Sprintf(`{"input_tokens":%s}`, c.n))).RoundTrip(req)
	}
	return answering(200, "application/json", strings.NewReader(whole)).RoundTrip(req)
}

// A call whose bytes do not fit and whose tokens do is sent, on the provider's own count; in every
// other case the refusal stands, and the count is asked for once at most. Guards rescuable and the
// comparison of the bounds.
func TestCountTurnsARefusalIntoAnAdmission(t *testing.T) {
	t.Parallel()
	long := strings.Replace(ask, `"hi"`, `"`+strings.Repeat("x", 20_000)+`"`, 1)
	least := func(n int64) budget.Call { c := testCall(1); c.MinOutput = n; return c }
	tests := map[string]struct {
		caps   budget.Caps
		status int
		n      string
		body   string
		call   budget.Call
		counts int
		sent   bool
	}{
		"money":              {budget.Caps{USD: 20_000}, 200, "5000", long, least(100), 1, true},
		"tokens":             {budget.Caps{NoUSD: true, Tokens: 8000}, 200, "5000", long, least(100), 1, true},
		"an image":           {budget.Caps{USD: 20_000}, 200, "5000", strings.Replace(ask, `"hi"`, `[{"type":"image"}]`, 1), least(100), 1, true},
		"it fits by bytes":   {budget.Caps{USD: budget.Dollar}, 200, "5000", long, least(100), 0, true},
		"the margin counts":  {budget.Caps{USD: 20_000}, 200, "9300", long, least(100), 1, false},
		"more than by bytes": {budget.Caps{USD: 20_000}, 200, "900000", long, least(100), 1, false},
		"output too large":   {budget.Caps{USD: 5_000}, 200, "50", long, least(1000), 0, false},
		"no count":           {budget.Caps{USD: 20_000}, 404, "5000", long, least(100), 1, false},
		"zero":               {budget.Caps{USD: 20_000}, 200, "0", long, least(100), 1, false},
		"negative":           {budget.Caps{USD: 20_000}, 200, "-5", long, least(100), 1, false},
		"not a number":       {budget.Caps{USD: 20_000}, 200, `"5000"`, long, least(100), 1, false},
		"beyond counting":    {budget.Caps{USD: 20_000}, 200, "99999999999999999999", long, least(100), 1, false},
		"searches":           {budget.Caps{USD: 20_000}, 200, "5000", strings.Replace(long, `"messages"`, `"tools":[{"type":"web_search_1","max_uses":1}],"messages"`, 1), least(100), 0, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, c := newWorld(tc.caps), &counter{status: tc.status, n: tc.n}
			door := w.door(c)
			door.Count = true
			req := request(t.Context(), "http://host", tc.body)
			resp, err := door.RoundTrip(req.WithContext(budget.WithCall(t.Context(), tc.call)))
			var no *budget.Refusal
			if (err == nil) != tc.sent || !tc.sent && !errors.As(err, &no) {
				t.Fatal(err)
			}
			sends := 0
			if tc.sent {
				sends++
				resp.Body.Close()
			}
			if len(c.arrived) != tc.counts+sends {
				t.Fatalf("arrived: %.200q", c.arrived)
			}
			if tc.counts > 0 {
				if want := `/v1/messages/count_tokens {"model":"m","messages":`; !strings.HasPrefix(c.arrived[0], want) || strings.Contains(c.arrived[0], "max_tokens") || strings.Contains(c.arrived[0], "stream") {
					t.Errorf("counted %.200q", c.arrived[0])
				}
			}
			if name == "more than by bytes" && len(w.asks) != 1 {
				t.Errorf("asked %d times for a hold", len(w.asks))
			}
			if tc.sent && tc.counts > 0 {
				if a := w.asks[1]; len(w.asks) != 2 || a.Counted != 5000 || a.InputTokens != 5000+500+countMargin {
					t.Errorf("%+v", w.asks)
				}
				if s := w.only(t); s.Fate != budget.Answered || s.Overrun {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

func TestOnlyAnthropicCounts(t *testing.T) {
	t.Parallel()
	for _, sm := range samples()[1:] {
		w, c := newWorld(budget.Caps{USD: 5_000}), &counter{status: 200, n: "5"}
		door := w.door(c)
		door.Count = true
		var no *budget.Refusal
		if _, err := door.RoundTrip(sm.asking(t.Context(), "http://host", strings.Replace(sm.ask, "hi", strings.Repeat("x", 20_000), 1))); !errors.As(err, &no) || len(c.arrived) != 0 {
			t.Errorf("%s: %v, %q", sm, err, c.arrived)
		}
	}
}

// Without the wish for it nothing is counted, and a count that fails keeps its key to itself.
func TestCountsThatFail(t *testing.T) {
	t.Parallel()
	long := strings.Replace(ask, `"hi"`, `"`+strings.Repeat("x", 20_000)+`"`, 1)
	for _, count := range []bool{false, true} {
		w := newWorld(budget.Caps{USD: 20_000})
		sent := 0
		door := w.door(roundTrip(func(req *http.Request) (*http.Response, error) {
			sent++
			return nil, errors.New("no way with " + req.Header.Get("X-Api-Key"))
		}))
		door.Count = count
		var no *budget.Refusal
		_, err := door.RoundTrip(request(t.Context(), "http://host", long))
		if !errors.As(err, &no) || (sent == 1) != count {
			t.Errorf("%v, sent %d", err, sent)
		}
		if text := fmt.Sprint(err, w.warned); strings.Contains(text, "sk-test") {
			t.Errorf("the key is told: %s", text)
		}
	}
}
