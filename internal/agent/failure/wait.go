package failure

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// mostStated bounds what is believed of a stated wait. What is longer is a mistake, and is ignored.
const mostStated = 400 * 24 * time.Hour

// wait is how long the provider says to wait, 0 when it does not say. The rules are, the first that
// says something counts:
//
//   - retry-after-ms, retry-after;
//   - a delay that the body states;
//   - the limit that is used up, by when it is full again;
//   - "try again in 6m0s" in the words of the refusal.
func (f Fault) wait() time.Duration {
	if d := RetryAfter(f.Header, f.Now); d > 0 {
		return d
	}
	if d, ok := span(f.Delay, time.Second); ok && d > 0 {
		return d
	}
	if d := spent(f.Header, f.Now); d > 0 {
		return d
	}
	return stated(f.Message)
}

// RetryAfter reads retry-after-ms, or retry-after as seconds, also with fractions, as a duration, as
// an instant, or as a date. Dates count from the server's own Date, so that a wrong clock on either
// side does no harm. It is 0 without either, and for what is past, cannot be read, or is absurd.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if d, ok := span(h.Get("Retry-After-Ms"), time.Millisecond); ok && d > 0 {
		return d
	}
	return until(h.Get("Retry-After"), serverTime(h, now))
}

// serverTime is what the server's clock said, or ours when it said nothing.
func serverTime(h http.Header, now time.Time) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		return at
	}
	return now
}

// until is the time from now to what a header states: a span, an instant since 1970 in seconds or
// milliseconds, or a date of HTTP or RFC 3339. It is 0 for what is past or cannot be read.
func until(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil && n >= 1e9 && n < 1e14 {
		if n >= 1e11 {
			n /= 1000
		}
		return believed(time.Unix(int64(n), 0).Sub(now))
	}
	if d, ok := span(value, time.Second); ok {
		return d
	}
	if at, err := http.ParseTime(value); err == nil {
		return believed(at.Sub(now))
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return believed(at.Sub(now))
	}
	return 0
}

// believed is d, or 0 when it is past or absurd.
func believed(d time.Duration) time.Duration {
	if d <= 0 || d > mostStated {
		return 0
	}
	return d
}

var days = regexp.MustCompile(`^(\d{1,3})d(.*)$`)

// span reads a length of time: a number of units, or a duration such as "6m0s", "120ms", "1d2h".
// It says whether value is one; what is negative or absurd is one of length 0.
func span(value string, unit time.Duration) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil || math.IsInf(n, 0) {
		if math.IsNaN(n) || n <= 0 || n*float64(unit) > float64(mostStated) {
			return 0, true
		}
		return time.Duration(math.Ceil(n * float64(unit))), true
	}
	var extra time.Duration
	if m := days.FindStringSubmatch(value); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, false
		}
		extra, value = time.Duration(n)*24*time.Hour, m[2]
		if value == "" {
			return believed(extra), true
		}
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, false
	}
	return believed(extra + d), true
}

var again = regexp.MustCompile(`(?i)(?:try again|retry) (?:in|after) ((?:\d{1,6}(?:\.\d{1,9})?(?:ms|h|m|s))+|\d{1,6}(?:\.\d{1,9})?) ?(seconds?|minutes?|hours?)?`)

// stated reads "Please try again in 6m0s.", "try again in 20 seconds".
func stated(message string) time.Duration {
	m := again.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	unit := time.Second
	switch word := strings.ToLower(m[2]); {
	case strings.HasPrefix(word, "minute"):
		unit = time.Minute
	case strings.HasPrefix(word, "hour"):
		unit = time.Hour
	}
	d, _ := span(m[1], unit)
	return d
}

// access matches "… regain access on 2026-12-01 at 00:00 UTC".
var access = regexp.MustCompile(`on (\d{4}-\d{2}-\d{2})(?: at (\d{2}:\d{2}))? UTC`)

// regained is the time to the instant that the words of a refusal state, 0 for none.
func (f Fault) regained() time.Duration {
	m := access.FindStringSubmatch(f.Message)
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
	return believed(at.Sub(serverTime(f.Header, f.Now)))
}
