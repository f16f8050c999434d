package meter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// drainFor is how long Close waits for the end of the connection after a complete answer, so that it
// can be used again.
const drainFor = 50 * time.Millisecond

// body is a streamed answer as the caller reads it. Reads pull from the wire, so a slow reader slows
// the wire and memory stays bounded by a frame and what is withheld.
type body struct {
	fl       *flight
	wire     io.ReadCloser
	answer   follower
	unwatch  func() bool
	hangUp   func() error // closes the wire, once
	close    sync.Once
	complete atomic.Bool // the terminal frame has come and the settlement is durable

	closeErr error

	reading sync.Mutex // held by Read, also while it waits for the wire
	chunk   []byte     // what the wire fills

	mu      lock   // for what follows; nobody waits for the wire with it
	got     []byte // of the wire, on its way into the spool or there, and not followed yet
	seen    int64  // bytes that were followed
	frames  cutter
	ready   bytes.Buffer // may be seen
	held    bytes.Buffer // withheld
	holding bool
	limit   int
	last    func() // settles, once ready is empty: what may be seen does not wait for it
	err     error  // what Read returns once ready is empty and last is done
}

func newBody(ctx context.Context, fl *flight, wire io.ReadCloser, answer follower) *body {
	b := &body{fl: fl, wire: wire, hangUp: sync.OnceValue(wire.Close), answer: answer, chunk: make([]byte, 16<<10), mu: make(lock, 1), frames: cutter{max: maxFrame}, limit: maxWithheld}
	if fl.t.frameLimit > 0 {
		b.frames.max = fl.t.frameLimit
	}
	if fl.t.withheldLimit > 0 {
		b.limit = fl.t.withheldLimit
	}
	b.unwatch = context.AfterFunc(ctx, func() {
		fl.t.warn(bug.Guarded(func() error { return b.abandon("the call was cancelled before its answer was complete") })())
	})
	return b
}

// Read returns what may be seen, io.EOF after a complete answer, and an error in every other case.
func (b *body) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.ready.Len() == 0 {
		switch {
		case b.last != nil:
			b.finish()
		case b.err != nil:
			return 0, b.err
		default:
			b.fill()
		}
	}
	return b.ready.Read(p)
}

// finish settles what has come to its end.
func (b *body) finish() {
	b.last()
	b.last = nil // not before: whoever closes after a panic settles what has arrived
	b.unwatch()
}

// fill takes in what the wire has, spool first.
func (b *body) fill() {
	b.ready.Reset()
	if b.got != nil {
		b.catchUp()
		return
	}
	n, err := b.receive()
	if n > 0 {
		if b.fl.written == 0 {
			faultpoint.Pass("send.first_byte")
		}
		b.got = b.chunk[:n]
		_, serr := b.fl.Write(b.got)
		if serr == nil || b.gotAll() { // a sync that failed takes nothing out of the spool
			b.follow()
		}
		if serr != nil && b.last == nil {
			b.got, b.last = nil, func() { b.cut(serr) }
		}
	}
	if err != nil && b.last == nil {
		b.last = func() { b.cut(err) }
	}
}

// receive waits for the wire, and lets whoever abandons the answer come in between.
func (b *body) receive() (int, error) {
	b.mu.Unlock()
	defer b.mu.Lock()
	return b.wire.Read(b.chunk)
}

// catchUp follows what a panic has come before, if it is in the spool: it may be the end.
func (b *body) catchUp() {
	if b.gotAll() {
		b.follow()
		return
	}
	b.got = nil
	b.last = func() { b.cut(errors.New("a panic came before it was kept")) }
}

// gotAll says whether all that has come is in the spool.
func (b *body) gotAll() bool { return b.fl.spooled() == b.seen+int64(len(b.got)) }

// follow takes apart what has come.
func (b *body) follow() {
	got := b.got
	b.got, b.seen = nil, b.seen+int64(len(got))
	b.frames.feed(got)
	b.cutFrames()
}

func (b *body) cutFrames() {
	for b.last == nil {
		f, ok, err := b.frames.next()
		if err != nil {
			b.last = func() { b.cut(err) }
			return
		}
		if !ok {
			return
		}
		b.take(f)
	}
}

