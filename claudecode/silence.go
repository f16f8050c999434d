package claudecode

import (
	"sync"
	"time"
)

// watch knows when the CLI last printed a line, and tells of silence in a turn.
type watch struct {
	limit time.Duration
	tell  func(time.Time)
	turn  *turnState

	mu      sync.Mutex
	last    time.Time // the last line
	quiet   time.Time // since when silence counts
	serving int       // callbacks that run: their time is ours, not the CLI's
	told    bool      // of this silence
	timer   *time.Timer
	closed  bool
}

func newWatch(limit time.Duration, tell func(time.Time), turn *turnState) *watch {
	now := time.Now()
	w := &watch{limit: limit, tell: tell, turn: turn, last: now, quiet: now}
	if limit > 0 && tell != nil {
		w.mu.Lock() // look waits until its timer is known
		defer w.mu.Unlock()
		w.timer = time.AfterFunc(limit, w.look)
	}
	return w
}

// touch notes a line.
func (w *watch) touch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = time.Now()
	w.quiet, w.told = w.last, false
}

func (w *watch) lastLine() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// serve notes that callbacks begin (1) or end (-1).
func (w *watch) serve(delta int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving += delta
	w.quiet, w.told = time.Now(), false
}

// look runs when silence may have lasted long enough, and again when it next may have.
func (w *watch) look() {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	left := w.limit - time.Since(w.quiet)
	due := left <= 0 && w.serving == 0 && !w.told && w.turn.running()
	since := w.last
	if left <= 0 {
		left = w.limit
	}
	w.told = w.told || due
	w.timer.Reset(left)
	w.mu.Unlock()
	if due {
		w.tell(since)
	}
}

func (w *watch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
