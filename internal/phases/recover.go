package phases

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// Reader makes the settlement of a call from what its spool holds (package meter does).
type Reader func(h budget.Hold, spool []byte) budget.Settlement

// Recover settles every call that was in flight when the process before this one ended: an answer
// that is whole in its spool is booked as answered and is never asked for again; any other is
// booked as unknown, with what arrived kept as evidence. Then it removes the spools. It runs before
// any other effect and is safe to be killed at any point.
func Recover(ctx context.Context, w *Writer, spools checkpoint.Spools, read Reader) error {
	var holds []budget.Hold
	if err := w.View(ctx, func(s *State) { holds = openHolds(s) }); err != nil {
		return err
	}
	faultpoint.Pass("recover.begin")
	for _, h := range holds {
		st, err := recovered(ctx, h, spools, read)
		if err != nil {
			return err
		}
		if err := w.Settle(ctx, st); err != nil {
			return err
		}
		faultpoint.Pass("recover.settled")
	}
	names, err := spools.List()
	if err != nil {
		return fmt.Errorf("list spools: %w", err)
	}
	for _, name := range names {
		faultpoint.Pass("recover.spools")
		if err := spools.Remove(name); err != nil {
			return fmt.Errorf("remove spool %s: %w", name, err)
		}
	}
	return nil
}

// openHolds lists what is held, in a fixed order.
func openHolds(s *State) []budget.Hold {
	var holds []budget.Hold
	for _, key := range slices.Sorted(maps.Keys(s.Guard.Holds)) {
		holds = append(holds, s.Guard.Holds[key])
	}
	return holds
}

func recovered(ctx context.Context, h budget.Hold, spools checkpoint.Spools, read Reader) (budget.Settlement, error) {
	name := h.Op.File()
	raw, err := spools.Read(name)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return budget.Settlement{Op: h.Op, Fate: budget.Unknown, Error: "the process ended before an answer arrived"}, nil
	}
	if err != nil {
		return budget.Settlement{}, fmt.Errorf("read spool of %s: %w", h.Op, err)
	}
	blob, err := spools.Copy(ctx, name)
	if err != nil {
		return budget.Settlement{}, fmt.Errorf("keep spool of %s: %w", h.Op, err)
	}
	st := read(h, raw)
	st.Answer = string(blob)
	return st, nil
}
