package checkpointtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Journals opens journals of the store under test.
type Journals struct {
	// Open gives a new empty journal. The suite closes it.
	Open func(t *testing.T) checkpoint.Journal
	// Reopen closes j and opens the same journal as a new process would; nil where there is nothing
	// to come back to.
	Reopen func(t *testing.T, j checkpoint.Journal) checkpoint.Journal
	// Damage changes a byte in the kept payload of record seq of a closed journal and opens it
	// again; nil where it cannot be done.
	Damage func(t *testing.T, j checkpoint.Journal, seq uint64) checkpoint.Journal
	// Fail makes the next commit of j fail ambiguously; nil where it cannot be done.
	Fail func(t *testing.T, j checkpoint.Journal, err error)
}

// Run checks the promise of [checkpoint.Journal].
func Run(t *testing.T, s Journals) {
	for name, check := range map[string]func(*testing.T, Journals, checkpoint.Journal){
		"an empty journal":                emptyJournal,
		"what is appended is read":        appendAndRead,
		"reading starts after a number":   readFrom,
		"reading stops with fn's error":   readStops,
		"fn may append":                   readAndAppend,
		"what fn got is its own":          readKeeps,
		"a stale writer is fenced":        fence,
		"an invalid record does no harm":  invalidRecord,
		"an ended context does no harm":   endedContext,
		"a snapshot replaces the last":    snapshots,
		"an impossible snapshot":          badSnapshots,
		"calls after Close":               closed,
		"writers race, one wins a number": race,
		"a reopened journal is the same":  reopened,
		"a damaged record is named":       damaged,
		"a failed commit poisons":         poisoned,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := s.Open(t)
			t.Cleanup(func() { must(t, j.Close()) })
			check(t, s, j)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}

// record makes the n-th record of a test.
func record(n int) checkpoint.Record {
	at := time.Date(2026, 11, 23, 10, 0, n, 123456789, time.FixedZone("", 3600))
	return checkpoint.Record{Kind: fmt.Sprintf("test.%d", n), Time: at, Payload: json.RawMessage(fmt.Sprintf(`{"n":%d,"text":"<é\u2028>"}`, n))}
}

func records(n int) []checkpoint.Record {
	var out []checkpoint.Record
	for i := range n {
		out = append(out, record(i+1))
	}
	return out
}

func fill(t *testing.T, j checkpoint.Journal, n int) {
	t.Helper()
	last, err := j.Append(t.Context(), 0, records(n))
	must(t, err)
	if last != uint64(n) {
		t.Fatalf("got last %d, want %d", last, n)
	}
}

func all(t *testing.T, j checkpoint.Journal, from uint64) []checkpoint.Envelope {
	t.Helper()
	var out []checkpoint.Envelope
	must(t, j.Read(t.Context(), from, func(e checkpoint.Envelope) error {
		out = append(out, e)
		return nil
	}))
	return out
}

// same checks that j holds records 1 to n of the test.
func same(t *testing.T, j checkpoint.Journal, n int) {
	t.Helper()
	got := all(t, j, 0)
	if len(got) != n {
		t.Fatalf("got %d records, want %d", len(got), n)
	}
	for i, e := range got {
		r := record(i + 1)
		must(t, e.Verify(uint64(i+1)))
		if e.Kind != r.Kind || !e.Time.Equal(r.Time) || e.Time.Location() != time.UTC || string(e.Payload) != string(r.Payload) {
			t.Errorf("record %d: got %+v, want %+v", i+1, e, r)
		}
	}
}

func emptyJournal(t *testing.T, _ Journals, j checkpoint.Journal) {
	last, err := j.Last(t.Context())
	must(t, err)
	snap, err := j.Snapshot(t.Context())
	must(t, err)
	if last != 0 || snap.Seq != 0 || len(all(t, j, 0)) != 0 {
		t.Errorf("got last %d, snapshot %d", last, snap.Seq)
	}
}

func appendAndRead(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 2000) // more than a store may hand out at once
	same(t, j, 2000)
	last, err := j.Append(t.Context(), 2000, nil)
	must(t, err)
	if last != 2000 {
		t.Errorf("got last %d after appending nothing, want 2000", last)
	}
}

