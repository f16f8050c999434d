package phases

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// KindCallDelivered is the record of an answer that was handed on.
const KindCallDelivered Kind = "call.delivered"

// CallDelivered says that an answer was handed, to its end, to the program that asked: an engine of
// its own process. Asked again, the same question is a new call, and a repeat. An answer without this
// record goes to whoever asks the same next.
type CallDelivered struct {
	Op budget.Op `json:"op"`
}

func (CallDelivered) kind() Kind { return KindCallDelivered }

// Deliver notes that the answer of a call was handed on. It is durable with the next record: where it
// is lost, the answer is handed on once more, for nothing.
func (w *Writer) Deliver(ctx context.Context, op budget.Op) error {
	return w.Later(context.WithoutCancel(ctx), CallDelivered{Op: op})
}

// Freed is closed when a hold ends after this call: what was refused for holds of others may fit then.
func (w *Writer) Freed() <-chan struct{} { return w.freed() }

// Kept lists the calls of an attempt that is open, from the step of op on, in the order of their ops.
func (w *Writer) Kept(ctx context.Context, op budget.Op) ([]budget.Kept, error) {
	var kept []budget.Kept
	err := w.View(ctx, func(s *State) {
		a := s.attempt(op)
		if a == nil {
			return
		}
		for key, o := range a.Outcomes {
			at, ok := keyed(op, key)
			if !ok || o.Effect != "" || at.Step < op.Step || at.Send == 0 {
				continue
			}
			k := budget.Kept{Op: at, RequestHash: o.Request, Delivered: o.Delivered}
			if o.Done {
				k.Fate, k.Answer, k.ContentType = o.Fate, string(o.Answer), o.Type
			}
			kept = append(kept, k)
		}
	})
	slices.SortFunc(kept, func(a, b budget.Kept) int {
		return cmp.Or(cmp.Compare(a.Op.Step, b.Op.Step), cmp.Compare(a.Op.Send, b.Op.Send))
	})
	return kept, err
}

// keyed is the op that stepKey wrote, in the attempt of op.
func keyed(op budget.Op, key string) (budget.Op, bool) {
	op.Step, op.Send = 0, 0
	at, err := budget.ParseOp(op.Build + "/" + op.Task + "/" + strconv.Itoa(op.Attempt) + "/" + key)
	return at, err == nil
}

// asked says whether the question of op was put before, and its answer lost or handed on: whoever
// asks it again may pay for it again.
func (s *State) asked(op budget.Op) bool {
	before := s.before(op)
	return before != nil && before.Done && (before.Fate == budget.Unknown || before.Delivered)
}

func (s *State) applyDelivered(f CallDelivered) {
	if o := s.outcome(f.Op); o != nil {
		o.Delivered = true
	}
}
