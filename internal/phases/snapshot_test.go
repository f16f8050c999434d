package phases

import (
	"context"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// weighed counts what snapshots cost.
type weighed struct {
	*checkpoint.Memory
	snapshots, snapshotBytes, recordBytes int
}

func (w *weighed) Save(ctx context.Context, s checkpoint.Snapshot) error {
	w.snapshots++
	w.snapshotBytes += len(s.State)
	return w.Memory.Save(ctx, s)
}

func (w *weighed) Append(ctx context.Context, last uint64, recs []checkpoint.Record) (uint64, error) {
	for _, r := range recs {
		w.recordBytes += len(r.Payload)
	}
	return w.Memory.Append(ctx, last, recs)
}

// Snapshots of an attempt that only grows cost about what its records do, not its square.
func TestSnapshotsOfALargeStateAreRare(t *testing.T) {
	t.Parallel()
	j := &weighed{Memory: &checkpoint.Memory{}}
	w := opened(t, j, budget.Caps{USD: 1_000_000 * budget.Dollar})
	for from := 1; from <= 12_000; from += 250 {
		var facts []Fact
		for step := from; step < from+250; step++ {
			op := asking(step).Call.Op
			facts = append(facts, EffectStarted{Op: op, Effect: EffectTool, Request: "r"}, EffectFinished{Op: op, Effect: EffectTool, Request: "r", Tree: "t"})
		}
		if err := w.Record(t.Context(), facts...); err != nil {
			t.Fatal(err)
		}
	}
	if j.snapshots < 3 || j.snapshotBytes > 3*j.recordBytes {
		t.Errorf("%d snapshots of %d bytes for %d bytes of records", j.snapshots, j.snapshotBytes, j.recordBytes)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
