package pace

import (
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// limits are a provider's limits as buckets, and what a send takes out of them by experience. A
// guess that is wrong does little harm: every answer tells the true level.
type limits struct {
	at      time.Time // of what was heard last
	buckets [kinds]bucket
	need    [kinds]float64
	taken   []taken // since then
}

// The kinds of limits.
const (
	requests = iota
	tokens
	input
	output
	kinds
)

// taken is what was counted for a send.
type taken struct {
	at   time.Time
	need [kinds]float64
}

// mostTaken bounds what is remembered of sends that no limits were heard after.
const mostTaken = 1024

// lack is how long the next send must wait.
func (l *limits) lack(now time.Time) time.Duration {
	var most time.Duration
	for k := range l.buckets {
		most = max(most, l.buckets[k].lack(l.want(k), now))
	}
	return most
}

func (l *limits) want(kind int) float64 {
	if kind == requests {
		return 1
	}
	return l.need[kind]
}

// take counts a send.
func (l *limits) take(now time.Time) {
	t := taken{at: now}
	for k := range l.buckets {
		t.need[k] = l.want(k)
		l.buckets[k].take(t.need[k], now)
	}
	if l.taken = append(l.taken, t); len(l.taken) > mostTaken {
		l.taken = l.taken[1:]
	}
}

// hear takes over what the provider said, less what was sent since. What is older than what was
// heard before says nothing.
func (l *limits) hear(said agent.Limits) {
	if said.At.IsZero() || said.At.Before(l.at) {
		return
	}
	l.at = said.At
	var rest []taken
	var since [kinds]float64
	for _, t := range l.taken {
		if !t.at.After(said.At) {
			continue
		}
		rest = append(rest, t)
		for k := range since {
			since[k] += t.need[k]
		}
	}
	l.taken = rest
	for k, q := range [kinds]agent.Quota{requests: said.Requests, tokens: said.Tokens, input: said.Input, output: said.Output} {
		if q.Said() {
			l.buckets[k] = fill(q, said.At, since[k])
		}
	}
}

// learn moves the expected need towards what an answer used. Tokens that a cache served do not count
// as input: providers with a limit of their own for input leave them out.
func (l *limits) learn(u agent.Usage) {
	fresh := u.Input + u.CacheWrite5m + u.CacheWrite1h
	for k, n := range [kinds]int64{tokens: fresh + u.CacheRead + u.Output, input: fresh, output: u.Output} {
		if l.need[k] == 0 {
			l.need[k] = float64(n)
		}
		l.need[k] += (float64(n) - l.need[k]) / 4
	}
}

// bucket is one limit: it fills at a steady rate. The zero value has no bottom.
type bucket struct {
	limit float64
	level float64
	rate  float64 // a second
	at    time.Time
}

// fill makes a bucket of what was said at a time, less what was taken since.
func fill(q agent.Quota, at time.Time, since float64) bucket {
	b := bucket{limit: float64(q.Limit), level: float64(q.Remaining) - since, rate: float64(q.Limit) / 60, at: at}
	if missing := q.Limit - q.Remaining; missing > 0 && q.Full > 0 {
		b.rate = float64(missing) / q.Full.Seconds()
	}
	return b
}

func (b *bucket) flow(now time.Time) {
	if gone := now.Sub(b.at); gone > 0 {
		b.level, b.at = min(b.limit, b.level+b.rate*gone.Seconds()), now
	}
}

// lack is how long it takes until need is in it; what it can never hold goes when it is full.
func (b *bucket) lack(need float64, now time.Time) time.Duration {
	if b.limit == 0 {
		return 0
	}
	b.flow(now)
	missing := min(need, b.limit) - b.level
	if missing <= 1e-6 {
		return 0
	}
	return time.Duration(missing/b.rate*float64(time.Second)) + time.Millisecond
}

func (b *bucket) take(need float64, now time.Time) {
	if b.limit > 0 {
		b.flow(now)
		b.level -= need
	}
}
