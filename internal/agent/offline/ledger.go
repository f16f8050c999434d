package offline

import (
	"net/http"
	"sync"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Ledger is the serving side's own count of what it did, for whoever wants to hold it against
// another's books. It is served as JSON at GET /_ledger.
type Ledger struct {
	Sent     int64 `json:"sent"`     // answers begun; each is billed, whether it arrived or not
	Answered int64 `json:"answered"` // answers written to the end
	Cut      int64 `json:"cut"`      // answers begun, and not written to the end (yet)
	Refused  int64 `json:"refused"`  // requests answered with an error; these cost nothing
	Distinct int64 `json:"distinct"` // different bodies among those sent
	// Repeated counts the requests whose question had been answered to the end before, however many
	// tokens were allowed then: 0 when no answered call was made again.
	Repeated int64       `json:"repeated"`
	Bill     agent.Usage `json:"bill"` // of all that was sent
	// Requests are in the order of their arrival; only the first 65,536 are kept.
	Requests []LedgerRequest `json:"requests"`
}

// LedgerRequest is one answer that was begun.
type LedgerRequest struct {
	Hash     string      `json:"hash"`   // SHA-256 of the body
	Matter   string      `json:"matter"` // the same for the same question, whatever max_tokens, stream and marks are
	Model    string      `json:"model"`
	Stream   bool        `json:"stream"`
	Stop     string      `json:"stop"`
	Usage    agent.Usage `json:"usage"`
	Answered bool        `json:"answered"` // written to the end
	Repeat   bool        `json:"repeat"`   // counted in Ledger.Repeated
}

// mostRequests bounds what the ledger keeps of single requests; the sums go on.
const mostRequests = 1 << 16

// ledger is a Ledger that is being written.
type ledger struct {
	mu     sync.Mutex
	sums   Ledger
	bodies map[string]bool
	done   map[string]bool // matters that were answered to the end
}

// pending is an answer on its way.
type pending struct {
	index  int // in Requests; -1 when it is not kept
	matter string
}

func newLedger() *ledger {
	return &ledger{bodies: map[string]bool{}, done: map[string]bool{}}
}

// refused counts an error.
func (l *ledger) refused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sums.Refused++
}

// sent counts an answer that is about to be written.
func (l *ledger) sent(q question, a answer) pending {
	u := agent.Usage{
		Input: a.Usage.InputTokens, Output: a.Usage.OutputTokens, CacheRead: a.Usage.CacheRead,
		CacheWrite5m: a.Usage.CacheCreation.FiveMinutes, CacheWrite1h: a.Usage.CacheCreation.OneHour,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sums.Sent++
	l.sums.Bill = plus(l.sums.Bill, u)
	if !l.bodies[q.hash] {
		l.bodies[q.hash] = true
		l.sums.Distinct++
	}
	repeat := l.done[q.matter]
	if repeat {
		l.sums.Repeated++
	}
	p := pending{index: -1, matter: q.matter}
	if len(l.sums.Requests) < mostRequests {
		p.index = len(l.sums.Requests)
		l.sums.Requests = append(l.sums.Requests, LedgerRequest{
			Hash: q.hash, Matter: q.matter, Model: q.Request.Model, Stream: q.stream, Stop: *a.StopReason, Usage: u, Repeat: repeat,
		})
	}
	return p
}

// answered counts an answer that was written to the end.
func (l *ledger) answered(p pending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sums.Answered++
	l.done[p.matter] = true
	if p.index >= 0 {
		l.sums.Requests[p.index].Answered = true
	}
}

// report is a copy of the ledger as it stands.
func (l *ledger) report() Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.sums
	r.Cut = r.Sent - r.Answered
	r.Requests = append([]LedgerRequest{}, l.sums.Requests...)
	return r
}

// plus adds two usages.
func plus(a, b agent.Usage) agent.Usage {
	return agent.Usage{
		Input: a.Input + b.Input, CacheWrite5m: a.CacheWrite5m + b.CacheWrite5m, CacheWrite1h: a.CacheWrite1h + b.CacheWrite1h,
		CacheRead: a.CacheRead + b.CacheRead, Output: a.Output + b.Output,
	}
}

// showLedger answers GET /_ledger.
func (s *Server) showLedger(w http.ResponseWriter, _ *http.Request) { show(w, s.Ledger()) }
