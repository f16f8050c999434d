package gateway

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// flight is a request under way. What it asks of a provider does not end with its asker: it ends by
// itself, or is cut when its ticket's time is over, or some time after the asker went away.
type flight struct {
	ctx    context.Context //nolint:containedctx // of one request to a provider
	end    context.CancelCauseFunc
	asker  context.Context //nolint:containedctx // ends when the asker goes away
	unhook func() bool
	out    http.ResponseWriter

	mu     sync.Mutex
	timer  *time.Timer // runs once the asker went away
	landed bool
}

// newFlight begins a request. It MUST be landed.
func newFlight(w http.ResponseWriter, r *http.Request, linger time.Duration) *flight {
	f := &flight{asker: r.Context(), out: w}
	f.ctx, f.end = context.WithCancelCause(context.WithoutCancel(r.Context()))
	f.unhook = context.AfterFunc(r.Context(), func() { f.lose(linger) })
	return f
}

// lose gives a request that nobody waits for some more time.
func (f *flight) lose(linger time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.landed {
		f.timer = time.AfterFunc(linger, func() { f.end(errOver) })
	}
}

// lost says whether the asker went away.
func (f *flight) lost() bool { return f.asker.Err() != nil }

// cut ends the request whatever it is doing, writing to an asker that does not read included.
func (f *flight) cut() {
	f.end(errOver)
	_ = http.NewResponseController(f.out).SetWriteDeadline(time.Unix(1, 0)) // one without deadlines does not block
}

// land ends the request for good.
func (f *flight) land() {
	f.unhook()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.landed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	f.end(nil)
}
