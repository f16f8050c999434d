package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// snapshotEvery is how many records must at least follow a snapshot before the next one is kept; and
// they must be as large as that snapshot, so that a large state is not written over and over: all
// snapshots together cost about what the records do, and opening reads no more than twice the state.
const snapshotEvery = 512

// Observer is told of records after they are durable, in order, by the writer's goroutine. It must
// not block for long, and must not keep s.
type Observer interface {
	Observe(envs []checkpoint.Envelope, s *State)
}

// Rester is an Observer that puts work off while records pour in: it is told, by the same goroutine,
// when none have come for a moment.
type Rester interface {
	Rest(s *State)
}

// restAfter is how long no record must have come for an observer to catch up.
const restAfter = 50 * time.Millisecond

// Writer is the one writer of a build: one goroutine owns the state and the guard. Whoever wants a
// fact recorded submits it; all that wait are written in one transaction, applied, and answered.
// It is safe for concurrent use. Close it to stop the goroutine.
type Writer struct {
	journal   checkpoint.Journal
	observers []Observer
	now       func() time.Time
	submit    chan *submission
	quit      chan struct{}
	done      chan struct{}
	mu        sync.RWMutex        // held by run while state or failed change, and by whoever reads them elsewhere
	state     *State              // changed by run only
	later     []checkpoint.Record // applied, and ride with the next append; owned by run
	snapped   uint64
	snapSize  int // bytes of the newest snapshot of this process
	since     int // bytes of the records after it
	failed    error
	room      atomic.Pointer[chan struct{}] // closed and replaced when a hold ends
}

// submission is one wish: decide looks at the state and returns the facts to record. It runs in the
// writer's goroutine. With later set the facts ride with the next append and are answered at once.
type submission struct {
	decide func(*State) ([]Fact, error)
	later  bool
	reply  chan error
}

// OpenWriter folds the journal and starts the writer. now nil means the real clock.
func OpenWriter(ctx context.Context, j checkpoint.Journal, now func() time.Time, obs ...Observer) (*Writer, error) {
	s, snapped, err := Load(ctx, j)
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	w := &Writer{
		journal: j, observers: obs, now: now, state: s, snapped: snapped,
		submit: make(chan *submission), quit: make(chan struct{}), done: make(chan struct{}),
	}
	w.free()
	go w.run(context.WithoutCancel(ctx))
	return w, nil
}

// Load folds a journal from its newest snapshot. It also returns the snapshot's sequence number. A
// snapshot that is damaged, or that another version of the fold made, is passed over: the records
// tell everything.
func Load(ctx context.Context, j checkpoint.Journal) (*State, uint64, error) {
	s := NewState()
	snap, err := j.Snapshot(ctx)
	if errors.Is(err, checkpoint.ErrCorrupt) {
		snap, err = checkpoint.Snapshot{}, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read snapshot: %w", err)
	}
	if snap.Seq > 0 {
		var kept State // not from NewState: an older snapshot has no form
		if err := json.Unmarshal(snap.State, &kept); err != nil || kept.Form != stateForm || kept.Seq != snap.Seq {
			snap.Seq = 0
		} else {
			s = &kept
			if s.Tasks == nil {
				s.Tasks = map[planner.TaskID]*TaskState{}
			}
		}
	}
	if err := j.Read(ctx, s.Seq, s.ApplyEnvelope); err != nil {
		return nil, 0, fmt.Errorf("fold journal: %w", err)
	}
	return s, snap.Seq, nil
}

// Record makes facts durable and applies them, all or none.
func (w *Writer) Record(ctx context.Context, facts ...Fact) error {
	return w.Decide(ctx, func(*State) ([]Fact, error) { return facts, nil })
}

// Decide runs fn on the state, in the writer's goroutine, and records what it returns. fn must not
// block and must not keep or change the state.
func (w *Writer) Decide(ctx context.Context, fn func(*State) ([]Fact, error)) error {
	return w.send(ctx, &submission{decide: fn, reply: make(chan error, 1)})
}

// Later applies a fact at once and makes it durable with the next record. It is for outcomes that
// can be had again for nothing, like what a read-only tool answered.
func (w *Writer) Later(ctx context.Context, f Fact) error {
	return w.send(ctx, &submission{decide: func(*State) ([]Fact, error) { return []Fact{f}, nil }, later: true, reply: make(chan error, 1)})
}

