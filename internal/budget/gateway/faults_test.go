package gateway_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/gateway"
)

// outcome is how a call through the gateway ends for its asker and in the books.
type outcome struct {
	status  int
	cut     bool   // the connection ends without the end of the answer
	has     string // in the body
	hasNot  string
	unknown bool // the hold is booked, else nothing is
	paid    bool // the answer is
}

// Faults between gateway and provider pass as they are: error statuses with their fields, error events,
// streams that are cut. Each send is settled; nothing that is cut looks whole.
func TestFaults(t *testing.T) {
	t.Parallel()
	refusal := func(status int, kind string, header ...string) agenttest.Turn {
		f := &agenttest.Fault{Status: status, Type: kind, Message: "says the provider", Header: http.Header{}}
		for i := 0; i+1 < len(header); i += 2 {
			f.Header.Set(header[i], header[i+1])
		}
		return agenttest.Turn{Fault: f}
	}
	broken := func(f agenttest.Fault, calls ...agent.ToolCall) agenttest.Turn {
		return agenttest.Turn{Text: "hello there", Calls: calls, Fault: &f}
	}
	stops := func(s agent.StopReason) agenttest.Turn { return agenttest.Turn{Text: "hello", Stop: s} }
	for name, c := range map[string]struct {
		turn agenttest.Turn
		want outcome
	}{
		"429":                      {refusal(429, "rate_limit_error"), outcome{status: 429, has: "says the provider"}},
		"429 retry-after 2":        {refusal(429, "rate_limit_error", "Retry-After", "2"), outcome{status: 429}},
		"429 retry-after 61":       {refusal(429, "rate_limit_error", "Retry-After", "61"), outcome{status: 429}},
		"429 x-should-retry":       {refusal(429, "rate_limit_error", "X-Should-Retry", "false"), outcome{status: 429}},
		"529":                      {refusal(529, "overloaded_error"), outcome{status: 529}},
		"503":                      {refusal(503, "api_error"), outcome{status: 503}},
		"500":                      {refusal(500, "api_error"), outcome{status: 500}},
		"504":                      {refusal(504, "timeout_error"), outcome{status: 504, unknown: true}},
		"404 model":                {refusal(404, "not_found_error"), outcome{status: 404}},
		"401":                      {refusal(401, "authentication_error"), outcome{status: 401}},
		"403":                      {refusal(403, "permission_error"), outcome{status: 403}},
		"400":                      {refusal(400, "invalid_request_error"), outcome{status: 400}},
		"413":                      {refusal(413, "request_too_large"), outcome{status: 413}},
		"502 page":                 {agenttest.Turn{Fault: &agenttest.Fault{Status: 502, Body: "<html>"}}, outcome{status: 502, has: "<html>", unknown: true}},
		"redirect":                 {refusal(307, "x", "Location", "http://elsewhere.example/"), outcome{status: 307}},
		"dropped mid-text":         {broken(agenttest.Fault{Reset: true}), outcome{status: 200, cut: true, has: "hello", unknown: true}},
		"dropped after a tool":     {broken(agenttest.Fault{Reset: true}, agenttest.Run("true")), outcome{status: 200, cut: true, has: "partial_json", hasNot: `"content_block_stop","index":1`, unknown: true}},
		"closed without an end":    {broken(agenttest.Fault{Cut: true}), outcome{status: 200, cut: true, has: "hello", unknown: true}},
		"error event":              {broken(agenttest.Fault{MidError: "overloaded_error"}), outcome{status: 200, has: "overloaded_error", unknown: true}},
		"error event after a tool": {broken(agenttest.Fault{MidError: "overloaded_error"}, agenttest.Run("true")), outcome{status: 200, has: "overloaded_error", hasNot: "message_delta", unknown: true}},
		"unknown events":           {broken(agenttest.Fault{Unknown: true}), outcome{status: 200, has: "future_event", paid: true}},
		"no content":               {agenttest.Turn{}, outcome{status: 200, has: "message_stop", paid: true}},
		"max tokens":               {stops("max_tokens"), outcome{status: 200, has: "message_stop", paid: true}},
		"refusal":                  {stops("refusal"), outcome{status: 200, has: "message_stop", paid: true}},
		"pause turn":               {stops("pause_turn"), outcome{status: 200, has: "message_stop", paid: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, dollar, func(int, agenttest.Request) agenttest.Turn { return c.turn })
			got := w.post(messages, ask(messages, "hi"), "Accept-Encoding", "gzip")
			w.check(got, c.want)
			if c.turn.Fault != nil && c.turn.Fault.Status != 0 {
				for name := range c.turn.Fault.Header {
					if got.header.Get(name) != c.turn.Fault.Header.Get(name) {
						t.Errorf("%s did not pass: %v", name, got.header)
					}
				}
			}
		})
	}
}