func readFrom(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 5)
	for from, n := range map[uint64]int{0: 5, 3: 2, 5: 0, 9: 0} {
		if got := all(t, j, from); len(got) != n {
			t.Errorf("from %d: got %d records, want %d", from, len(got), n)
		}
	}
}

func readStops(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 5)
	stop, n := errors.New("enough"), 0
	err := j.Read(t.Context(), 0, func(checkpoint.Envelope) error {
		n++
		return stop
	})
	want(t, err, stop)
	if n != 1 {
		t.Errorf("fn was called %d times, want 1", n)
	}
}

func readAndAppend(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 1)
	must(t, j.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		if e.Seq >= 3 {
			return nil
		}
		_, err := j.Append(t.Context(), e.Seq, []checkpoint.Record{record(int(e.Seq) + 1)})
		return err
	}))
	same(t, j, 3)
}

func readKeeps(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 3)
	for _, e := range all(t, j, 0) {
		clear(e.Payload)
	}
	same(t, j, 3)
}

func fence(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 2)
	for _, last := range []uint64{0, 1, 3} {
		_, err := j.Append(t.Context(), last, records(1))
		want(t, err, checkpoint.ErrFenced)
	}
	_, err := j.Append(t.Context(), 2, []checkpoint.Record{record(3)})
	must(t, err)
	same(t, j, 3)
}

func invalidRecord(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 1)
	for name, r := range map[string]checkpoint.Record{
		"no kind":       {Time: record(1).Time, Payload: json.RawMessage(`{}`)},
		"endless kind":  {Kind: strings.Repeat("k", 256), Time: record(1).Time},
		"not JSON":      {Kind: "k", Time: record(1).Time, Payload: json.RawMessage(`{"a":`)},
		"two documents": {Kind: "k", Time: record(1).Time, Payload: json.RawMessage(`{} {}`)},
		"year 10000":    {Kind: "k", Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := j.Append(t.Context(), 1, []checkpoint.Record{record(2), r}); !errors.Is(err, checkpoint.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	_, err := j.Append(t.Context(), 1, []checkpoint.Record{record(2)})
	must(t, err)
	same(t, j, 2)
}

func endedContext(t *testing.T, _ Journals, j checkpoint.Journal) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := j.Append(ctx, 0, records(1))
	want(t, err, context.Canceled)
	want(t, j.Read(ctx, 0, nil), context.Canceled)
	fill(t, j, 1)
	same(t, j, 1)
}

func snapshots(t *testing.T, s Journals, j checkpoint.Journal) {
	fill(t, j, 4)
	must(t, j.Save(t.Context(), checkpoint.Snapshot{Seq: 2, State: json.RawMessage(`{"a":1}`)}))
	must(t, j.Save(t.Context(), checkpoint.Snapshot{Seq: 3, State: json.RawMessage(`{"a":2}`)}))
	if s.Reopen != nil {
		j = s.Reopen(t, j)
		defer func() { must(t, j.Close()) }()
	}
	got, err := j.Snapshot(t.Context())
	must(t, err)
	if got.Seq != 3 || string(got.State) != `{"a":2}` {
		t.Errorf("got %d %s", got.Seq, got.State)
	}
	same(t, j, 4)
}

func badSnapshots(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 1)
	for _, s := range []checkpoint.Snapshot{
		{Seq: 0, State: json.RawMessage(`{}`)}, {Seq: 2, State: json.RawMessage(`{}`)}, {Seq: 1, State: json.RawMessage(`{`)},
	} {
		want(t, j.Save(t.Context(), s), checkpoint.ErrInvalid)
	}
	_, err := j.Append(t.Context(), 1, []checkpoint.Record{record(2)})
	must(t, err)
}

