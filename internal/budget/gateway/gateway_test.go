package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/gateway"
	"github.com/seed-c331f47d/builder/internal/phases"
)

var dollar = budget.Caps{USD: budget.Dollar}

// An answer passes as it is in every API, streamed and whole; it is recorded, and the real key takes
// the place of the asker's.
func TestPasses(t *testing.T) {
	t.Parallel()
	for _, path := range []string{messages, completed, responses} {
		for _, version := range []string{"2023-06-01", "2026-10-21"} {
			for _, stream := range []string{"true", "false"} {
				t.Run(path[4:]+version+stream, func(t *testing.T) {
					t.Parallel()
					w := begin(t, dollar, says("hello there"))
					question := strings.Replace(ask(path, "hi"), `"stream":true`, `"stream":`+stream, 1)
					got := w.post(path+"?beta=true", question, "Authorization", "Bearer dummy", "Anthropic-Version", version, "Connection", "close, X-Mine", "X-Mine", "1", "X-Stainless-Lang", "js")
					if got.err != nil || got.status != http.StatusOK || !strings.Contains(got.body, "hello") {
						t.Fatalf("got %+v", got)
					}
					sent := w.provider.Requests()
					if len(sent) != 1 {
						t.Fatalf("%d requests", len(sent))
					}
					h := sent[0].Header
					if h.Get("Authorization") != "Bearer "+secret || path == messages && h.Get("X-Api-Key") != secret || strings.Contains(strings.Join(h.Values("X-Api-Key"), ""), "dummy") {
						t.Errorf("credentials: %v", h)
					}
					if h.Get("X-Mine") != "" || h.Get("X-Stainless-Lang") != "js" || h.Get("Anthropic-Version") != version || h.Get("Accept-Encoding") != "identity" {
						t.Errorf("fields: %v", h)
					}
					a := w.account()
					if a.Calls != 1 || a.Answered != 1 || a.Held != 0 || a.Unknown != 0 || a.Spent != price.Cost(budget.Usage{Input: 100, Output: 10}) {
						t.Errorf("booked %+v", a)
					}
					w.state(func(s *phases.State) {
						o, ok := s.Find(budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1000, Send: 1})
						if !ok || !o.Delivered || o.Answer == "" {
							t.Errorf("recorded %+v", o)
						}
					})
				})
			}
		}
	}
}

// Without a key of ours the asker's own credentials pass: subscriptions.
func TestOwnCredentialsPass(t *testing.T) {
	t.Parallel()
	w := begin(t, dollar, says("hello"))
	w.end()
	w.set.Anthropic.Key = nil
	w.open()
	w.serve()
	got := w.post(messages, ask(messages, "hi"), "Authorization", "Bearer oauth-token", "X-Api-Key", "")
	if got.status != http.StatusOK || w.provider.Requests()[0].Header.Get("Authorization") != "Bearer oauth-token" {
		t.Errorf("got %+v", got)
	}
}