func (b *body) take(f frame) {
	switch b.answer.frame(f) {
	case idle:
		b.ready.Write(f.raw)
	case pass:
		b.let(f)
	case withhold:
		b.holding = true
		b.let(f)
	case terminal:
		b.holding = true
		if b.let(f); b.last == nil {
			b.last = b.end
		}
	case failed:
		b.last = func() { b.fail(f) }
	case broken:
		b.last = func() { b.cut(errFrame) }
	}
}

// let passes or withholds a frame.
func (b *body) let(f frame) {
	if !b.holding {
		b.ready.Write(f.raw)
		return
	}
	if b.held.Len()+len(f.raw) > b.limit {
		b.last = func() { b.cut(fmt.Errorf("more than %d bytes withheld", b.limit)) }
		return
	}
	b.held.Write(f.raw)
}

// end settles after the terminal frame and, only when that is durable, releases what was withheld.
func (b *body) end() {
	faultpoint.Pass("send.last_byte")
	out := b.answer.outcome()
	s := settlement(b.fl.hold, out)
	if s.Fate != budget.Answered {
		b.cut(errors.New(s.Error))
		return
	}
	counted, err := b.fl.settle(s)
	switch {
	case err != nil:
		b.err = err
	case !counted:
		b.err = fmt.Errorf("read answer of %s: %w", b.fl.hold.Op, ErrIncomplete)
	default:
		b.complete.Store(true)
		b.held.WriteTo(&b.ready) //nolint:errcheck // buffers do not fail
		b.err = io.EOF
	}
}

// fail hands the provider's error event on, without what was withheld before it.
func (b *body) fail(f frame) {
	_, err := b.fl.settle(settlement(b.fl.hold, b.answer.outcome()))
	if b.err = err; err == nil {
		b.ready.Write(f.raw)
		b.err = fmt.Errorf("read answer of %s: %w: %w", b.fl.hold.Op, ErrFailed, ErrIncomplete)
	}
	b.held.Reset()
}

// cut ends an answer that is not complete: booked as unknown, nothing withheld released.
func (b *body) cut(why error) {
	s := b.incomplete()
	if s.Error == "" || !errors.Is(why, io.EOF) {
		s.Error = clean(why.Error())
	}
	if errors.Is(why, io.EOF) {
		why = io.ErrUnexpectedEOF
	}
	_, err := b.fl.settle(s)
	b.err = errors.Join(fmt.Errorf("read answer of %s: %w: %w", b.fl.hold.Op, ErrIncomplete, why), err)
	b.held.Reset()
}

// incomplete is the settlement of an answer that is not complete, with what has been seen of it.
func (b *body) incomplete() budget.Settlement {
	s := settlement(b.fl.hold, b.answer.outcome())
	s.Fate, s.Usage, s.Cost = budget.Unknown, budget.Usage{}, 0
	return s
}

// Close settles as unknown what is not complete, and closes the connection.
func (b *body) Close() error {
	b.close.Do(func() {
		b.unwatch()
		err := b.abandon("the reader closed before the answer was complete")
		if b.complete.Load() {
			b.drain()
		}
		b.closeErr = errors.Join(err, b.hangUp())
	})
	return b.closeErr
}

// abandon settles an answer that nobody reads on: as unknown, unless its end has come already. Whoever
// reads is let through to where it waits for the wire, and finds the call settled when it comes back: what
// stands in the spool is what counts, also when its reader has not looked at it yet.
func (b *body) abandon(why string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.got != nil {
		b.catchUp()
	}
	if b.last != nil {
		b.finish()
	}
	s := b.incomplete()
	s.Error = why
	_, err := b.fl.settle(s)
	return err
}

// drain reads the connection to its end, if that comes soon.
func (b *body) drain() {
	stop := time.AfterFunc(drainFor, func() { b.fl.t.warn(b.hangUp()) })
	defer stop.Stop()
	_, err := io.CopyN(io.Discard, b.wire, 4<<10)
	if err != nil && !errors.Is(err, io.EOF) {
		return // not usable again; nothing is lost
	}
}
