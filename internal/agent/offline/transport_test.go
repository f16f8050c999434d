package offline_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/offline"
)

// endless writes until its context ends, and says when it has returned.
func endless(returned chan<- struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(returned)
		for {
			if _, err := io.WriteString(w, "more\n"); err != nil {
				return
			}
		}
	})
}

func request(t *testing.T, ctx context.Context, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://offline/v1/messages", body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// Close ends a handler in the middle of its answer and returns after it.
func TestTransportCloseJoinsTheHandler(t *testing.T) {
	t.Parallel()
	returned := make(chan struct{})
	res, err := offline.NewTransport(endless(returned)).RoundTrip(request(t, t.Context(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-returned:
	default:
		t.Error("Close returned before the handler")
	}
	if err := res.Body.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// A cancelled request reads as the cancel's cause.
func TestTransportCancelReadsAsItsCause(t *testing.T) {
	t.Parallel()
	why := errors.New("the budget said so")
	ctx, cancel := context.WithCancelCause(t.Context())
	returned := make(chan struct{})
	res, err := offline.NewTransport(endless(returned)).RoundTrip(request(t, ctx, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	cancel(why)
	if _, err := io.Copy(io.Discard, res.Body); !errors.Is(err, why) {
		t.Errorf("read %v, want the cause", err)
	}
	<-returned
}

func TestTransportCancelBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	why := errors.New("the budget said so")
	ctx, cancel := context.WithCancelCause(t.Context())
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel(why)
		<-r.Context().Done()
	})
	res, err := offline.NewTransport(h).RoundTrip(request(t, ctx, nil))
	if err == nil {
		res.Body.Close()
	}
	if !errors.Is(err, why) {
		t.Errorf("got %v, want the cause", err)
	}
}

// closing counts the closes of a request's body.
type closing struct {
	io.Reader
	closed chan struct{}
}

func (c closing) Close() error { close(c.closed); return nil }

func TestTransportClosesTheRequestBody(t *testing.T) {
	t.Parallel()
	body := closing{strings.NewReader("x"), make(chan struct{})}
	res, err := offline.NewTransport(http.NotFoundHandler()).RoundTrip(request(t, t.Context(), body))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	select {
	case <-body.closed:
	default:
		t.Error("the request's body is open after the answer was closed")
	}
}

func TestTransportPanicEndsTheAnswerOnly(t *testing.T) {
	t.Parallel()
	for _, p := range []any{"boom", http.ErrAbortHandler} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic(p)
		})
		res, err := offline.NewTransport(h).RoundTrip(request(t, t.Context(), nil))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if string(got) != "half" || err == nil {
			t.Errorf("%v: read %q, %v; want an answer that ends in the middle", p, got, err)
		}
	}
}

// Headers set after the first byte are not sent, and an empty answer is a 200.
func TestTransportHeaders(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("A", r.Host+r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		w.Header().Set("B", "late")
	})
	res, err := offline.NewTransport(h).RoundTrip(request(t, t.Context(), nil))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusTeapot || res.Header.Get("A") != "offline/v1/messages" || res.Header.Get("B") != "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

// Latency and pace are waited, and a cancel ends both at once.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := offline.Handler(offline.Options{Author: small, Latency: time.Second, TokensPerSecond: 100})
		begin := time.Now()
		res, err := offline.NewTransport(h).RoundTrip(wired(t, t.Context(), taskBody(t, 4000, true)))
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin); got != time.Second {
			t.Errorf("headers after %v, want the latency", got)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := time.Since(begin); got < 1400*time.Millisecond || got > 1700*time.Millisecond {
			t.Errorf("answer of about 50 tokens took %v at 100 a second", got-time.Second)
		}
		for _, after := range []time.Duration{time.Second / 2, time.Second + 100*time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			begin := time.Now()
			res, err := offline.NewTransport(h).RoundTrip(wired(t, ctx, taskBody(t, 4000, true)))
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != after {
				t.Errorf("cancelled after %v: ended after %v with %v", after, time.Since(begin), err)
			}
		}
		l := h.Ledger()
		if l.Sent != 2 || l.Answered != 1 || l.Cut != 1 {
			t.Errorf("ledger %+v: want one answered and one cut; the third was cancelled before it began", l)
		}
	})
}

func wired(t *testing.T, ctx context.Context, body string) *http.Request {
	t.Helper()
	req := request(t, ctx, strings.NewReader(body))
	req.Header.Set("Anthropic-Version", "2026-10-21")
	return req
}
