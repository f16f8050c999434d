package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
)

// Ledger keeps holds, settlements and what was delivered. It MUST be safe for concurrent use.
type Ledger interface {
	meter.Ledger
	// Deliver notes that the answer of a call was handed to its asker, to the end. It may become
	// durable later, with the next record.
	Deliver(ctx context.Context, op budget.Op) error
	// Kept lists the calls of op's attempt that are on record, from op's step on.
	Kept(ctx context.Context, op budget.Op) ([]budget.Kept, error)
	// Freed is closed when a hold ends after this call.
	Freed() <-chan struct{}
}

// Blobs keeps requests and answers under their hashes.
type Blobs interface {
	meter.Blobs
	Get(ctx context.Context, hash string) ([]byte, error)
}

// Key is a secret; it shows nowhere but in what Reveal returns, "" for none.
type Key interface{ Reveal() string }

// Provider is who answers the calls of one family of APIs.
type Provider struct {
	URL    string                                   // https, or http on loopback; "" means that nobody answers
	Key    Key                                      // takes the place of the asker's; nil: the asker's own passes
	Base   http.RoundTripper                        // sends; nil means http.DefaultTransport
	Prices func(model string) (budget.Price, error) // at the present time; an error refuses the call
}

// Config is what a gateway needs. Ledger, Spools and Blobs MUST be set.
type Config struct {
	Anthropic Provider // answers Messages
	OpenAI    Provider // answers Chat Completions and Responses; a URL without a path gets /v1
	Ledger    Ledger
	Spools    meter.Spools
	Blobs     Blobs
	Linger    time.Duration    // how long a call is read on after its asker went away; 0 means 10 minutes
	Warn      func(error)      // told of what does no harm; may be nil
	Now       func() time.Time // for retry-after dates; nil means time.Now
}

// Gateway passes model calls of other programs on, under the cap. It is safe for concurrent use.
//
// The rules are:
//   - nothing is passed without the token of an open ticket, but a probe of the root;
//   - what is not known to be a model call, or to be free, is refused and goes nowhere;
//   - a call that does not fit the cap ends in an error that no asker tries again, nothing is sent;
//     one that may fit when calls of others are settled waits for them;
//   - an answer that is on record and was not delivered goes to the next asker of the same question;
//     one that was delivered is asked for again, and the records count a repeat;
//   - a call whose asker went away is read to its end and settled;
//   - an answer that is cut ends with a cut connection, never as if it were whole.
type Gateway struct {
	set    Config
	base   string // http://127.0.0.1:PORT
	server *http.Server
	served sync.WaitGroup

	mu      sync.Mutex
	tickets map[*Ticket]bool
	closed  bool
}

// errOver is why calls are cut when their ticket's time is over.
var errOver = errors.New("the gateway closes")

// New listens on a port of the loopback and serves until Close.
func New(ctx context.Context, c Config) (*Gateway, error) {
	if c.Ledger == nil || c.Spools == nil || c.Blobs == nil {
		return nil, errors.New("open gateway: a store is missing")
	}
	if c.Linger == 0 {
		c.Linger = 10 * time.Minute
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open gateway: %w", err)
	}
	g := &Gateway{set: c, base: "http://" + l.Addr().String(), tickets: map[*Ticket]bool{}}
	g.server = &http.Server{Handler: g, ReadHeaderTimeout: 30 * time.Second, ErrorLog: g.log()}
	g.Serve(l)
	return g, nil
}

// Serve serves one more listener, such as a socket that a sandbox is given, until Close.
func (g *Gateway) Serve(l net.Listener) {
	g.served.Go(func() {
		if err := g.server.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			g.warn(fmt.Errorf("serve gateway: %w", err))
		}
	})
}

// Close refuses new calls, waits for those under way until ctx ends, cuts what is left, and gives the
// port back.
func (g *Gateway) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	open := make([]*Ticket, 0, len(g.tickets))
	for t := range g.tickets {
		open = append(open, t)
	}
	g.mu.Unlock()
	for _, t := range open {
		t.refuse()
	}
	for _, t := range open {
		t.Close(ctx)
	}
	err := g.server.Close() // all calls are over: what is left are idle connections
	g.served.Wait()
	if err != nil {
		return fmt.Errorf("close gateway: %w", err)
	}
	return nil
}

func (g *Gateway) warn(err error) {
	if g.set.Warn != nil && err != nil {
		g.set.Warn(err)
	}
}
