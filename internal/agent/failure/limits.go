package failure

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Limits reads the rate limits that the headers of an answer tell, in the names of Anthropic
// (anthropic-ratelimit-requests-remaining, resets as RFC 3339), of OpenAI and its imitators
// (x-ratelimit-remaining-requests, resets as "6m0s"; also with -minute at the end), and of those
// that tell of requests only (x-ratelimit-remaining, ratelimit-remaining). The zero value when they
// tell nothing.
func Limits(h http.Header, now time.Time) agent.Limits {
	if len(h) == 0 {
		return agent.Limits{}
	}
	l := agent.Limits{
		At: now, Requests: quota(h, now, "requests"), Tokens: quota(h, now, "tokens"),
		Input: quota(h, now, "input-tokens"), Output: quota(h, now, "output-tokens"),
	}
	if !l.Requests.Said() && !l.Tokens.Said() && !l.Input.Said() && !l.Output.Said() {
		return agent.Limits{}
	}
	return l
}

// quota reads one limit under the names it may have.
func quota(h http.Header, now time.Time, what string) agent.Quota {
	names := []func(field string) string{
		func(field string) string { return "anthropic-ratelimit-" + what + "-" + field },
		func(field string) string { return "x-ratelimit-" + field + "-" + what },
		func(field string) string { return "x-ratelimit-" + field + "-" + what + "-minute" },
	}
	if what == "requests" {
		names = append(names,
			func(field string) string { return "x-ratelimit-" + field },
			func(field string) string { return "ratelimit-" + field })
	}
	for _, name := range names {
		limit, ok := count(h.Get(name("limit")))
		remaining, known := count(h.Get(name("remaining")))
		if !ok || !known || limit < 1 {
			continue
		}
		return agent.Quota{Limit: limit, Remaining: min(remaining, limit), Full: until(h.Get(name("reset")), serverTime(h, now))}
	}
	return agent.Quota{}
}

// count reads a number of requests or tokens.
func count(value string) (int64, bool) {
	value, _, _ = strings.Cut(strings.TrimSpace(value), ",") // "100, 100;w=60"
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n >= 0 && n < 1e15) {
		return 0, false
	}
	return int64(n), true
}

// spent is how long a limit that is used up stays so: of the limits with nothing remaining the
// longest, or of a subscription's window that turned the request away.
func spent(h http.Header, now time.Time) time.Duration {
	if len(h) == 0 {
		return 0
	}
	if h.Get("Anthropic-Ratelimit-Unified-Status") == "rejected" {
		if d := until(h.Get("Anthropic-Ratelimit-Unified-Reset"), serverTime(h, now)); d > 0 {
			return d
		}
	}
	return Limits(h, now).Spent()
}