// Nothing passes without the token of an open ticket.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := begin(t, dollar, says("hello"))
	other, err := w.gw.Open(t.Context(), w.task)
	if err != nil {
		t.Fatal(err)
	}
	root := w.ticket.URL[:strings.Index(w.ticket.URL, "/t/")]
	inPath := strings.TrimPrefix(w.ticket.URL, root+"/t/")
	if other.URL == w.ticket.URL || len(inPath) < 22 {
		t.Errorf("tokens: %s, %s", w.ticket.URL, other.URL)
	}
	for _, c := range []struct {
		method, url string
		status      int
	}{
		{http.MethodHead, root + "/", 200},
		{http.MethodGet, root + "/", 200},
		{http.MethodHead, w.ticket.URL, 200},
		{http.MethodGet, w.ticket.URL + "/", 200},
		{http.MethodHead, w.ticket.URL + "x", 403},
		{http.MethodPost, root + messages, 403},
		{http.MethodPost, root + "/t/" + messages, 403},
		{http.MethodPost, w.ticket.URL[:len(w.ticket.URL)-1] + messages, 403},
		{http.MethodPost, w.ticket.URL + "x" + messages, 403},
		{http.MethodPost, w.ticket.URL + "%2F.." + messages, 403},
		{http.MethodPost, w.ticket.URL + "/v1/messages/batches", 404},
		{http.MethodPost, w.ticket.URL + "/v1/complete", 404},
		{http.MethodGet, w.ticket.URL + messages, 404},
		{http.MethodPost, w.ticket.URL + "/v1//messages", 404},
		{http.MethodPost, w.ticket.URL + "/v1/embeddings", 404},
		{http.MethodPost, w.ticket.URL + messages, 200},
		{http.MethodPost, w.ticket.URL + "/messages", 200},
	} {
		got := do(t.Context(), c.method, c.url, ask(messages, "hi"))
		if got.err != nil || got.status != c.status {
			t.Errorf("%s %s: got %+v, want %d", c.method, c.url, got, c.status)
		}
		if got.status >= 400 && c.method != http.MethodHead && (!strings.Contains(got.body, `"type":"error"`) || got.header.Get("X-Should-Retry") != "false") {
			t.Errorf("%s %s: got %+v", c.method, c.url, got)
		}
	}
	bare, token := w.ticket.Bare()
	for header, status := range map[string]int{token: 200, token + "x": 403, "": 403} {
		if got := post(t.Context(), bare+messages, ask(messages, "hi"), gateway.TokenHeader, header); got.status != status || strings.Contains(bare, token) {
			t.Errorf("token in a field: got %+v, want %d", got, status)
		}
	}
	for _, r := range w.provider.Requests() {
		if r.Header.Get(gateway.TokenHeader) != "" {
			t.Error("a token went out")
		}
	}
	w.ticket.Close(t.Context())
	if got := w.post(messages, ask(messages, "hi")); got.status != http.StatusForbidden {
		t.Errorf("after the end: %+v", got)
	}
	if n := len(w.provider.Requests()); n != 3 {
		t.Errorf("%d requests were sent", n)
	}
}

// Law L3: a call that does not fit ends in an error that no asker tries again, in its own API; nothing
// is sent. One that fits with less output goes out with less.
func TestCap(t *testing.T) {
	t.Parallel()
	for _, path := range []string{messages, completed, responses} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := begin(t, budget.Caps{USD: 26_000}, func(n int, req agenttest.Request) agenttest.Turn {
				turn := agenttest.Say("hello")
				if n > 0 {
					turn.Usage = agent.Usage{Input: 100, Output: req.Wire.MaxTokens}
				}
				return turn
			})
			if got := w.post(path, ask(path, "hi")); got.status != http.StatusOK {
				t.Fatalf("got %+v", got)
			}
			if m := w.provider.Requests()[0].Wire.MaxTokens; m >= 2000 || m < 1024 {
				t.Errorf("it went out with %d output tokens", m)
			}
			for range 4 {
				w.post(path, ask(path, strings.Repeat("more ", 600)))
			}
			sent := len(w.provider.Requests())
			got := w.post(path, ask(path, strings.Repeat("more ", 600)))
			if got.status != http.StatusBadRequest || got.header.Get("X-Should-Retry") != "false" || !strings.Contains(got.body, "cap of build reached") {
				t.Errorf("got %+v", got)
			}
			if strings.Contains(got.body, `"type":"error"`) != (path == messages) || len(w.provider.Requests()) != sent {
				t.Errorf("%d sent, got %s", len(w.provider.Requests())-sent, got.body)
			}
			if no := w.ticket.Stopped(); no == nil || no.Scope != budget.Build {
				t.Errorf("stopped by %+v", no)
			}
		})
	}
}

