package offline

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/offline/conversation"
)

// The rules are, after the provider's documentation:
//   - A mark makes the prefix up to its block an entry, for 5 minutes or an hour; a read renews it.
//   - A request reads the longest entry that ends at one of its marks or at most 19 blocks before
//     one (20 blocks are looked at per mark).
//   - What lies between the entry read and the last mark is written, at the price of the mark that
//     follows it; what lies behind the last mark is plain input.
//   - Prefixes below 1,024 tokens are not cached.
const (
	lookBack     = 20
	leastCached  = 1024
	shortLife    = 5 * time.Minute
	longLife     = time.Hour
	mostPrefixes = 1 << 16
)

type prefixHash [sha256.Size]byte

// promptCache accounts for cached prefixes; it holds hashes, never text.
type promptCache struct {
	now     func() time.Time
	mu      sync.Mutex
	entries map[prefixHash]cached
}

// cached is an entry's end and how long a read renews it for.
type cached struct {
	until time.Time
	life  time.Duration
}

func newPromptCache(now func() time.Time) *promptCache {
	return &promptCache{now: now, entries: map[prefixHash]cached{}}
}

// account is the usage of q's input; it changes the cache as the request would.
func (c *promptCache) account(q question) usage {
	hashes, tokens := prefixes(q)
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	read := c.longest(q, hashes, now)
	at := int64(0)
	if read >= 0 {
		at = tokens[read]
		e := c.entries[hashes[read]]
		c.entries[hashes[read]] = cached{now.Add(e.life), e.life}
	}
	u := usage{CacheRead: at}
	for i := range q.segments {
		mark := q.segments[i].mark
		if mark == "" || tokens[i] < leastCached {
			continue
		}
		life := shortLife
		if mark == "1h" {
			life = longLife
		}
		if i > read {
			if mark == "1h" {
				u.CacheCreation.OneHour += tokens[i] - at
			} else {
				u.CacheCreation.FiveMinutes += tokens[i] - at
			}
			at = tokens[i]
		}
		if old := c.entries[hashes[i]]; old.until.Before(now.Add(life)) {
			c.entries[hashes[i]] = cached{now.Add(life), life}
		}
	}
	u.CacheWrite = u.CacheCreation.OneHour + u.CacheCreation.FiveMinutes
	u.InputTokens = q.inputTokens() - at
	c.sweep(now)
	return u
}

// longest is the index of the last segment of the longest living entry; -1 without one.
func (c *promptCache) longest(q question, hashes []prefixHash, now time.Time) int {
	for i := len(q.segments) - 1; i >= 0; i-- {
		if q.segments[i].mark == "" {
			continue
		}
		for j := i; j >= 0 && j > i-lookBack; j-- {
			if e, ok := c.entries[hashes[j]]; ok && now.Before(e.until) {
				return j
			}
		}
	}
	return -1
}

// sweep drops what is over when there is much of it.
func (c *promptCache) sweep(now time.Time) {
	if len(c.entries) < mostPrefixes {
		return
	}
	for h, e := range c.entries {
		if !now.Before(e.until) {
			delete(c.entries, h)
		}
	}
}

// prefixes are, for every segment of q, the hash and the tokens of all up to it.
func prefixes(q question) ([]prefixHash, []int64) {
	hashes, tokens := make([]prefixHash, len(q.segments)), make([]int64, len(q.segments))
	last, bytes := prefixHash(sha256.Sum256([]byte(q.Request.Model))), 0
	for i, s := range q.segments {
		sum := sha256.Sum256(s.canonical)
		last = sha256.Sum256(append(last[:], sum[:]...))
		bytes += len(s.canonical)
		hashes[i], tokens[i] = last, conversation.Tokens(bytes)
	}
	return hashes, tokens
}
