package endpoint_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
)

// pieces answers after a time with one piece after another, each after a time; a negative number of
// pieces is endless.
type pieces struct {
	head, each time.Duration
	n          int
}

func (p pieces) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := rest(req.Context(), p.head); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &trickle{req.Context(), p}, Request: req}, nil
}

type trickle struct {
	ctx context.Context
	p   pieces
}

func (s *trickle) Read(b []byte) (int, error) {
	if s.p.n == 0 {
		return 0, io.EOF
	}
	if err := rest(s.ctx, s.p.each); err != nil {
		return 0, err
	}
	s.p.n--
	return copy(b, "x"), nil
}

func (s *trickle) Close() error { return nil }

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		server pieces
		slow   time.Duration // the reader
		ends   time.Duration
		says   string // "" for a whole answer
	}{
		"whole":         {pieces{time.Second, time.Second, 5}, 0, 6 * time.Second, ""},
		"slow":          {pieces{9 * time.Minute, 9 * time.Minute, 5}, 0, 54 * time.Minute, ""},
		"slow reader":   {pieces{0, time.Second, 3}, 11 * time.Minute, 33*time.Minute + 3*time.Second, ""},
		"no head":       {pieces{time.Hour, 0, 1}, 0, 10 * time.Minute, "no byte for 10m0s"},
		"falls silent":  {pieces{time.Second, time.Hour, 5}, 0, 10*time.Minute + time.Second, "no byte for 10m0s"},
		"never an end":  {pieces{0, 30 * time.Second, -1}, 0, 2 * time.Hour, "no end of the answer in 2h0m0s"},
		"silent at end": {pieces{0, 12 * time.Minute, 1}, 0, 10 * time.Minute, "no byte"},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://h/", strings.NewReader("q"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := endpoint.Patience{Base: c.server}.RoundTrip(req)
			for buf := make([]byte, 8); err == nil; {
				if _, err = resp.Body.Read(buf); err == nil {
					time.Sleep(c.slow)
				}
			}
			if resp != nil {
				if cerr := resp.Body.Close(); cerr != nil {
					t.Error(cerr)
				}
			}
			if took := time.Since(start); took != c.ends {
				t.Errorf("%s: it took %s, want %s", name, took, c.ends)
			}
			var slow net.Error
			switch {
			case c.says == "" && !errors.Is(err, io.EOF):
				t.Errorf("%s: got %v", name, err)
			case c.says != "" && (!errors.As(err, &slow) || !slow.Timeout() || !strings.Contains(err.Error(), c.says)):
				t.Errorf("%s: got %v, want %q", name, err, c.says)
			}
		})
	}
}

// The end of the caller's own context is that, and no fault of the provider.
func TestPatienceKeepsTheCallersEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://h/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_, err = endpoint.Patience{Base: pieces{time.Minute, 0, 1}}.RoundTrip(req)
		var gave *endpoint.GaveUp
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &gave) {
			t.Errorf("got %v", err)
		}
	})
}
