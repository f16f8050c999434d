package claudecode

import "io"

// Argv is the command line, for tests.
func (o *Options) Argv() ([]string, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return o.argv()
}

// Initialize is the body of the first request, for tests.
func (o *Options) Initialize() map[string]any {
	return o.initialize((&host{}).matchers())
}

// Lines reads all lines that are whole, for tests.
func Lines(r io.Reader, limit int) (lines []string, rest string, err error) {
	l := newLineReader(r, limit)
	for {
		line, whole, err := l.next()
		switch {
		case err == io.EOF:
			return lines, rest, nil
		case err != nil:
			return lines, string(line), err
		case whole:
			lines = append(lines, string(line))
		default:
			rest = string(line)
		}
	}
}
