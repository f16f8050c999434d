package meter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-c331f47d/builder/internal/budget"
)

const whole = `{"id":"msg_1","type":"message","role":"assistant","model":"m-1","content":[{"type":"tool_use","id":"x","name":"run","input":{}}],"stop_reason":"tool_use",` +
	`"usage":{"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":42,"server_tool_use":null}}`

func TestWholeAnswer(t *testing.T) {
	t.Parallel()
	each(t, "", wholeAnswer)
}

func wholeAnswer(t *testing.T, sm sample) {
	whole := sm.whole
	for i := 1; i <= len(whole); i++ { // nothing at all is none of an answer: see below
		w := newWorld(budget.Caps{USD: budget.Dollar})
		resp, err := w.door(answering(200, "application/json", strings.NewReader(whole[:i]))).RoundTrip(sm.request(t.Context(), "http://host"))
		s := w.only(t)
		if i < len(whole) {
			if !errors.Is(err, ErrIncomplete) || s.Fate != budget.Unknown {
				t.Fatalf("cut at %d: %v, %+v", i, err, s)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || string(got) != whole || resp.ContentLength != int64(len(whole)) {
			t.Errorf("%q, %v", got, err)
		}
		if s.Fate != budget.Answered || s.Cost != sm.cost() || s.Usage != sm.usage || s.Stop != sm.stop || string(w.blobs[s.Answer]) != whole {
			t.Errorf("%+v", s)
		}
	}
}

// What is none of an answer is handed on, booked as unknown: it says why there is no answer.
func TestPagesAndErrorsInsteadOfAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ kind, body string }{
		"an error with 200": {"application/json", `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`},
		"a portal":          {"text/html", "<html>sign in</html>"},
		"nothing":           {"application/json", ""},
	} {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		resp, err := w.door(answering(200, tc.kind, strings.NewReader(tc.body))).RoundTrip(request(t.Context(), "http://host", ask))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := io.ReadAll(resp.Body)
		if s := w.only(t); s.Fate != budget.Unknown || err != nil || string(got) != tc.body || resp.StatusCode != 200 {
			t.Errorf("%s: %q, %v, booked as %+v", name, got, err, s)
		}
	}
}

func TestWholeAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	boom := errors.New("disk is gone")
	tests := map[string]struct {
		kind, body string
		set        func(*world)
	}{
		"no usage":       {"application/json", `{"type":"message","stop_reason":"end_turn"}`, nil},
		"no stop reason": {"application/json", strings.Replace(whole, `"stop_reason":"tool_use"`, `"stop_reason":null`, 1), nil},
		"cut":            {"application/json", whole[:len(whole)/2], nil},
		"no type":        {"", strings.Replace(whole, `"type":"message"`, `"type":"completion"`, 1), nil},
		"not settled":    {"application/json", whole, func(w *world) { w.onSettle = func(budget.Settlement) error { return boom } }},
		"not kept":       {"application/json", whole, func(w *world) { w.failKeep = boom }},
		"not spooled":    {"application/json", whole, func(w *world) { w.failWrite = boom }},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(budget.Caps{USD: budget.Dollar})
			if tc.set != nil {
				tc.set(w)
			}
			resp, err := w.door(answering(200, tc.kind, strings.NewReader(tc.body))).RoundTrip(request(t.Context(), "http://host", ask))
			if err == nil || resp != nil {
				t.Fatalf("released: %v", err)
			}
			switch {
			case w.failKeep != nil:
				w.waits(t, err)
			case w.onSettle == nil:
				if s := w.only(t); s.Fate != budget.Unknown {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

func TestErrorStatuses(t *testing.T) {
	t.Parallel()
	shaped := func(kind string) string {
		return fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":"no: sk-test-0123456789\u001b[31m"},"request_id":"req_1"}`, kind)
	}
	tests := []struct {
		status int
		body   string
		fate   budget.Fate
		kind   string
	}{
		{400, shaped("invalid_request_error"), budget.Free, "invalid_request_error"}, {401, shaped("authentication_error"), budget.Free, "authentication_error"},
		{402, shaped("billing_error"), budget.Free, "billing_error"}, {403, "<html>", budget.Free, ""}, {404, shaped("not_found_error"), budget.Free, "not_found_error"},
		{409, shaped("conflict_error"), budget.Free, "conflict_error"}, {413, "<html>too large</html>", budget.Free, ""}, {429, shaped("rate_limit_error"), budget.Free, "rate_limit_error"}, {429, "", budget.Free, ""},
		{500, shaped("api_error"), budget.Free, "api_error"}, {500, "oops", budget.Unknown, ""}, {502, "<html>", budget.Unknown, ""}, {503, "<html>", budget.Free, ""}, {529, shaped("overloaded_error"), budget.Free, "overloaded_error"}, {529, "", budget.Free, ""},
		{504, shaped("timeout_error"), budget.Unknown, "timeout_error"}, {408, "", budget.Unknown, ""}, {524, "<html>", budget.Unknown, ""}, {302, "", budget.Free, ""}, {307, "", budget.Free, ""},
	}
	for _, tc := range tests {
		t.Run(fmt.Sprint(tc.status, tc.kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(budget.Caps{USD: budget.Dollar})
			base := answering(tc.status, "application/json", strings.NewReader(tc.body))
			resp, err := w.door(roundTrip(func(req *http.Request) (*http.Response, error) {
				resp, err := base(req)
				resp.Header.Set("Retry-After", "1.5")
				return resp, err
			})).RoundTrip(request(t.Context(), "http://host", ask))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(resp.Body); err != nil || string(got) != tc.body || resp.StatusCode != tc.status {
				t.Errorf("%d %q, %v", resp.StatusCode, got, err)
			}
			s := w.only(t)
			if s.Fate != tc.fate || s.Status != tc.status || s.ErrorType != tc.kind || s.RequestID != "req_1" || s.RetryAfterMS != 1500 || string(w.blobs[s.Answer]) != tc.body {
				t.Errorf("%+v", s)
			}
			if strings.ContainsAny(s.Error, "\x1b\n") || strings.Contains(s.Error, "sk-test") {
				t.Errorf("not sanitised: %q", s.Error)
			}
			// The same after a crash, from the spool.
			head := append(failureHead(tc.status, "application/json", "req_1", 1500), tc.body...)
			r := Recover(t.Context(), budget.Hold{Op: s.Op}, head)
			s.Answer, s.Error, r.Error = "", "", ""
			if diff := cmp.Diff(s, r); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		key, value string
		want       time.Duration
	}{
		{"Retry-After", "", 0}, {"Retry-After", "20", 20 * time.Second}, {"Retry-After", "0.25", 250 * time.Millisecond}, {"Retry-After-Ms", "1200.5", 1200500 * time.Microsecond},
		{"Retry-After", "-3", 0}, {"Retry-After", "1e99", time.Hour}, {"Retry-After", "Inf", time.Hour}, {"Retry-After", "NaN", time.Minute}, {"Retry-After", "soon", time.Minute},
		{"Retry-After", "Mon, 23 Nov 2026 12:00:30 GMT", 30 * time.Second}, {"Retry-After", "Mon, 23 Nov 2026 11:00:00 GMT", 0}, {"Retry-After", "Tue, 24 Nov 2026 12:00:00 GMT", time.Hour},
	} {
		if got := retryAfter(http.Header{tc.key: {tc.value}}, now); got != tc.want {
			t.Errorf("%s: %s = %s, want %s", tc.key, tc.value, got, tc.want)
		}
	}
}

func TestSendsThatFail(t *testing.T) {
	t.Parallel()
	t.Run("refused connection", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		l.Close()
		w, base := newWorld(budget.Caps{USD: budget.Dollar}), &http.Transport{}
		if _, err := NewClient(w.door(base)).Do(request(t.Context(), "http://"+addr, ask)); err == nil {
			t.Error("no error")
		}
		if s := w.only(t); s.Fate != budget.Free || s.Status != 0 {
			t.Errorf("%+v", s)
		}
	})
	t.Run("cut after the request", func(t *testing.T) {
		t.Parallel()
		w := newWorld(budget.Caps{USD: budget.Dollar})
		_, err := w.door(roundTrip(func(req *http.Request) (*http.Response, error) {
			io.Copy(io.Discard, req.Body)
			return nil, errors.New("connection reset")
		})).RoundTrip(request(t.Context(), "http://host", ask))
		if s := w.only(t); err == nil || s.Fate != budget.Unknown {
			t.Errorf("%v, %+v", err, s)
		}
	})
	t.Run("given up before a byte, and read later", func(t *testing.T) {
		t.Parallel()
		var late io.Reader
		w := newWorld(budget.Caps{USD: budget.Dollar})
		_, err := w.door(roundTrip(func(req *http.Request) (*http.Response, error) {
			late = req.Body
			return nil, context.Canceled
		})).RoundTrip(request(t.Context(), "http://host", ask))
		if s := w.only(t); !errors.Is(err, context.Canceled) || s.Fate != budget.Free {
			t.Errorf("%v, %+v", err, s)
		}
		if b, err := io.ReadAll(late); len(b) > 0 || err == nil {
			t.Errorf("left after it was booked as free: %q", b)
		}
	})
	t.Run("no spool", func(t *testing.T) {
		t.Parallel()
		w := newWorld(budget.Caps{USD: budget.Dollar})
		w.failSpool = errors.New("no space")
		if got, err := asked(t, w, request(t.Context(), "http://host", ask)); !errors.Is(err, w.failSpool) || got != "" {
			t.Errorf("sent %q, %v", got, err)
		}
		if s := w.only(t); s.Fate != budget.Free {
			t.Errorf("%+v", s)
		}
	})
	t.Run("panic", func(t *testing.T) {
		t.Parallel()
		w := newWorld(budget.Caps{USD: budget.Dollar})
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is gone")
				}
			}()
			w.door(roundTrip(func(*http.Request) (*http.Response, error) { panic("base") })).RoundTrip(request(t.Context(), "http://host", ask))
		}()
		if s := w.only(t); s.Fate != budget.Unknown {
			t.Errorf("%+v", s)
		}
	})
	t.Run("packed answer", func(t *testing.T) {
		t.Parallel()
		w := newWorld(budget.Caps{USD: budget.Dollar})
		_, err := w.door(roundTrip(func(req *http.Request) (*http.Response, error) {
			resp, err := answering(200, sse, strings.NewReader("x"))(req)
			resp.Header.Set("Content-Encoding", "br")
			return resp, err
		})).RoundTrip(request(t.Context(), "http://host", ask))
		if s := w.only(t); !errors.Is(err, ErrIncomplete) || s.Fate != budget.Unknown {
			t.Errorf("%v, %+v", err, s)
		}
	})
}

func TestPanicOfTheReaderSettles(t *testing.T) {
	t.Parallel()
	seen, rest := toolAnswer()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	resp, err := w.door(answering(200, sse, iotest.OneByteReader(strings.NewReader(seen+rest)))).RoundTrip(request(t.Context(), "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		defer resp.Body.Close()
		io.ReadFull(resp.Body, make([]byte, 100))
		panic("reader")
	}()
	if s := w.only(t); s.Fate != budget.Unknown {
		t.Errorf("%+v", s)
	}
}

// The end has come in the bytes that were taken in, though the caller closed before reading on: the
// answer is paid, whole and kept.
func TestCloseAfterTheTerminalFrameHasCome(t *testing.T) {
	t.Parallel()
	seen, rest := toolAnswer()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	resp, err := w.door(answering(200, sse, strings.NewReader(seen+rest))).RoundTrip(request(t.Context(), "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if s := w.only(t); s.Fate != budget.Answered || string(w.blobs[s.Answer]) != seen+rest {
		t.Errorf("%+v", s)
	}
}

// A server that takes the request and closes the connection sees each call once, though the client
// reuses connections and asks for idempotency. Guards GetBody = nil and the removal of the headers.
func TestNothingIsEverSentTwice(t *testing.T) {
	t.Parallel()
	var hits, keys atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		io.Copy(io.Discard, req.Body)
		n := hits.Add(1)
		for key := range req.Header {
			if strings.Contains(strings.ToLower(key), "idempotency") {
				keys.Add(1)
			}
		}
		if n == 1 {
			rw.Header().Set("Content-Type", "application/json")
			io.WriteString(rw, whole)
			return
		}
		conn, _, err := rw.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	defer srv.Close()
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	client := NewClient(w.door(base))
	for step := 1; step <= 3; step++ {
		req := request(budget.WithCall(t.Context(), testCall(step)), srv.URL, ask)
		req = req.WithContext(budget.WithCall(t.Context(), testCall(step)))
		req.Header.Set("Idempotency-Key", "a")
		req.Header["x-idempotency-key"] = []string{"b"}
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		if (err == nil) != (step == 1) {
			t.Errorf("call %d: %v", step, err)
		}
	}
	if hits.Load() != 3 || keys.Load() != 0 {
		t.Errorf("3 calls were seen %d times, with %d keys", hits.Load(), keys.Load())
	}
	for op, list := range w.settled {
		if len(list) != 1 {
			t.Errorf("%s: %+v", op, list)
		}
	}
	if a := w.guard.Account(budget.Build); len(w.guard.Lost) != 2 || a.Spent != billedCost || a.Held != 0 {
		t.Errorf("%+v", a)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		hits.Add(1)
		http.Redirect(rw, req, srv.URL+"/v1/messages", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	resp, err := NewClient(w.door(srv.Client().Transport)).Do(request(t.Context(), srv.URL, ask))
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
	if s := w.only(t); hits.Load() != 1 || s.Fate != budget.Free {
		t.Errorf("%d hits, %+v", hits.Load(), s)
	}
}

// 32 workers, one cap, a provider that bills whatever the bounds allow and cuts one answer in ten:
// what it billed never exceeds the cap, nor what is booked. Guards the reservation: with Intend
// after the send, or settled twice, this fails.
func TestThirtyTwoWorkersUnderOneCap(t *testing.T) {
	t.Parallel()
	for _, limit := range []budget.Micro{0, 1, 30_000, 300_000, 3_000_000} {
		t.Run(limit.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(budget.Caps{USD: limit})
			var billing sync.Mutex
			var truth budget.Micro
			rnd := rand.New(rand.NewPCG(1, uint64(limit)))
			provider := roundTrip(func(req *http.Request) (*http.Response, error) {
				raw, err := io.ReadAll(req.Body)
				if err != nil {
					return nil, err
				}
				q, err := anthropic{}.question(req, raw)
				if err != nil {
					return nil, err
				}
				billing.Lock()
				defer billing.Unlock()
				u := budget.Usage{Input: 1 + rnd.Int64N(int64(len(raw))+4096), Output: rnd.Int64N(q.maxTokens + 1)}
				truth += testPrice.Cost(u)
				sent := sseFrame("message_start", fmt.Sprintf(`"message":{"model":"m","usage":{"input_tokens":%d,"output_tokens":1}}`, u.Input)) + textBlock(0, "a", "b") +
					sseFrame("message_delta", fmt.Sprintf(`"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":%d}`, u.Output)) + sseFrame("message_stop", "")
				if rnd.IntN(10) == 0 {
					sent = sent[:rnd.IntN(len(sent))]
				}
				return answering(200, sse, strings.NewReader(sent))(req)
			})
			door := w.door(provider)
			var wg sync.WaitGroup
			for worker := range 32 {
				wg.Go(func() {
					for step := range 20 {
						call := budget.Call{Op: budget.Op{Build: "b", Task: fmt.Sprintf("t%d", worker), Attempt: 1, Step: step, Send: 1}, MinOutput: 10}
						req := request(t.Context(), "http://host", ask)
						resp, err := door.RoundTrip(req.WithContext(budget.WithCall(t.Context(), call)))
						var refused *budget.Refusal
						if err != nil {
							if !errors.As(err, &refused) {
								t.Error(err)
							}
							continue
						}
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
						w.mu.Lock()
						if a := w.guard.Account(budget.Build); a.Spent+a.Unknown+a.Held > limit {
							t.Errorf("%+v of %d", a, limit)
						}
						w.mu.Unlock()
					}
				})
			}
			wg.Wait()
			a := w.guard.Account(budget.Build)
			if truth > limit || truth > a.Spent+a.Unknown || a.Held != 0 || w.guard.Overrun != nil || len(w.spools) != 0 {
				t.Errorf("billed %d of %d, booked %+v, overrun %v", truth, limit, a, w.guard.Overrun)
			}
			if limit > 100_000 && a.Answered == 0 {
				t.Error("nothing was answered")
			}
		})
	}
}

func BenchmarkIntendAndSettle(b *testing.B) {
	seen, rest := toolAnswer()
	w := newWorld(budget.Caps{NoUSD: true})
	door := w.door(nil)
	b.SetBytes(int64(len(seen + rest)))
	for i := 0; b.Loop(); i++ {
		door.Base = answering(200, sse, strings.NewReader(seen+rest))
		req := request(b.Context(), "http://host", ask)
		resp, err := door.RoundTrip(req.WithContext(budget.WithCall(b.Context(), testCall(i))))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// A panic comes between the spool, which has the answer to its end, and what follows it: the answer is
// paid, whole and kept.
func TestPanicAfterTheEndIsSpooled(t *testing.T) {
	t.Parallel()
	long := func(words int) string {
		return messageStart() + textBlock(0, strings.Repeat("w", words)) + messageEnd("end_turn")
	}
	answer := long(syncEvery - len(long(0))) // its last bytes are those that are synced
	w := newWorld(budget.Caps{USD: budget.Dollar})
	w.panicSync = true
	resp, err := w.door(answering(200, sse, strings.NewReader(answer))).RoundTrip(request(t.Context(), "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		defer resp.Body.Close()
		io.ReadAll(resp.Body)
	}()
	s := w.only(t)
	if s.Fate != budget.Answered || string(w.blobs[s.Answer]) != answer {
		t.Errorf("%+v", s)
	}
}

// The same of an answer that is not streamed.
func TestPanicAfterTheWholeIsSpooled(t *testing.T) {
	t.Parallel()
	answer := `{"type":"message","model":"m","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1},"x":"`
	answer += strings.Repeat("w", syncEvery-len(answer)-2) + `"}`
	w := newWorld(budget.Caps{USD: budget.Dollar})
	w.panicSync = true
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		//nolint:bodyclose // there is none
		w.door(answering(200, "application/json", strings.NewReader(answer))).RoundTrip(request(t.Context(), "http://host", ask))
	}()
	s := w.only(t)
	if s.Fate != budget.Answered || string(w.blobs[s.Answer]) != answer {
		t.Errorf("%+v", s)
	}
}
