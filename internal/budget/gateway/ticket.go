package gateway

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// Task says in whose name an asker's calls are made.
type Task struct {
	// Op is the attempt. Step is the first that the gateway numbers: the attempt's own steps MUST stay
	// below it. Send is not looked at.
	Op        budget.Op
	Phase     string // "" for none
	MinOutput int64  // least useful max_tokens; 0 means 1024
	// Enter is asked before a call is reserved and may hold it back, or refuse it; leave is called
	// once it is over. ctx ends when the asker goes away. nil lets every call pass.
	Enter func(ctx context.Context, model string) (leave func(), err error)
}

// minUseful is the least max_tokens worth paying for.
const minUseful = 1024

// Ticket is an asker's way in. It is safe for concurrent use. Close it when the asker has ended.
type Ticket struct {
	URL string // the base address for Anthropic's API; for OpenAI's it is URL + "/v1"

	gw    *Gateway
	task  Task
	token string
	book  *book
	talks talks

	mu      sync.Mutex
	closed  bool
	flights map[*flight]bool
	idle    chan struct{} // closed once the ticket is closed and nothing is under way
	counts  Counts
	stopped *budget.Refusal
	broken  error
}

// Counts says what a ticket has seen.
type Counts struct {
	Sent      int64 // calls that were admitted
	Delivered int64 // answers handed on from the records, without a call
	Joined    int64 // askers that waited for a call that had lost its own
	Refused   int64 // calls that did not fit the cap
	Unmetered int64 // requests whose cost cannot be bounded, or has no price
}

// Open gives a task's asker its way in. Calls of the attempt that are on record count on: their answers
// that were not delivered wait for whoever asks, and new ones get new ops.
func (g *Gateway) Open(ctx context.Context, task Task) (*Ticket, error) {
	if err := task.Op.Check(); err != nil {
		return nil, fmt.Errorf("open gateway for a task: %w", err)
	}
	if task.MinOutput == 0 {
		task.MinOutput = minUseful
	}
	kept, err := g.set.Ledger.Kept(ctx, task.Op)
	if err != nil {
		return nil, fmt.Errorf("open gateway for %s: %w", task.Op, err)
	}
	var secret [24]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return nil, fmt.Errorf("open gateway for %s: %w", task.Op, err)
	}
	t := &Ticket{
		gw: g, task: task, token: base64.RawURLEncoding.EncodeToString(secret[:]), book: newBook(task.Op, kept),
		flights: map[*flight]bool{}, idle: make(chan struct{}),
	}
	t.URL = g.base + prefix + t.token
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, fmt.Errorf("open gateway for %s: it is closed", task.Op)
	}
	g.tickets[t] = true
	return t, nil
}

// Close ends the asker's way in: its token is refused from now on. Calls under way may end until ctx
// does; what is left is cut and booked as unknown. When Close returns, every call is settled.
func (t *Ticket) Close(ctx context.Context) {
	t.refuse()
	select {
	case <-t.idle:
	case <-ctx.Done():
		t.cut()
		<-t.idle
	}
	t.gw.mu.Lock()
	defer t.gw.mu.Unlock()
	delete(t.gw.tickets, t)
}

// Bare is an address without the token, and the token, which has to come in [TokenHeader] then: for
// askers that are told their address where others can read it, as on a command line.
func (t *Ticket) Bare() (url, token string) { return t.gw.base + prefix + bare, t.token }

// Stopped is the first refusal of a call that did not fit the cap; nil when all did.
func (t *Ticket) Stopped() *budget.Refusal {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped
}

// Err is what of this machine failed: the ledger, or the place that keeps answers. Nothing more is sent
// after it.
func (t *Ticket) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.broken
}

// Counts says what the ticket has seen so far.
func (t *Ticket) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// errClosed refuses whoever comes after the end.
var errClosed = errors.New("the task has ended")

// enter counts a request in; leave MUST be called once.
func (t *Ticket) enter(f *flight) (leave func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errClosed
	}
	t.flights[f] = true
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.flights, f)
		t.rest()
	}, nil
}

// rest tells whoever waits for the end.
func (t *Ticket) rest() {
	if t.closed && len(t.flights) == 0 {
		select {
		case <-t.idle:
		default:
			close(t.idle)
		}
	}
}

func (t *Ticket) refuse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.rest()
}

// cut ends all that is under way.
func (t *Ticket) cut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f := range t.flights {
		f.cut()
	}
}

// note counts, under the lock.
func (t *Ticket) note(fn func(*Counts)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fn(&t.counts)
}

// stop remembers the first call that did not fit.
func (t *Ticket) stop(r *budget.Refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Refused++
	if t.stopped == nil {
		t.stopped = r
	}
}

// fail remembers the first fault of this machine.
func (t *Ticket) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken == nil {
		t.broken = err
	}
}

// find is the open ticket of a token, nil when there is none. It compares with all of them, each in
// constant time, so that time tells nothing of a token.
func (g *Gateway) find(token string) *Ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	var found *Ticket
	for t := range g.tickets {
		if subtle.ConstantTimeCompare([]byte(t.token), []byte(token)) == 1 {
			found = t
		}
	}
	return found
}
