package anthropic

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// fault is what is known of a send that the provider answered with an error.
type fault struct {
	status  int    // 200 for an error event inside a stream
	kind    string // error.type
	code    string // error.details.error_code
	message string
	header  http.Header
	now     time.Time
}

// classify puts a fault in exactly one class and says how long to wait, 0 for unsaid. The rules are:
//
//   - money, keys, permissions, models that are gone: pause the build;
//   - rate limits: wait until;
//   - too large, malformed: the request must change;
//   - all else, and what is not known: retry.
func (f fault) classify() (agent.Class, time.Duration) {
	after := retryAfter(f.header, f.now)
	if strings.Contains(f.code, "spend_limit") || strings.Contains(f.code, "billing") {
		return agent.PauseBuild, after
	}
	switch status := f.meant(); {
	case status == http.StatusBadRequest:
		return f.badRequest()
	case status == http.StatusUnauthorized, status == http.StatusPaymentRequired, status == http.StatusForbidden,
		status == http.StatusNotFound, status == http.StatusProxyAuthRequired:
		return agent.PauseBuild, after
	case status == http.StatusTooManyRequests:
		return agent.WaitUntil, after
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status >= 500, status < 400:
		return agent.Retry, after
	default: // too large, and whatever else says that the request is wrong
		return agent.FixRequest, 0
	}
}

// meant is the status, or for an error that came inside a stream the one its type stands for.
func (f fault) meant() int {
	if f.status >= 400 {
		return f.status
	}
	switch f.kind {
	case "invalid_request_error":
		return http.StatusBadRequest
	case "authentication_error":
		return http.StatusUnauthorized
	case "billing_error":
		return http.StatusPaymentRequired
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error":
		return http.StatusNotFound
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error":
		return http.StatusTooManyRequests
	case "conflict_error":
		return http.StatusConflict
	default: // overloaded_error, api_error, timeout_error, and types not known yet
		return http.StatusInternalServerError
	}
}

// regained matches "… regain access on 2026-12-01 at 00:00 UTC".
var regained = regexp.MustCompile(`on (\d{4}-\d{2}-\d{2})(?: at (\d{2}:\d{2}))? UTC`)

// badRequest tells apart what the API answers alike: a malformed request, an empty wallet and a
// spend limit.
func (f fault) badRequest() (agent.Class, time.Duration) {
	text := strings.ToLower(f.message)
	switch {
	case strings.Contains(text, "credit balance"):
		return agent.PauseBuild, 0
	case strings.Contains(text, "usage limits"):
		return agent.PauseBuild, f.until()
	}
	return agent.FixRequest, 0
}

// until is the time to the instant that the message states, 0 for none.
func (f fault) until() time.Duration {
	m := regained.FindStringSubmatch(f.message)
	if m == nil {
		return 0
	}
	clock := m[2]
	if clock == "" {
		clock = "00:00"
	}
	at, err := time.Parse("2006-01-02 15:04", m[1]+" "+clock)
	if err != nil {
		return 0
	}
	return max(at.Sub(f.now), 0)
}

const (
	mostWait   = time.Hour
	unreadable = time.Minute // a wait that is stated and cannot be read
)

// retryAfter reads retry-after-ms, or retry-after as seconds, also with fractions, or as an HTTP
// date. It is 0 without either, at most an hour, a minute when it cannot be read.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms := strings.TrimSpace(h.Get("Retry-After-Ms")); ms != "" {
		return wait(ms, time.Millisecond)
	}
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), mostWait)
	}
	return wait(value, time.Second)
}

func wait(number string, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(n) {
		return unreadable
	}
	return time.Duration(min(max(n*float64(unit), 0), float64(mostWait)))
}
