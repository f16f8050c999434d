package claudecode

import (
	"bufio"
	"errors"
	"io"
)

// The rules of framing are:
//
//   - A line ends with a line break; blank lines mean nothing.
//   - A line that does not begin with '{' is noise of something that shares the CLI's stdout: it is skipped.
//   - A whole line that begins with '{' and is no JSON is an error, and so is one longer than the limit.
//   - What follows the last line break counts when it is whole JSON, and is the torn end of a killed process otherwise.

const defaultMaxLine = 64 << 20

// lineReader cuts a stream into lines of any length up to max.
type lineReader struct {
	r   *bufio.Reader
	max int
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, min(64<<10, limit+1)), max: limit}
}

// next returns a line without its line break, and whether it had one. The slice is the caller's. After the last line
// it returns io.EOF. A line that is too long is [ErrLineTooLong] with its beginning.
func (l *lineReader) next() (line []byte, whole bool, err error) {
	for {
		part, err := l.r.ReadSlice('\n')
		n := len(part)
		if err == nil {
			n-- // the line break does not count
		}
		if len(line)+n > l.max {
			return append(line, part[:max(0, min(n, l.max-len(line)))]...), false, ErrLineTooLong
		}
		line = append(line, part[:n]...)
		switch {
		case err == nil:
			return line, true, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, false, nil
		default:
			return nil, false, err
		}
	}
}
