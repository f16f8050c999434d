package phases

import (
	"context"
	"errors"
	"time"
)

// Causes with which a build's context is ended on purpose.
var (
	// ErrInterrupted means that a person asked to stop.
	ErrInterrupted = errors.New("interrupted")
	// ErrTime means that the build's time is up.
	ErrTime = errors.New("the build's time is up")
)

// Stop says what becomes of calls in flight when a build's context ends: they may go on for Grace,
// and are cut when Now is closed. The zero value cuts at once.
type Stop struct {
	Grace time.Duration
	Now   <-chan struct{}
}

// Sending returns a context for one send: it outlives the end of ctx by the grace, so that what is
// paid for can still arrive.
func (s Stop) Sending(ctx context.Context) (context.Context, context.CancelFunc) {
	call, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	end := make(chan struct{})
	go func() {
		select {
		case <-end:
			return
		case <-ctx.Done():
		}
		t := time.NewTimer(s.Grace)
		defer t.Stop()
		select {
		case <-end:
		case <-t.C:
			cancel(context.Cause(ctx))
		case <-s.Now:
			cancel(context.Cause(ctx))
		}
	}()
	return call, func() { close(end); cancel(nil) }
}
