package checkpoint

import (
	"context"
	"io"
)

// Hash is the SHA-256 of a blob's content in lower-case hex; "" means no blob.
type Hash string

// Blobs keeps content once, under its hash. Implementations MUST be safe for concurrent use.
type Blobs interface {
	// Put stores content durably (it survives power loss once Put has returned) and returns its hash.
	// Content that is already there is not written again.
	Put(ctx context.Context, content []byte) (Hash, error)
	// Get returns the content; ErrNotFound when it is lost, ErrCorrupt when it does not fit its hash.
	Get(ctx context.Context, h Hash) ([]byte, error)
	// Open is Get as a stream; a mismatch shows as ErrCorrupt at the end of reading.
	Open(ctx context.Context, h Hash) (io.ReadCloser, error)
	// Has says whether the blob is there, without reading it.
	Has(ctx context.Context, h Hash) (bool, error)
}

// Spool receives the bytes of an answer as they arrive. Names are file-safe and unique per send.
type Spool interface {
	io.Writer
	// Sync makes what was written so far survive power loss.
	Sync() error
	// Keep syncs and links the bytes into the blobs; the spool stays until Remove.
	Keep(ctx context.Context) (Hash, error)
	// Close ends writing and leaves the spool in place.
	Close() error
}

// Spools keeps spools by name. They outlive a crash: the name is the only way from an op back to
// an answer that was received and not yet recorded.
type Spools interface {
	Create(name string) (Spool, error)
	// Read returns what a spool holds; ErrNotFound when there is none.
	Read(name string) ([]byte, error)
	// Link keeps the bytes of an old spool among the blobs, as Spool.Keep does.
	Link(ctx context.Context, name string) (Hash, error)
	Remove(name string) error
	// List names all spools, sorted.
	List() ([]string, error)
}
