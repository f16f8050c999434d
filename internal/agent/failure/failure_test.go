package failure_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
	"github.com/seed-c331f47d/builder/internal/agent/failure/failuretest"
)

// faultOf is a row as an adapter hands it over.
func faultOf(t *testing.T, r failuretest.Row) failure.Fault {
	if err := r.Error(t); err != nil {
		return failure.Fault{At: r.At, Status: r.Status, Err: errors.Join(fmt.Errorf("send x: %w", err)), Now: failuretest.Noon()}
	}
	f := failure.Read(r.Status, r.Head(), []byte(r.Body), failuretest.Noon())
	f.At = r.At
	return f
}

// Every row ends in exactly its class, with its cause and its wait.
func TestRows(t *testing.T) {
	t.Parallel()
	for _, r := range failuretest.Rows(t, "") {
		t.Run(r.Family+"/"+r.Name, func(t *testing.T) {
			t.Parallel()
			got := faultOf(t, r).Failure(nil)
			if got.Class != r.Class || got.Cause != r.Cause || got.After != r.Wait(t) || got.Tries != r.Tries {
				t.Errorf("got %s of %s after %s, %d tries; want %s of %s after %s, %d tries\n%v", got.Class, got.Cause, got.After, got.Tries, r.Class, r.Cause, r.Wait(t), r.Tries, got)
			}
			if got.Message == "" && r.Status >= 400 && http.StatusText(r.Status) != "" {
				t.Error("nothing says what happened")
			}
		})
	}
}

// The classes and causes that the table must have rows for.
func TestRowsCoverAllClasses(t *testing.T) {
	t.Parallel()
	for _, family := range []string{"anthropic", "openai"} {
		seen := map[string]bool{}
		for _, r := range failuretest.Rows(t, family) {
			seen[string(r.Class)], seen[string(r.Cause)], seen["at "+string(r.At)] = true, true, true
		}
		want := []any{
			agent.Retry, agent.WaitUntil, agent.PauseBuild, agent.FixRequest,
			agent.CauseLoad, agent.CauseNetwork, agent.CauseProtocol, agent.CauseRate, agent.CauseMoney, agent.CauseKey, agent.CauseModel, agent.CauseSize, agent.CauseRequest,
			"at before", "at head", "at stream", "at end",
		}
		if family == "openai" {
			want = append(want, agent.FailTask, agent.CausePolicy)
		}
		for _, w := range want {
			if !seen[fmt.Sprint(w)] {
				t.Errorf("%s has no row for %v", family, w)
			}
		}
	}
}

// Network must not take the transport's own refusals for failures of the network.
func TestNetwork(t *testing.T) {
	t.Parallel()
	for _, r := range failuretest.Rows(t, "") {
		err := r.Error(t)
		if err == nil || errors.Is(err, failuretest.ErrProtocol) || errors.Is(err, failuretest.ErrLost) {
			continue
		}
		if !failure.Network(fmt.Errorf("model call: %w", errors.Join(fmt.Errorf("send b/t/1/2.1: %w", err), nil))) { // as the meter hands it on
			t.Errorf("%s: %v is not of the network", r.Name, err)
		}
	}
	for _, err := range []error{nil, errors.New("budget refused"), errors.New("append to journal: disk"), fmt.Errorf("reserve: %w", errors.New("no price"))} {
		if failure.Network(err) {
			t.Errorf("%v is of the network", err)
		}
	}
	inner := errors.New("x")
	if got := failure.Strip(&url.Error{Op: "Post", URL: "https://k:secret@h/", Err: &url.Error{Err: inner}}); !errors.Is(got, inner) || strings.Contains(got.Error(), "secret") {
		t.Errorf("got %v", got)
	}
}

