package claudecode

import (
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The queue holds no more than it may: whoever puts more waits, until some is taken or there is hurry.
func TestQueueBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, hurry := newQueue(10), make(chan struct{})
		var put atomic.Int32
		go func() {
			for put.Load() < 6 {
				q.put(&Unknown{}, 8, hurry)
				put.Add(1)
			}
			q.end(nil)
		}()
		expect := func(when string, want int32) {
			t.Helper()
			if synctest.Wait(); put.Load() != want {
				t.Errorf("%s: %d are put, want %d", when, put.Load(), want)
			}
		}
		expect("at first", 2) // the second does not fit, but the first leaves room
		if _, err, ok := q.take(nil); err != nil || !ok {
			t.Error(err)
		}
		expect("one taken", 3)
		close(hurry)
		expect("hurry", 6)
		for range 5 {
			q.take(nil)
		}
		if _, err, _ := q.take(nil); err != io.EOF {
			t.Errorf("got %v at the end", err)
		}
	})
}

// Silence is told once, in a turn, when nothing has come for the limit, and no callback of ours is what takes the time.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var turn turnState
		var told atomic.Int32
		begin := time.Now()
		w := newWatch(10*time.Second, func(last time.Time) {
			told.Add(1)
			if last.Before(begin) || last.After(time.Now()) {
				t.Errorf("got last line at %s", last)
			}
		}, &turn)
		turn.begun = w.touch
		defer w.close()
		step := func(what string, d time.Duration, want int32) {
			t.Helper()
			time.Sleep(d)
			if synctest.Wait(); told.Load() != want {
				t.Errorf("%s: told %d times, want %d", what, told.Load(), want)
			}
		}
		step("before a turn", time.Minute+5*time.Second, 0)
		turn.sent()
		step("in a turn, not yet", 9*time.Second, 0)
		w.touch()
		step("a line came", 9*time.Second, 0)
		step("silence", 2*time.Second, 1)
		step("the same silence", time.Minute, 1)
		w.touch()
		w.serve(1)
		step("a callback takes its time", time.Minute, 1)
		w.serve(-1)
		step("it has ended", 9*time.Second, 1)
		step("and then nothing", 12*time.Second, 2)
		turn.note(&Result{})
		w.touch()
		step("the turn has ended", time.Minute, 2)
		w.close()
		turn.sent()
		step("closed", time.Minute, 2)
	})
}
