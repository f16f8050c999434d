package gateway

import (
	"context"
	"errors"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
)

// errGone means that the asker went away before anything was sent.
var errGone = errors.New("the asker went away")

// purse is the ledger and the spools of one call. It waits for room, notes what the call became, and
// tells faults of this machine from everything else.
type purse struct {
	ticket *Ticket
	entry  *entry
	asker  context.Context //nolint:containedctx // of one request: it ends when the asker goes away
	held   bool
	usage  budget.Usage
	failed error
}

var (
	_ meter.Ledger = (*purse)(nil)
	_ meter.Spools = (*purse)(nil)
)

// Intend implements meter.Ledger. What does not fit only because of what other calls hold waits for
// them; a refusal that it returns is the last word.
func (p *purse) Intend(ctx context.Context, ask budget.Ask) (budget.Hold, error) {
	ledger := p.ticket.gw.set.Ledger
	for {
		freed := ledger.Freed()
		hold, err := ledger.Intend(ctx, ask)
		var no *budget.Refusal
		switch {
		case err == nil:
			p.held = true
			p.ticket.note(func(c *Counts) { c.Sent++ })
			return hold, nil
		case errors.As(err, &no) && mayFit(no):
		case errors.As(err, &no), errors.Is(err, budget.ErrUnpriced), ctx.Err() != nil:
			return hold, err
		default:
			p.failed = err
			return hold, err
		}
		select {
		case <-freed:
		case <-p.asker.Done():
			return hold, errGone
		case <-ctx.Done():
			return hold, context.Cause(ctx)
		}
	}
}

// mayFit says whether a call may fit when others are settled: they hold their worst case, and most of it
// comes back.
func mayFit(no *budget.Refusal) bool {
	return !no.Overrun && no.Held > 0
}

// Settle implements meter.Ledger.
func (p *purse) Settle(ctx context.Context, s budget.Settlement) error {
	if err := p.ticket.gw.set.Ledger.Settle(ctx, s); err != nil {
		p.failed = err
		return err
	}
	p.usage = s.Usage
	p.ticket.book.settle(p.entry, s)
	return nil
}

// Create implements meter.Spools.
func (p *purse) Create(name string) (meter.Spool, error) {
	s, err := p.ticket.gw.set.Spools.Create(name)
	if err != nil {
		p.failed = err
	}
	return s, err
}

// Remove implements meter.Spools.
func (p *purse) Remove(name string) error { return p.ticket.gw.set.Spools.Remove(name) }
