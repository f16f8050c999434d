package meter

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// flight is a call between its hold and its settlement. The first settlement counts, later ones do
// nothing: reader, cancellation and panics may race for it.
type flight struct {
	t    *Transport
	hold budget.Hold
	// book settles in the ledger, keep and open reach the stores; their context outlives the request's.
	book func(budget.Settlement) error
	keep func() (string, error)
	put  func([]byte) (string, error)
	mask []string // what must not show up in records

	mu       lock
	spool    Spool
	written  int64
	unsynced int
	status   int
	kind     string
	request  string
	answer   string // blob of the body, when it is not the spool
	plain    bool   // the spool holds the body as it came
	settled  bool
	err      error // of the settlement
}

var errOver = errors.New("the call is settled already")

func newFlight(ctx context.Context, t *Transport, hold budget.Hold) *flight {
	fl := &flight{t: t, hold: hold, plain: true, mu: make(lock, 1)}
	fl.book = func(s budget.Settlement) error { return t.Ledger.Settle(ctx, s) }
	fl.keep = func() (string, error) { return fl.spool.Keep(ctx) }
	fl.put = func(body []byte) (string, error) { return t.Blobs.Put(ctx, body) }
	return fl
}

// open creates the spool.
func (fl *flight) open() error {
	spool, err := fl.t.Spools.Create(fl.hold.Op.File())
	if err != nil {
		return fmt.Errorf("create spool of %s: %w", fl.hold.Op, err)
	}
	fl.spool = spool
	return nil
}

// heard notes what the head of the answer says.
func (fl *flight) heard(resp *http.Response) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	fl.status, fl.kind = resp.StatusCode, clean(resp.Header.Get("Content-Type"))
	if fl.request = clean(resp.Header.Get("Request-Id")); fl.request == "" {
		fl.request = clean(resp.Header.Get("X-Request-Id"))
	}
}

// Write spools bytes of the answer, and syncs from time to time. It fails once the call is settled.
func (fl *flight) Write(p []byte) (int, error) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.settled {
		return 0, errOver
	}
	n, err := fl.spool.Write(p)
	fl.written += int64(n)
	faultpoint.Pass("spool.mid_stream")
	fl.unsynced += n
	if err == nil && fl.unsynced >= syncEvery {
		fl.unsynced = 0
		err = fl.spool.Sync()
	}
	if err != nil {
		return n, fmt.Errorf("spool answer of %s: %w: %w", fl.hold.Op, ErrUnkept, err)
	}
	return n, nil
}

// spooled is how many bytes of the answer are in the spool.
func (fl *flight) spooled() int64 {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	return fl.written
}

// keepFailure puts the body of an error status among the blobs, and with its status into the spool,
// where Recover finds it after a crash. What cannot be kept does not change what was billed.
func (fl *flight) keepFailure(resp *http.Response, body []byte, s *budget.Settlement) {
	fl.plain = false
	_, err := fl.Write(append(failureHead(resp.StatusCode, fl.kind, fl.request, s.RetryAfterMS), body...))
	fl.t.warn(err)
	if fl.t.Blobs == nil || len(body) == 0 {
		return
	}
	fl.answer, err = fl.put(body)
	fl.t.warn(err)
}

// settle makes the outcome durable: first the answer, then the ledger. It says whether s counted;
// when another settlement came first, it did not. An answer that is whole in its spool and cannot be
// kept is not settled at all: it is paid for, its hold stays, and [Recover] finds it in the spool.
func (fl *flight) settle(s budget.Settlement) (bool, error) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.settled {
		return false, fl.err
	}
	fl.settled = true
	s.Status, s.ContentType, s.RequestID, s.Answer = fl.status, fl.kind, fl.request, fl.answer
	s.Error = clean(s.Error, fl.mask...)
	var kept error
	if fl.spool != nil && fl.plain && fl.written > 0 {
		if s.Answer, kept = fl.keep(); kept != nil {
			kept = fmt.Errorf("keep answer of %s: %w: %w", fl.hold.Op, ErrUnkept, kept)
		}
	}
	if kept != nil && s.Fate == budget.Answered {
		fl.t.warn(fl.spool.Close())
		fl.err = kept
		return true, fl.err
	}
	if err := fl.book(s); err != nil {
		fl.err = fmt.Errorf("settle %s: %w", fl.hold.Op, err)
	}
	fl.discard()
	fl.err = errors.Join(fl.err, kept)
	return true, fl.err
}

// discard closes the spool and, once the settlement is durable, removes it.
func (fl *flight) discard() {
	if fl.spool == nil {
		return
	}
	fl.t.warn(fl.spool.Close())
	if fl.err == nil {
		faultpoint.Pass("settle.before_unlink")
		fl.t.warn(fl.t.Spools.Remove(fl.hold.Op.File()))
	}
}

// give settles s and returns err, with the settlement's own error if it has one.
func (fl *flight) give(s budget.Settlement, err error) error {
	_, serr := fl.settle(s)
	return errors.Join(err, serr)
}
