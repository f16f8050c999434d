package agent

import "time"

// Limits are a provider's rate limits as it told them with an answer or a refusal. The zero value
// says nothing.
type Limits struct {
	At       time.Time // when they were told; zero: not at all
	Requests Quota
	Tokens   Quota // of all kinds together
	Input    Quota // tokens
	Output   Quota // tokens
}

// Quota is one limit. It fills up continuously: after Full it is at its limit again.
type Quota struct {
	Limit     int64
	Remaining int64
	Full      time.Duration // 0: not said
}

// Said says whether anything is known of the quota.
func (q Quota) Said() bool { return q.Limit > 0 }

// Spent is how long no request fits into the limits that are used up, 0 when none is.
func (l Limits) Spent() time.Duration {
	var most time.Duration
	for _, q := range []Quota{l.Requests, l.Tokens, l.Input, l.Output} {
		if q.Said() && q.Remaining <= 0 {
			most = max(most, q.Full)
		}
	}
	return most
}
