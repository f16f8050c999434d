package claudecode

import (
	"io"
	"sync"
)

// queue holds messages between the reader and whoever takes them. It is bounded by bytes: the reader waits while more
// than max are held, so that a slow taker slows the CLI down rather than filling the memory.
type queue struct {
	max int

	mu      sync.Mutex
	items   []queued
	bytes   int
	ended   bool
	err     error         // what comes after the last message; io.EOF for a good end
	changed chan struct{} // closed and replaced whenever something above changes
}

type queued struct {
	msg  Message
	size int
}

func newQueue(limit int) *queue { return &queue{max: limit, changed: make(chan struct{})} }

func (q *queue) signal() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// put adds a message. It waits for room, but not once hurry is closed: then what is left is small.
func (q *queue) put(m Message, size int, hurry <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes > q.max {
		changed := q.changed
		q.mu.Unlock()
		stop := false
		select {
		case <-changed:
		case <-hurry:
			stop = true
		}
		q.mu.Lock()
		if stop {
			break
		}
	}
	q.items = append(q.items, queued{m, size})
	q.bytes += size
	q.signal()
}

// end says that no message follows, and why. The first end counts.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return
	}
	if err == nil {
		err = io.EOF
	}
	q.ended, q.err = true, err
	q.signal()
}

// take returns the next message, or the end. ok is false when stop was closed first.
func (q *queue) take(stop <-chan struct{}) (m Message, err error, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if len(q.items) > 0 {
			it := q.items[0]
			q.items[0] = queued{}
			q.items = q.items[1:]
			q.bytes -= it.size
			q.signal()
			return it.msg, nil, true
		}
		if q.ended {
			return nil, q.err, true
		}
		changed := q.changed
		q.mu.Unlock()
		select {
		case <-changed:
		case <-stop:
			q.mu.Lock()
			return nil, nil, false
		}
		q.mu.Lock()
	}
}