// Faults that no provider writes on purpose.
func TestOddProviders(t *testing.T) {
	t.Parallel()
	silence := make(chan struct{})
	defer close(silence)
	const stream = "text/event-stream"
	say := func(kind string, parts ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			for _, p := range parts {
				if p == "silence" {
					if err := http.NewResponseController(w).Flush(); err != nil {
						panic(err)
					}
					select {
					case <-silence:
					case <-r.Context().Done():
					}
					return
				}
				if _, err := w.Write([]byte(p)); err != nil {
					panic(http.ErrAbortHandler)
				}
			}
		}
	}
	_, whole := agenttest.Stream(agenttest.Say("hello there"), 0, "m")
	begun, _, _ := strings.Cut(string(whole), "event: message_delta")
	for name, c := range map[string]struct {
		serve http.HandlerFunc
		want  outcome
	}{
		"socket destroyed":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, outcome{status: 502, has: "no answer", unknown: true}},
		"malformed JSON":       {say(stream, begun, "event: content_block_delta\ndata: {\"type\":\n\n"), outcome{status: 200, cut: true, has: "hello"[:2], unknown: true}},
		"empty body":           {say("application/json"), outcome{status: 200, unknown: true}},
		"a page":               {say("text/html", "<html>"), outcome{status: 200, has: "<html>", unknown: true}},
		"no headers":           {say(stream, "silence"), outcome{status: 200, cut: true, unknown: true}},
		"silence mid-stream":   {say(stream, begun, "silence"), outcome{status: 200, cut: true, has: "he", unknown: true}},
		"never a word":         {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, outcome{status: 504, has: "silent", unknown: true}},
		"silence after an end": {say(stream, string(whole), "silence"), outcome{status: 200, has: "message_stop", paid: true}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				buf := make([]byte, 4<<10)
				for _, err := r.Body.Read(buf); err == nil; {
					_, err = r.Body.Read(buf)
				}
				c.serve(w, r)
			}))
			t.Cleanup(srv.Close)
			w := beginAt(t, dollar, srv.URL, func(g *gateway.Config) {
				g.Anthropic.Base = endpoint.Patience{Base: g.Anthropic.Base, Silence: 300 * time.Millisecond}
			})
			w.check(w.post(messages, ask(messages, "hi")), c.want)
		})
	}
	t.Run("refused", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		url := "http://" + l.Addr().String()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		w := beginAt(t, dollar, url)
		w.check(w.post(messages, ask(messages, "hi")), outcome{status: 502, has: `"type":"error"`})
		w.check(w.post(completed, ask(completed, "hi")), outcome{status: 502, has: `"code":"bad_gateway"`})
	})
}

// check holds what an asker got, and what is booked, against what is wanted.
func (w *world) check(got answer, want outcome) {
	w.t.Helper()
	if got.status != want.status || (got.err != nil) != want.cut || !strings.Contains(got.body, want.has) || want.hasNot != "" && strings.Contains(got.body, want.hasNot) {
		w.t.Errorf("got %+v, want %+v", got, want)
	}
	if a := w.account(); a.Held != 0 || (a.Unknown != 0) != want.unknown || (a.Answered != 0) != want.paid || (a.Spent != 0) != want.paid {
		w.t.Errorf("booked %+v, want %+v", a, want)
	}
	if w.ticket.Err() != nil || w.ticket.Stopped() != nil {
		w.t.Errorf("err %v, stopped by %v", w.ticket.Err(), w.ticket.Stopped())
	}
}

