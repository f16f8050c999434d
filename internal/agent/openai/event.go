package openai

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// mostEvent bounds one event, in bytes.
const mostEvent = 16 << 20

// event is one server-sent event.
type event struct {
	name string // "" without one
	data []byte // the data lines joined by line feeds
}

// events reads server-sent events. The rules are:
//
//   - lines end with LF or CR LF;
//   - an empty line ends an event; what has none behind it is no event;
//   - comments, ids, retry times and fields that are not known are left out;
//   - an event without data is none.
type events struct{ lines *bufio.Reader }

func newEvents(r io.Reader) *events { return &events{bufio.NewReader(r)} }

// next is the next event; io.EOF when the stream has ended, also in the middle of one.
func (s *events) next() (event, error) {
	var e event
	some, size := false, 0
	for {
		line, err := s.line(mostEvent - size)
		if err != nil {
			return event{}, err
		}
		size += len(line)
		if len(line) == 0 {
			if some {
				return e, nil
			}
			e = event{}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		value = bytes.TrimPrefix(value, []byte{' '})
		switch string(name) {
		case "event":
			e.name = string(value)
		case "data":
			if some {
				e.data = append(e.data, '\n')
			}
			e.data, some = append(e.data, value...), true
		}
	}
}

// line is the next line without its end.
func (s *events) line(most int) ([]byte, error) {
	var line []byte
	for {
		part, err := s.lines.ReadSlice('\n')
		if len(line)+len(part) > most {
			return nil, protocol("an event of more than %d bytes", mostEvent)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'}), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
