package meter

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// errFrame means that a stream cannot be cut into frames that every reader would cut alike.
var errFrame = errors.New("malformed event stream")

// frame is one server-sent event. Its bytes are valid until the cutter is fed again.
type frame struct {
	raw   []byte // as it came, with the blank line that ends it
	event string // the event field; "" without one
	data  []byte // the data lines joined by line feeds, nil without one
}

// cutter cuts a stream into frames. Lines may be of any length; a frame may have at most max bytes.
//
// The rules are:
//   - a line ends with LF or CR LF; a CR anywhere else is refused, since readers differ on it, and
//     so is a byte order mark;
//   - an empty line ends a frame; what has no empty line behind it is no frame.
type cutter struct {
	max  int
	buf  []byte
	line int // where the line begins that is being read
	scan int // where the search for its end goes on
	some bool
}

func (c *cutter) feed(p []byte) { c.buf = append(c.buf, p...) }

// next returns the next complete frame, or false when more bytes are needed.
func (c *cutter) next() (frame, bool, error) {
	if !c.some && len(c.buf) >= 3 {
		if bytes.HasPrefix(c.buf, []byte("\xef\xbb\xbf")) {
			return frame{}, false, fmt.Errorf("%w: byte order mark", errFrame)
		}
		c.some = true
	}
	for {
		i := bytes.IndexByte(c.buf[c.scan:], '\n')
		if i < 0 {
			c.scan = len(c.buf)
			if c.scan > c.max {
				return frame{}, false, fmt.Errorf("%w: frame of more than %d bytes", errFrame, c.max)
			}
			return frame{}, false, nil
		}
		end := c.scan + i + 1
		empty := len(bytes.TrimSuffix(c.buf[c.line:end-1], []byte{'\r'})) == 0
		c.line, c.scan = end, end
		if end > c.max {
			return frame{}, false, fmt.Errorf("%w: frame of more than %d bytes", errFrame, c.max)
		}
		if !empty {
			continue
		}
		raw := c.buf[:end:end]
		c.buf, c.line, c.scan = c.buf[end:], 0, 0
		f, err := parseFrame(raw)
		return f, err == nil, err
	}
}

func parseFrame(raw []byte) (frame, error) {
	f := frame{raw: raw}
	lines := 0
	for line := range bytes.Lines(raw) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'})
		if bytes.IndexByte(line, '\r') >= 0 {
			return f, fmt.Errorf("%w: carriage return inside a line", errFrame)
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(name) {
		case "event":
			f.event = string(value)
		case "data":
			if lines++; lines > 1 {
				value = slices.Concat(f.data, []byte{'\n'}, value)
			}
			f.data = or(value, []byte{})
		}
	}
	return f, nil
}