// What cannot be metered goes nowhere, and says why in the shape of its API.
func TestUnmetered(t *testing.T) {
	t.Parallel()
	w := begin(t, dollar, says("hello"))
	with := func(path, more string) string {
		return strings.Replace(ask(path, "hi"), `{"model"`, `{`+more+`,"model"`, 1)
	}
	for _, c := range []struct {
		path, body, says string
		status           int
		header           []string
	}{
		{messages, "", "JSON", 400, nil},
		{messages, "[]", "JSON", 400, nil},
		{messages, strings.Replace(ask(messages, "hi"), `"m"`, `"claude-x"`, 1), "no price is known for model", 400, nil},
		{completed, strings.Replace(ask(completed, "hi"), `"m"`, `"gpt-x"`, 1), "no price is known for model", 400, nil},
		{messages, with(messages, `"speed":"fast"`), "no price is known for speed", 400, nil},
		{messages, with(messages, `"mcp_servers":[{}]`), "cannot be bounded", 400, nil},
		{completed, with(completed, `"n":5`), "n is not 1", 400, nil},
		{responses, with(responses, `"tools":[{"type":"web_search"}]`), "web_search", 400, nil},
		{responses, with(responses, `"tools":[{"type":"namespace","name":"n","tools":[{"type":"web_search"}]}]`), "web_search", 400, nil},
		{messages, ask(messages, "hi"), "packed", 415, []string{"Content-Encoding", "zstd"}},
	} {
		got := w.post(c.path, c.body, c.header...)
		if got.status != c.status || got.header.Get("X-Should-Retry") != "false" || !strings.Contains(got.body, c.says) || strings.Contains(got.body, `"type":"error"`) != (c.path == messages) {
			t.Errorf("%s %s: got %+v", c.path, c.body, got)
		}
	}
	if len(w.provider.Requests()) != 0 || w.account().Calls != 0 || w.ticket.Stopped() != nil || w.ticket.Counts().Unmetered != 9 {
		t.Errorf("%d sent, %+v", len(w.provider.Requests()), w.ticket.Counts())
	}
}

// Tools that go by a name together are tools, as codex has them.
func TestToolsOfANamespace(t *testing.T) {
	t.Parallel()
	w := begin(t, dollar, says("hello"))
	with := strings.Replace(ask(responses, "hi"), `{"model"`, `{"tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"f"}]}],"model"`, 1)
	if got := w.post(responses, with); got.status != http.StatusOK || w.account().Answered != 1 {
		t.Errorf("got %+v", got)
	}
}

// A body above what the meter takes is refused before it is held in memory.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	w := begin(t, dollar, says("hello"))
	got := w.post(messages, strings.Repeat(" ", 64<<20+1))
	if got.err == nil && got.status != http.StatusRequestEntityTooLarge || len(w.provider.Requests()) != 0 {
		t.Errorf("got %+v", got)
	}
}

// Counting and listing are free; where a provider does not count, the gateway guesses.
func TestFree(t *testing.T) {
	t.Parallel()
	var paths []string
	counts := true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.String()+" "+r.Header.Get("X-Api-Key"))
		if strings.HasSuffix(r.URL.Path, "count_tokens") && !counts {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(`{"input_tokens":7}`))
	}))
	t.Cleanup(srv.Close)
	w := beginAt(t, budget.Caps{}, srv.URL)
	question := ask(messages, "hi")
	if got := w.post("/v1/messages/count_tokens?beta=true", question); got.body != `{"input_tokens":7}` {
		t.Errorf("got %+v", got)
	}
	counts = false
	if got := w.post("/v1/messages/count_tokens", question); got.status != 200 || got.body != `{"input_tokens":`+strconv.Itoa((len(question)+3)/4)+`}` {
		t.Errorf("got %+v", got)
	}
	for _, path := range []string{"/v1/models", "/v1/models/m"} {
		if got := do(t.Context(), http.MethodGet, w.ticket.URL+path, ""); got.status != 200 {
			t.Errorf("%s: got %+v", path, got)
		}
	}
	want := "POST /v1/messages/count_tokens?beta=true " + secret + ",POST /v1/messages/count_tokens " + secret + ",GET /v1/models " + secret + ",GET /v1/models/m " + secret
	if got := strings.Join(paths, ","); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if w.account().Calls != 0 {
		t.Error("what is free was booked")
	}
}
