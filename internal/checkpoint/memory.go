package checkpoint

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
)

// Memory is a journal that lives as long as the process, for tests and simulations. The zero value
// is an empty journal.
type Memory struct {
	// Fail, when set, is asked before records are kept; its error is an ambiguous failure of the
	// store: the journal is poisoned. Kept says whether the records are kept all the same.
	Fail func(recs []Record) (kept bool, err error)

	mu       sync.Mutex
	records  []Envelope
	snapshot Snapshot
	poisoned error
	closed   bool
}

// Reopen gives what a new process would find: the same records, neither poisoned nor closed.
func (m *Memory) Reopen() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{records: slices.Clone(m.records), snapshot: m.snapshot}
}

// Append implements [Journal].
func (m *Memory) Append(ctx context.Context, last uint64, recs []Record) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return 0, err
	}
	if have := uint64(len(m.records)); have != last {
		return 0, fmt.Errorf("append after %d: %w to %d", last, ErrFenced, have)
	}
	sealed := make([]Envelope, 0, len(recs))
	for i, r := range recs {
		e, err := Seal(last+uint64(i)+1, r)
		if err != nil {
			return 0, err
		}
		sealed = append(sealed, e)
	}
	kept, err := true, error(nil)
	if m.Fail != nil {
		kept, err = m.Fail(recs)
	}
	if kept || err == nil {
		m.records = append(m.records, sealed...)
	}
	if err != nil {
		m.poisoned = err
		return 0, fmt.Errorf("append after %d: %w", last, err)
	}
	return uint64(len(m.records)), nil
}

// Read implements [Journal].
func (m *Memory) Read(ctx context.Context, from uint64, fn func(Envelope) error) error {
	for seq := from + 1; ; seq++ {
		e, ok, err := m.at(ctx, seq)
		if err != nil || !ok {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

// at returns a copy of one envelope, so that fn may append and keep.
func (m *Memory) at(ctx context.Context, seq uint64) (Envelope, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil || seq > uint64(len(m.records)) {
		return Envelope{}, false, err
	}
	e := m.records[seq-1]
	e.Payload = bytes.Clone(e.Payload)
	return e, true, e.Verify(seq)
}

// Last implements [Journal].
func (m *Memory) Last(ctx context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.records)), m.usable(ctx)
}

// Save implements [Journal].
func (m *Memory) Save(ctx context.Context, s Snapshot) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	if err := CheckSnapshot(s, uint64(len(m.records))); err != nil {
		return err
	}
	m.snapshot = Snapshot{Seq: s.Seq, State: bytes.Clone(s.State)}
	return nil
}

// Snapshot implements [Journal].
func (m *Memory) Snapshot(ctx context.Context) (Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Snapshot{Seq: m.snapshot.Seq, State: bytes.Clone(m.snapshot.State)}, m.usable(ctx)
}

// Close implements [Journal]. It may be called more than once.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func (m *Memory) usable(ctx context.Context) error {
	switch {
	case m.closed:
		return ErrClosed
	case m.poisoned != nil:
		return fmt.Errorf("%w: %w", ErrPoisoned, m.poisoned)
	}
	return ctx.Err()
}