// View runs fn on the state, beside other views; fn must change nothing and copy what it wants to keep.
// It does not wait for the disk, so the state may be ahead of the journal. That is safe because the
// journal keeps the order: whatever is recorded for what fn saw is durable only when that is, and
// nothing leaves the program before its own record is.
func (w *Writer) View(ctx context.Context, fn func(*State)) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-w.done:
		return errClosed
	default:
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.failed != nil {
		return w.failed
	}
	defer bug.Catch(&err)
	fn(w.state)
	return nil
}

// Intend admits a call and reserves its worst case durably, before anything leaves. The error is a
// *budget.Refusal when the call does not fit. It is the meter's ledger.
func (w *Writer) Intend(ctx context.Context, ask budget.Ask) (budget.Hold, error) {
	var hold budget.Hold
	if err := faultpoint.At("intent.before_tx"); err != nil {
		return hold, err
	}
	err := w.Decide(ctx, func(s *State) ([]Fact, error) {
		h, err := s.Guard.Admit(ask)
		if err == nil && h.MaxTokens < ask.MaxTokens {
			err = heldByOthers(s, h) // an answer is not cut short for what may come back
		}
		hold = h
		if err != nil {
			return nil, err
		}
		return []Fact{CallIntended{Hold: h}}, nil
	})
	faultpoint.Pass("intent.after_tx")
	return hold, err
}

// heldByOthers refuses a hold that is smaller than was asked for while other calls hold something.
func heldByOthers(s *State, h budget.Hold) error {
	for _, scope := range h.Scopes {
		if used, limit := s.Guard.Account(scope), s.Guard.Limit(scope); used.Held > 0 {
			return &budget.Refusal{Scope: scope, Cap: int64(limit.USD), Used: int64(used.Used()), Held: int64(used.Held), Need: int64(h.Money)}
		}
	}
	return nil
}

// freed is closed when a hold ends after this call.
func (w *Writer) freed() <-chan struct{} { return *w.room.Load() }

// free wakes all that wait for room.
func (w *Writer) free() {
	fresh := make(chan struct{})
	if old := w.room.Swap(&fresh); old != nil {
		close(*old)
	}
}

// Settle makes the outcome of a send durable and frees its hold. It ignores the end of ctx: money
// that was spent is booked whatever happens to whoever asked.
func (w *Writer) Settle(ctx context.Context, st budget.Settlement) error {
	ctx = context.WithoutCancel(ctx)
	if err := faultpoint.At("settle.before_tx"); err != nil {
		return err
	}
	if err := w.Record(ctx, CallAnswered{st}); err != nil {
		return err
	}
	faultpoint.Pass("settle.after_tx")
	return w.warn(ctx, nil)
}

// Close waits for what was submitted, keeps a snapshot and stops the goroutine. The journal stays open.
func (w *Writer) Close(ctx context.Context) error {
	close(w.quit)
	<-w.done
	if w.failed != nil {
		return w.failed
	}
	return w.snapshot(ctx)
}

