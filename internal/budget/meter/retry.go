package meter

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter reads when a provider wants to be asked again: retry-after-ms, or retry-after as
// seconds, also fractions, or as a date. It is 0 without either, at most an hour, and a minute when
// it cannot be read.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms := strings.TrimSpace(h.Get("Retry-After-Ms")); ms != "" {
		return clamp(ms, time.Millisecond)
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(now), 0), time.Hour)
	}
	return clamp(v, time.Second)
}

func clamp(number string, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || n != n:
		return time.Minute
	case n <= 0:
		return 0
	case n*float64(unit) >= float64(time.Hour):
		return time.Hour
	}
	return time.Duration(n * float64(unit))
}
