package claudecode

import (
	"bufio"
	"bytes"
	"io"
	"sync"
)

// tail keeps the end of what is written to stderr, and tells each line.
type tail struct {
	max  int
	each func(line string)

	mu  sync.Mutex
	buf []byte
}

// maxStderrLine is where a line without an end is told in pieces.
const maxStderrLine = 16 << 10

// read takes everything until the end, in pieces of at most a line.
func (t *tail) read(r io.Reader) {
	b := bufio.NewReaderSize(r, maxStderrLine)
	for {
		part, err := b.ReadSlice('\n')
		t.add(part)
		if text := bytes.TrimRight(part, "\r\n"); len(text) > 0 {
			t.tell(string(text))
		}
		if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // returned as it is
			return
		}
	}
}

func (t *tail) add(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.max; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
}

// tell calls the callback; a panic in it is its own business.
func (t *tail) tell(line string) {
	if t.each == nil {
		return
	}
	defer func() { _ = recover() }()
	t.each(line)
}

// String is the end as it is now.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