func (w *Writer) send(ctx context.Context, sub *submission) error {
	select {
	case w.submit <- sub:
	case <-w.done:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-sub.reply // once taken it is answered soon, whatever ctx says
}

var errClosed = errors.New("the build's writer is closed")

func (w *Writer) run(ctx context.Context) {
	defer close(w.done)
	rest := time.NewTimer(restAfter)
	defer rest.Stop()
	for {
		select {
		case sub := <-w.submit:
			before := w.state.Seq
			w.batch(ctx, w.gather(sub))
			if w.state.Seq != before {
				rest.Reset(restAfter)
			}
		case <-rest.C:
			w.rest()
		case <-w.quit:
			if len(w.later) > 0 && w.failed == nil {
				w.batch(ctx, nil)
			}
			w.rest()
			return
		}
	}
}

func (w *Writer) rest() {
	if w.failed != nil {
		return // the state is ahead of the journal
	}
	w.fail(bug.Guarded(func() error {
		for _, o := range w.observers {
			if r, ok := o.(Rester); ok {
				r.Rest(w.state)
			}
		}
		return nil
	})())
}

// fail ends all writing with err, if there is one.
func (w *Writer) fail(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = err
}

// gather takes all that wait besides first.
func (w *Writer) gather(first *submission) []*submission {
	subs := []*submission{first}
	for {
		select {
		case sub := <-w.submit:
			subs = append(subs, sub)
		default:
			return subs
		}
	}
}

// batch decides on all submissions, in order, each on the state that the ones before it leave, and
// writes what they want recorded in one transaction. Nobody is answered before it is durable.
func (w *Writer) batch(ctx context.Context, subs []*submission) {
	last := w.state.Seq - uint64(len(w.later))
	answers, write := w.decide(subs)
	if recs := w.later; write && w.failed == nil && len(recs) > 0 {
		w.later = nil
		w.fail(w.flush(ctx, last, recs))
	}
	for i, sub := range subs {
		if answers[i] == nil && w.failed != nil {
			answers[i] = w.failed
		}
		sub.reply <- answers[i]
	}
}

// decide applies what the submissions want recorded, and says whether it must be written now.
func (w *Writer) decide(subs []*submission) (answers []error, write bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	answers, write = make([]error, len(subs)), len(subs) == 0
	for i, sub := range subs {
		if w.failed != nil {
			answers[i] = w.failed
			continue
		}
		facts, err := w.ask(sub)
		if err != nil {
			answers[i] = err
			continue
		}
		for _, f := range facts {
			rec, err := w.apply(f)
			if err != nil {
				w.failed = err
				break
			}
			w.later = append(w.later, rec)
			write = write || !sub.later
		}
	}
	return answers, write
}

// ask lets sub decide. One that panics may have changed the state, so nothing more is written.
func (w *Writer) ask(sub *submission) (facts []Fact, err error) {
	defer bug.Catch(&w.failed)
	return sub.decide(w.state)
}

// apply folds f and encodes it with the same time, so that a later fold gives the same state.
func (w *Writer) apply(f Fact) (rec checkpoint.Record, err error) {
	defer bug.Catch(&err)
	at := w.now().UTC().Round(0)
	if err := w.state.Apply(f, at); err != nil {
		return checkpoint.Record{}, fmt.Errorf("apply %s: %w", f.kind(), err)
	}
	return Encode(f, at)
}

// flush appends recs after sequence number last. A failure is ambiguous, so nothing more is written
// by this process.
func (w *Writer) flush(ctx context.Context, last uint64, recs []checkpoint.Record) (err error) {
	defer bug.Catch(&err)
	end, err := w.journal.Append(ctx, last, recs)
	if err != nil {
		return fmt.Errorf("append to journal: %w", err)
	}
	if end != w.state.Seq {
		return fmt.Errorf("append to journal: it ends at %d, the state at %d: %w", end, w.state.Seq, checkpoint.ErrCorrupt)
	}
	envs := make([]checkpoint.Envelope, len(recs))
	for i, r := range recs {
		w.since += len(r.Payload)
		envs[i] = checkpoint.Envelope{Seq: last + uint64(i) + 1, Schema: checkpoint.Schema, Kind: r.Kind, Time: r.Time, Payload: r.Payload}
	}
	for _, o := range w.observers {
		o.Observe(envs, w.state)
	}
	if slices.ContainsFunc(recs, func(r checkpoint.Record) bool {
		return r.Kind == string(KindCallAnswered) || r.Kind == string(KindCapsRaised)
	}) {
		w.free()
	}
	if w.state.Seq-w.snapped >= snapshotEvery && w.since >= w.snapSize {
		return w.snapshot(ctx)
	}
	return nil
}

func (w *Writer) snapshot(ctx context.Context) error {
	if w.state.Seq == w.snapped {
		return nil
	}
	if err := faultpoint.At("snapshot.save"); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	raw, err := json.Marshal(w.state)
	if err != nil {
		return fmt.Errorf("encode snapshot: %w", err)
	}
	if err := w.journal.Save(ctx, checkpoint.Snapshot{Seq: w.state.Seq, State: raw}); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	w.snapped, w.snapSize, w.since = w.state.Seq, len(raw), 0
	return nil
}