// A provider's words reach people: nothing in them moves a cursor, hides text or shows a secret.
func TestClean(t *testing.T) {
	t.Parallel()
	hide := strings.NewReplacer("sk-canary", "[redacted]")
	f := failure.Read(400, http.Header{"Request-Id": {"req\x1b[2J"}}, []byte(`{"type":"error","error":{"type":"bad\u001b[2J","message":"your key sk-canary\r\n\u001b]52;c;x\u0007 is\u202e wrong\u200b `+strings.Repeat("é", 1000)+`"}}`), failuretest.Noon())
	got := f.Failure(hide)
	text := got.Error() + got.RequestID
	if strings.Contains(text, "canary") || !strings.Contains(text, "[redacted]") || len(got.Message) > 510 {
		t.Errorf("got %q", text)
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			t.Errorf("holds %U", r)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	now := failuretest.Noon()
	head := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i+1 < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	tests := map[string]struct {
		header http.Header
		want   agent.Limits
	}{
		"nothing":  {head("x", "y"), agent.Limits{}},
		"nonsense": {head("x-ratelimit-limit-requests", "many", "x-ratelimit-remaining-requests", "-1"), agent.Limits{}},
		"anthropic": {head(
			"anthropic-ratelimit-requests-limit", "50", "anthropic-ratelimit-requests-remaining", "49", "anthropic-ratelimit-requests-reset", "2026-11-24T12:00:01Z",
			"anthropic-ratelimit-input-tokens-limit", "50000", "anthropic-ratelimit-input-tokens-remaining", "40000", "anthropic-ratelimit-input-tokens-reset", "2026-11-24T12:00:12Z",
			"anthropic-ratelimit-output-tokens-limit", "8000", "anthropic-ratelimit-output-tokens-remaining", "8000", "anthropic-ratelimit-output-tokens-reset", "2026-11-24T12:00:00Z"),
			agent.Limits{At: now, Requests: agent.Quota{Limit: 50, Remaining: 49, Full: time.Second}, Input: agent.Quota{Limit: 50000, Remaining: 40000, Full: 12 * time.Second}, Output: agent.Quota{Limit: 8000, Remaining: 8000}}},
		"openai": {head("x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "59", "x-ratelimit-reset-requests", "1s", "x-ratelimit-limit-tokens", "150000", "x-ratelimit-remaining-tokens", "149984", "x-ratelimit-reset-tokens", "6m0s"),
			agent.Limits{At: now, Requests: agent.Quota{Limit: 60, Remaining: 59, Full: time.Second}, Tokens: agent.Quota{Limit: 150000, Remaining: 149984, Full: 6 * time.Minute}}},
		"by the minute": {head("x-ratelimit-limit-tokens-minute", "1000", "x-ratelimit-remaining-tokens-minute", "10", "x-ratelimit-reset-tokens-minute", "11.38"),
			agent.Limits{At: now, Tokens: agent.Quota{Limit: 1000, Remaining: 10, Full: 11380 * time.Millisecond}}},
		"requests only": {head("ratelimit-limit", "100, 100;w=60", "ratelimit-remaining", "0", "ratelimit-reset", "30"),
			agent.Limits{At: now, Requests: agent.Quota{Limit: 100, Full: 30 * time.Second}}},
		"more than all": {head("x-ratelimit-limit", "10", "x-ratelimit-remaining", "99"), agent.Limits{At: now, Requests: agent.Quota{Limit: 10, Remaining: 10}}},
	}
	for name, tt := range tests {
		if got := failure.Limits(tt.header, now); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"1", "1.5", "-1", "NaN", "Inf", "0x10", "1e999", "6m0s", "2d3h", "1795521642", "2026-11-24T12:00:40Z", failuretest.Noon().Format(http.TimeFormat), "", " 7 "} {
		f.Add(v, v, v)
	}
	f.Fuzz(func(t *testing.T, seconds, ms, date string) {
		h := http.Header{}
		h.Set("Retry-After", seconds)
		h.Set("Retry-After-Ms", ms)
		h.Set("Date", date)
		if got := failure.RetryAfter(h, failuretest.Noon()); got < 0 || got > 401*24*time.Hour {
			t.Errorf("%q %q %q: %s", seconds, ms, date, got)
		}
	})
}

// Whatever a server sends, it is in exactly one class.
func FuzzRead(f *testing.F) {
	for _, r := range failuretest.Rows(f, "") {
		f.Add(r.Status, r.Body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		got := failure.Read(status, http.Header{}, []byte(body), failuretest.Noon()).Failure(nil)
		switch got.Class {
		case agent.Retry, agent.WaitUntil, agent.PauseBuild, agent.FixRequest, agent.FailTask:
		default:
			t.Errorf("%d %q: class %q", status, body, got.Class)
		}
		if got.Cause == "" || got.After < 0 || len(got.Message) > 510 {
			t.Errorf("%d %q: got %+v", status, body, got)
		}
	})
}