func closed(t *testing.T, _ Journals, j checkpoint.Journal) {
	fill(t, j, 1)
	must(t, j.Close())
	must(t, j.Close())
	_, err := j.Append(t.Context(), 1, records(1))
	want(t, err, checkpoint.ErrClosed)
	_, err = j.Last(t.Context())
	want(t, err, checkpoint.ErrClosed)
	_, err = j.Snapshot(t.Context())
	want(t, err, checkpoint.ErrClosed)
	want(t, j.Save(t.Context(), checkpoint.Snapshot{Seq: 1, State: json.RawMessage(`1`)}), checkpoint.ErrClosed)
	want(t, j.Read(t.Context(), 0, nil), checkpoint.ErrClosed)
}

// Of many writers at the same number exactly one wins; readers meanwhile see no gap.
func race(t *testing.T, _ Journals, j checkpoint.Journal) {
	const writers, rounds = 8, 5
	for round := range rounds {
		var mu sync.Mutex
		var wg sync.WaitGroup
		won := 0
		for range writers {
			wg.Go(func() {
				_, err := j.Append(t.Context(), uint64(round), []checkpoint.Record{record(round + 1)})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, checkpoint.ErrFenced) {
					t.Errorf("got %v, want ErrFenced", err)
				}
			})
			wg.Go(func() {
				next := uint64(1)
				if err := j.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
					defer func() { next++ }()
					return e.Verify(next)
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Fatalf("round %d: %d writers won", round, won)
		}
	}
	same(t, j, rounds)
}

func reopened(t *testing.T, s Journals, j checkpoint.Journal) {
	if s.Reopen == nil {
		t.Skip("nothing to come back to")
	}
	fill(t, j, 3)
	j = s.Reopen(t, j)
	defer func() { must(t, j.Close()) }()
	last, err := j.Append(t.Context(), 3, []checkpoint.Record{record(4)})
	must(t, err)
	if last != 4 {
		t.Errorf("got last %d, want 4", last)
	}
	same(t, j, 4)
}

func damaged(t *testing.T, s Journals, j checkpoint.Journal) {
	if s.Damage == nil {
		t.Skip("cannot be damaged")
	}
	fill(t, j, 5)
	j = s.Damage(t, j, 3)
	defer func() { must(t, j.Close()) }()
	var seen []uint64
	err := j.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		seen = append(seen, e.Seq)
		return nil
	})
	want(t, err, checkpoint.ErrCorrupt)
	if !strings.Contains(err.Error(), "record 3") || !slices.Equal(seen, []uint64{1, 2}) {
		t.Errorf("got %v after %v", err, seen)
	}
}

func poisoned(t *testing.T, s Journals, j checkpoint.Journal) {
	if s.Fail == nil {
		t.Skip("does not fail")
	}
	fill(t, j, 1)
	broken := errors.New("input/output error")
	s.Fail(t, j, broken)
	_, err := j.Append(t.Context(), 1, []checkpoint.Record{record(2)})
	want(t, err, broken)
	_, err = j.Append(t.Context(), 1, []checkpoint.Record{record(2)})
	want(t, err, checkpoint.ErrPoisoned)
	_, err = j.Last(t.Context())
	want(t, err, checkpoint.ErrPoisoned)
	want(t, j.Read(t.Context(), 0, nil), checkpoint.ErrPoisoned)
	want(t, j.Save(t.Context(), checkpoint.Snapshot{Seq: 1, State: json.RawMessage(`1`)}), checkpoint.ErrPoisoned)
	if s.Reopen == nil {
		return
	}
	j = s.Reopen(t, j)
	defer func() { must(t, j.Close()) }()
	last, err := j.Last(t.Context()) // 1 or 2: only now it can be told
	must(t, err)
	same(t, j, int(last))
}
