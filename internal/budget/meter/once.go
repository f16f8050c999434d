package meter

import (
	"bytes"
	"errors"
	"sync"
)

// onceBody is the body of a request that can be read once and knows whether any of it was: a call
// none of whose body was read surely never left.
type onceBody struct {
	mu     sync.Mutex
	rest   *bytes.Reader
	read   bool
	sealed bool
}

var errSealed = errors.New("the call has been given up")

// Read hands out the body until it is sealed.
func (b *onceBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sealed {
		return 0, errSealed
	}
	b.read = true
	return b.rest.Read(p)
}

// Close does nothing; a transport may call it at any time.
func (b *onceBody) Close() error { return nil }

// seal ends reading for good and says whether anything had been read.
func (b *onceBody) seal() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sealed = true
	return b.read
}