// Laws L1, L3: eight askers at once under one cap. What the provider billed is never above it.
func TestEightAskers(t *testing.T) {
	t.Parallel()
	for _, cap := range []budget.Micro{1_000, 50_000, 200_000, 1_000_000} {
		w := begin(t, budget.Caps{USD: cap}, func(_ int, req agenttest.Request) agenttest.Turn {
			turn := agenttest.Use(agenttest.Run("true"))
			turn.Usage = agent.Usage{Input: int64(len(req.Body)) / 3, Output: req.Wire.MaxTokens} // all that may be
			return turn
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 40 {
					if got := w.post(messages, ask(messages, "hi")); got.status != http.StatusOK {
						if got.status != http.StatusBadRequest {
							t.Errorf("got %+v", got)
						}
						return
					}
				}
			})
		}
		wg.Wait()
		var billed budget.Micro
		for _, r := range w.provider.Requests() {
			billed += price.Cost(budget.Usage{Input: int64(len(r.Body)) / 3, Output: r.Wire.MaxTokens})
		}
		a := w.account()
		if billed > cap || billed != a.Spent || a.Unknown != 0 || a.Held != 0 || cap > 50_000 && billed < cap*8/10 {
			t.Errorf("cap %s: billed %s, booked %+v", cap, billed, a)
		}
		if w.ticket.Stopped() == nil {
			t.Errorf("cap %s: nothing stopped it", cap)
		}
	}
}

// Law L3: a call that does not fit only for what another holds waits for it; its own asker may go away.
func TestWaitsForOthers(t *testing.T) {
	t.Parallel()
	open, arrived := make(chan struct{}), make(chan struct{}, 9)
	w := begin(t, budget.Caps{USD: 30_000}, func(n int, _ agenttest.Request) agenttest.Turn {
		turn := agenttest.Say("hello there")
		if n == 0 {
			turn.Fault = &agenttest.Fault{Pause: open}
		}
		arrived <- struct{}{}
		return turn
	})
	got := make(chan answer, 2)
	go func() { got <- w.post(messages, ask(messages, "first")) }()
	within(t, "request", arrived)
	entered := make(chan struct{}, 9)
	w.task.Enter = func(context.Context, string) (func(), error) {
		entered <- struct{}{}
		return func() {}, nil
	}
	other, err := w.gw.Open(t.Context(), gateway.Task{Op: budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 2000}, Phase: "p", Enter: w.task.Enter})
	if err != nil {
		t.Fatal(err)
	}
	go func() { got <- post(t.Context(), other.URL+messages, ask(messages, "second")) }()
	within(t, "second call", entered)
	if len(got) != 0 || len(w.provider.Requests()) != 1 {
		t.Errorf("it did not wait: %d requests", len(w.provider.Requests()))
	}
	close(open)
	for range 2 {
		if a := within(t, "answer", got); a.status != http.StatusOK {
			t.Errorf("got %+v", a)
		}
	}
	for _, r := range w.provider.Requests() {
		if r.Wire.MaxTokens != 2000 {
			t.Errorf("cut short to %d", r.Wire.MaxTokens)
		}
	}
}

// A request that finds its ticket while the ticket is being closed is refused.
func TestClosed(t *testing.T) {
	t.Parallel()
	open, arrived := make(chan struct{}), make(chan struct{}, 9)
	w := begin(t, dollar, func(int, agenttest.Request) agenttest.Turn {
		arrived <- struct{}{}
		turn := agenttest.Say("hello there")
		turn.Fault = &agenttest.Fault{Pause: open}
		return turn
	})
	first, closed := make(chan answer, 1), make(chan struct{})
	go func() { first <- w.post(messages, ask(messages, "hi")) }()
	within(t, "request", arrived)
	go func() {
		defer close(closed)
		w.ticket.Close(t.Context())
	}()
	refused := false
	for tries := 0; tries < 3000 && !refused; tries++ { // until it is being closed
		refused = w.post("", "").status == http.StatusForbidden
	}
	if !refused {
		t.Error("a ticket that is being closed lets requests in")
	}
	close(open)
	within(t, "end", closed)
	if a := within(t, "answer", first); a.status != http.StatusOK || a.err != nil {
		t.Errorf("what was under way: %+v", a)
	}
}
