package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
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

// Batch is a second power of [Blobs]: many at once for less than as many Puts. It is found by
// assertion.
type Batch interface {
	// PutAll is Put of each content; the hashes come in the same order. After an error none, some
	// or all are kept.
	PutAll(ctx context.Context, contents [][]byte) ([]Hash, error)
}

// PutAll stores contents as one batch where blobs can, else one by one.
func PutAll(ctx context.Context, blobs Blobs, contents [][]byte) ([]Hash, error) {
	if b, ok := blobs.(Batch); ok {
		return b.PutAll(ctx, contents)
	}
	hashes := make([]Hash, len(contents))
	for i, content := range contents {
		h, err := blobs.Put(ctx, content)
		if err != nil {
			return nil, err
		}
		hashes[i] = h
	}
	return hashes, nil
}

// Spool receives the bytes of an answer as they arrive. Names are file-safe and unique per send.
type Spool interface {
	io.Writer
	// Sync makes what was written so far survive power loss.
	Sync() error
	// Keep syncs and links the bytes into the blobs; the spool stays until Remove. It ends writing:
	// a later Write is ErrClosed. It may be called again.
	Keep(ctx context.Context) (Hash, error)
	// Close ends writing and leaves the spool in place. It may be called more than once.
	Close() error
}

// Spools keeps spools by name. They outlive a crash: the name is the only way from an op back to
// an answer that was received and not yet recorded.
type Spools interface {
	// Create starts a spool; ErrExists when there is one of that name, ErrInvalidName when the
	// name is not file-safe.
	Create(name string) (Spool, error)
	// Read returns what a spool holds; ErrNotFound when there is none.
	Read(name string) ([]byte, error)
	// Copy keeps the bytes of an old spool among the blobs, as a file of their own: it is not known
	// whether the process that wrote them could make them safe. The spool stays.
	Copy(ctx context.Context, name string) (Hash, error)
	// Remove drops a spool; one that is not there is fine. Blobs linked from it stay.
	Remove(name string) error
	// List names all spools, sorted.
	List() ([]string, error)
}

// BlobError says which blob cannot be read: it wraps ErrNotFound where it is lost, ErrCorrupt where
// it is damaged. It is found with errors.As.
type BlobError struct {
	Blob Hash
	Err  error
}

// Error names the blob.
func (e *BlobError) Error() string { return fmt.Sprintf("blob %s: %s", e.Blob, e.Err) }

// Unwrap gives why.
func (e *BlobError) Unwrap() error { return e.Err }

// ErrInvalidName means that a spool's name or a hash is not of the form that files are named by.
var ErrInvalidName = errors.New("name is not valid")

// CheckSpoolName accepts letters, digits, dots, tildes, dashes and underscores, up to 200, not starting
// with a dot or a tilde; else ErrInvalidName.
func CheckSpoolName(name string) error {
	if name == "" || len(name) > 200 || name[0] == '.' || name[0] == '~' || strings.ContainsFunc(name, notInSpoolName) {
		return fmt.Errorf("spool %q: %w", name, ErrInvalidName)
	}
	return nil
}

// Check says whether h has the form of a hash; else ErrInvalidName.
func (h Hash) Check() error {
	if len(h) != 64 || strings.ContainsFunc(string(h), notHex) {
		return fmt.Errorf("hash %q: %w", h, ErrInvalidName)
	}
	return nil
}

func notInSpoolName(r rune) bool {
	switch {
	case 'A' <= r && r <= 'Z', 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '.', r == '_', r == '~', r == '-':
		return false
	}
	return true
}

func notHex(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }
