package meter

import (
	"context"
	"errors"
	"io"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// Ledger keeps holds and settlements. It MUST be safe for concurrent use.
type Ledger interface {
	// Intend admits the ask and makes its hold durable before it returns. An error, such as a
	// *budget.Refusal, means that nothing may be sent and nothing is to be settled.
	Intend(ctx context.Context, ask budget.Ask) (budget.Hold, error)
	// Settle makes the outcome durable before it returns. The meter calls it exactly once for each
	// hold, with a context that outlives the request's; never for one whose answer is in its spool and
	// could not be kept (ErrUnkept).
	Settle(ctx context.Context, s budget.Settlement) error
}

// Spools keeps raw answers by name while they arrive. Names are [budget.Op.File]. It MUST be safe
// for concurrent use.
type Spools interface {
	Create(name string) (Spool, error)
	Remove(name string) error
}

// Spool receives the bytes of one answer. The meter uses it from one goroutine at a time.
type Spool interface {
	io.Writer
	// Sync makes what was written so far survive power loss.
	Sync() error
	// Keep syncs and links the bytes into the blobs, and returns their hash.
	Keep(ctx context.Context) (string, error)
	// Close ends writing and leaves the spool in place.
	Close() error
}

// Blobs keeps content under its hash.
type Blobs interface {
	Put(ctx context.Context, content []byte) (string, error)
}

// Errors of the meter, besides those of the ledger and of the wire.
var (
	// ErrUnmetered means that a request was not sent because its cost cannot be bounded or booked.
	ErrUnmetered = errors.New("request cannot be metered")
	// ErrIncomplete means that an answer ended, or was cut, before its terminal frame, or has no
	// usable usage. It is booked as unknown and nothing withheld of it is released.
	ErrIncomplete = errors.New("answer is incomplete")
	// ErrFailed means that the provider said so in the stream, in an event that was handed on. It is
	// ErrIncomplete too.
	ErrFailed = errors.New("the provider broke the answer off")
	// ErrUnkept means that the answer came and this machine could not take it in: to ask again before
	// that is mended would be to pay for nothing. One that is whole in its spool stays held, for Recover
	// to settle; any other is booked as unknown, and is ErrIncomplete too.
	ErrUnkept = errors.New("answer cannot be kept")
)
