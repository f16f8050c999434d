package anthropic

import (
	"errors"
	"io"
)

// tracked is a body that remembers why reading it failed, as decoders wrap or replace the reason.
type tracked struct {
	io.ReadCloser
	err error // of Read, other than the end
}

// Read implements [io.Reader].
func (t *tracked) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}
