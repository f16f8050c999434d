package anthropic_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// fail asks a provider that answers with one error.
func fail(t testing.TB, f agenttest.Fault) *agent.Failure {
	t.Helper()
	s := agenttest.Serve(t, agenttest.Turn{Text: "half", Fault: &f})
	c := client(t, s.URL, func(c *anthropic.Config) { c.Now = func() time.Time { return noon } })
	_, err := c.Complete(t.Context(), agenttest.Ask())
	var got *agent.Failure
	if !errors.As(err, &got) {
		t.Fatalf("got %v, want a failure", err)
	}
	if len(s.Requests()) != 1 {
		t.Errorf("%d sends", len(s.Requests()))
	}
	return got
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func TestClasses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault agenttest.Fault
		class agent.Class
		after time.Duration
	}{
		{"malformed", agenttest.Fault{Status: 400, Type: "invalid_request_error", Message: "messages: required"}, agent.FixRequest, 0},
		{"prompt too long", agenttest.Fault{Status: 400, Type: "invalid_request_error", Message: "prompt is too long: 210000 tokens > 200000 maximum"}, agent.FixRequest, 0},
		{"no credit", agenttest.Fault{Status: 400, Type: "invalid_request_error", Message: "Your credit balance is too low to access the API."}, agent.PauseBuild, 0},
		{"own limit", agenttest.Fault{Status: 400, Type: "invalid_request_error", Message: "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}, agent.PauseBuild, 156 * time.Hour},
		{"own limit, no time", agenttest.Fault{Status: 400, Type: "invalid_request_error", Message: "You have reached your specified API usage limits."}, agent.PauseBuild, 0},
		{"bad key", agenttest.Fault{Status: 401, Type: "authentication_error"}, agent.PauseBuild, 0},
		{"billing", agenttest.Fault{Status: 402, Type: "billing_error"}, agent.PauseBuild, 0},
		{"permission", agenttest.Fault{Status: 403, Type: "permission_error"}, agent.PauseBuild, 0},
		{"model gone", agenttest.Fault{Status: 404, Type: "not_found_error", Message: "model: x"}, agent.PauseBuild, 0},
		{"timeout", agenttest.Fault{Status: 408, Type: "timeout_error"}, agent.Retry, 0},
		{"conflict", agenttest.Fault{Status: 409, Type: "conflict_error"}, agent.Retry, 0},
		{"too large", agenttest.Fault{Status: 413, Type: "request_too_large"}, agent.FixRequest, 0},
		{"too large, HTML", agenttest.Fault{Status: 413, Body: "<html>"}, agent.FixRequest, 0},
		{"unknown 4xx", agenttest.Fault{Status: 422, Type: "new_error"}, agent.FixRequest, 0},
		{"rate, seconds", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", "17")}, agent.WaitUntil, 17 * time.Second},
		{"rate, fraction", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", "1.5")}, agent.WaitUntil, 1500 * time.Millisecond},
		{"rate, ms first", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", "17", "retry-after-ms", "250")}, agent.WaitUntil, 250 * time.Millisecond},
		{"rate, date", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", noon.Add(90*time.Second).Format(http.TimeFormat))}, agent.WaitUntil, 90 * time.Second},
		{"rate, past date", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", noon.Add(-time.Hour).Format(http.TimeFormat))}, agent.WaitUntil, 0},
		{"rate, endless", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", "1e300")}, agent.WaitUntil, time.Hour},
		{"rate, negative", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", "-5")}, agent.WaitUntil, 0},
		{"rate, nonsense", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", "soon")}, agent.WaitUntil, time.Minute},
		{"rate, NaN", agenttest.Fault{Status: 429, Type: "rate_limit_error", Header: header("retry-after", "NaN")}, agent.WaitUntil, time.Minute},
		{"rate, unsaid", agenttest.Fault{Status: 429, Type: "rate_limit_error"}, agent.WaitUntil, 0},
		{"spend limit", agenttest.Fault{Status: 429, Header: header("content-type", "application/json"), Body: `{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}`}, agent.PauseBuild, 0},
		{"ramp limit", agenttest.Fault{Status: 429, Header: header("content-type", "application/json", "retry-after", "60"), Body: `{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"ramp_limit_exceeded"}}}`}, agent.WaitUntil, time.Minute},
		{"server", agenttest.Fault{Status: 500, Type: "api_error"}, agent.Retry, 0},
		{"bad gateway", agenttest.Fault{Status: 502, Body: "<html>"}, agent.Retry, 0},
		{"unavailable", agenttest.Fault{Status: 503, Body: ""}, agent.Retry, 0},
		{"gateway timeout", agenttest.Fault{Status: 504, Type: "timeout_error"}, agent.Retry, 0},
		{"overloaded", agenttest.Fault{Status: 529, Type: "overloaded_error", Header: header("retry-after", "3")}, agent.Retry, 3 * time.Second},
		{"retry asked for", agenttest.Fault{Status: 400, Type: "invalid_request_error", Header: header("x-should-retry", "true")}, agent.FixRequest, 0},
		{"in stream: overloaded", agenttest.Fault{MidError: "overloaded_error"}, agent.Retry, 0},
		{"in stream: rate", agenttest.Fault{MidError: "rate_limit_error"}, agent.WaitUntil, 0},
		{"in stream: malformed", agenttest.Fault{MidError: "invalid_request_error"}, agent.FixRequest, 0},
		{"in stream: no credit", agenttest.Fault{MidError: "invalid_request_error", Message: "credit balance is too low"}, agent.PauseBuild, 0},
		{"in stream: key", agenttest.Fault{MidError: "authentication_error"}, agent.PauseBuild, 0},
		{"in stream: too large", agenttest.Fault{MidError: "request_too_large"}, agent.FixRequest, 0},
		{"in stream: new", agenttest.Fault{MidError: "surprise_error"}, agent.Retry, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := fail(t, tt.fault)
			if got.Class != tt.class || got.After != tt.after {
				t.Errorf("got %s after %s, want %s after %s (%v)", got.Class, got.After, tt.class, tt.after, got)
			}
			if tt.fault.Status != 0 && got.Status != tt.fault.Status {
				t.Errorf("status %d", got.Status)
			}
			if kind := tt.fault.Type + tt.fault.MidError; kind != "" && got.Type != kind {
				t.Errorf("type %q, want %q", got.Type, kind)
			}
		})
	}
}

// A provider's words reach people: nothing in them moves a cursor, hides text or shows the key.
func TestFailureIsCleaned(t *testing.T) {
	t.Parallel()
	got := fail(t, agenttest.Fault{Status: 400, Type: "bad\x1b[2J", Message: "your key " + secret + "\r\n\x1b]52;c;x\x07 is\u202e wrong\u200b " + strings.Repeat("é", 1000)})
	text := got.Error()
	if strings.Contains(text, "canary") || !strings.Contains(text, "[redacted]") || len(got.Message) > 510 {
		t.Errorf("got %q", text)
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			t.Errorf("holds %U", r)
		}
	}
	if got.RequestID != "req_error" {
		t.Errorf("request id %q", got.RequestID)
	}
	if fail(t, agenttest.Fault{MidError: "api_error"}).RequestID != "req_000" {
		t.Error("the request id of the header is lost")
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"1", "1.5", "-1", "NaN", "Inf", "0x10", "1e999", noon.Format(http.TimeFormat), "", " 7 "} {
		f.Add(v, v)
	}
	f.Fuzz(func(t *testing.T, seconds, ms string) {
		h := header("Retry-After", seconds, "Retry-After-Ms", ms)
		if got := anthropic.RetryAfter(h, noon); got < 0 || got > time.Hour {
			t.Errorf("%q %q: %s", seconds, ms, got)
		}
	})
}
