package meter

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// settlement books an answer against its hold: exactly, when it is complete and counted; else as
// unknown. An overrun shows also in what an incomplete answer has counted so far, and in rates that
// the price does not have: both mean that the hold bounded nothing.
func settlement(h budget.Hold, out outcome) budget.Settlement {
	s := budget.Settlement{Op: h.Op, Fate: budget.Unknown, Model: clean(out.model), ErrorType: clean(out.kind), Error: clean(out.problem)}
	cost := h.Price.Cost(out.usage)
	s.Overrun = cost > h.Money || out.usage.Tokens() > h.Tokens || out.unpriced
	if h.Price.Model != "" && out.reported > h.Money+1 { // one for its rounding
		s.Overrun = true
	}
	switch {
	case out.complete && out.unpriced:
		s.Error = "it was billed at rates that have no price"
	case out.complete:
		s.Fate, s.Stop, s.Uncounted, s.Reported = budget.Answered, clean(out.stop), out.uncounted, out.reported
		if !out.uncounted {
			s.Usage, s.Cost = out.usage, cost
		}
	case out.untaken:
		s.Fate = budget.Free
	}
	return s
}

// failureFate decides whether an error status may have been billed. A provider bills nothing for an
// error that comes before any output; but a gateway on the way may have given up on an answer that
// was being made.
//
// The rules are:
//   - timeouts (408, 499, 504, 52x) may have been billed, whoever reports them;
//   - 503 and 529 say that the work was not taken up;
//   - other 5xx were not billed when the provider itself wrote the answer, else may have been;
//   - everything else, redirects included, was not billed.
func failureFate(status int, shaped bool) budget.Fate {
	switch {
	case status == http.StatusRequestTimeout, status == 499, status == http.StatusGatewayTimeout, status >= 520 && status <= 527:
		return budget.Unknown
	case status == http.StatusServiceUnavailable, status == 529:
		return budget.Free
	case status >= 500 && !shaped:
		return budget.Unknown
	}
	return budget.Free
}

// clean makes foreign text fit for a record: one line, no control characters, at most 400 bytes,
// none of the secrets.
func clean(s string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= 8 {
			s = strings.ReplaceAll(s, secret, "[redacted]")
		}
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "..."
	}
	return s
}

// secrets are the values of headers that must not show up in records.
func secrets(h http.Header) []string {
	var found []string
	for _, key := range []string{"X-Api-Key", "Authorization", "Proxy-Authorization", "Api-Key", "X-Goog-Api-Key"} {
		for _, v := range h.Values(key) {
			found = append(found, v, strings.TrimPrefix(v, "Bearer "))
		}
	}
	return found
}
