package ladder

import (
	"os/exec"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// clip keeps the head and the tail of what is written to it, limit bytes together, and counts the
// rest. It never fails, so that a command is not stopped by its own noise.
type clip struct {
	limit   int64
	head    []byte
	ring    []byte // the tail, once head is full
	next    int    // where the next byte of the ring goes
	wrapped bool
	total   int64
}

// newClip returns a clip that keeps limit bytes, half of them from the start.
func newClip(limit int64) *clip { return &clip{limit: limit} }

// connect gives a command its streams: out and, beside it, stderr keep what the command does not want
// elsewhere.
func (c *clip) connect(cmd *exec.Cmd, want sandbox.Command, stderr *clip) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = want.Stdin, c, stderr
	if want.Stdout != nil {
		cmd.Stdout = want.Stdout
	}
	switch {
	case want.OneStream:
		cmd.Stderr = cmd.Stdout
	case want.Stderr != nil:
		cmd.Stderr = want.Stderr
	}
}

// Write takes all of p.
func (c *clip) Write(p []byte) (int, error) {
	n := len(p)
	c.total += int64(n)
	if room := int(c.limit/2) - len(c.head); room > 0 {
		take := min(room, len(p))
		c.head = append(c.head, p[:take]...)
		p = p[take:]
	}
	c.keepTail(p)
	return n, nil
}

// keepTail puts p into the ring; only its last bytes can matter.
func (c *clip) keepTail(p []byte) {
	size := int(c.limit - c.limit/2)
	if len(p) > size {
		p = p[len(p)-size:]
	}
	for len(p) > 0 {
		if len(c.ring) < size {
			take := min(size-len(c.ring), len(p))
			c.ring = append(c.ring, p[:take]...)
			p = p[take:]
			continue
		}
		take := copy(c.ring[c.next:], p)
		c.next = (c.next + take) % size
		c.wrapped = true
		p = p[take:]
	}
}

// Bytes is the head followed by the tail.
func (c *clip) Bytes() []byte {
	out := append([]byte(nil), c.head...)
	if !c.wrapped {
		return append(out, c.ring...)
	}
	out = append(out, c.ring[c.next:]...)
	return append(out, c.ring[:c.next]...)
}

// Dropped is how many bytes were written and not kept.
func (c *clip) Dropped() int64 { return c.total - int64(len(c.head)+len(c.ring)) }
