package checkpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
)

// HashOf names content.
func HashOf(content []byte) Hash {
	sum := sha256.Sum256(content)
	return Hash(hex.EncodeToString(sum[:]))
}

// MemoryBlobs keeps blobs and spools as long as the process lives, for tests and simulations. The
// zero value is empty.
type MemoryBlobs struct {
	mu     sync.Mutex
	blobs  map[Hash][]byte
	spools map[string]*memorySpool
}

// Put implements [Blobs].
func (b *MemoryBlobs) Put(ctx context.Context, content []byte) (Hash, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	h := HashOf(content)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blobs == nil {
		b.blobs = map[Hash][]byte{}
	}
	b.blobs[h] = bytes.Clone(content)
	return h, nil
}

// Get implements [Blobs].
func (b *MemoryBlobs) Get(ctx context.Context, h Hash) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok := b.blobs[h]
	if !ok {
		return nil, fmt.Errorf("get blob %s: %w", h, ErrNotFound)
	}
	if HashOf(content) != h {
		return nil, fmt.Errorf("get blob %s: %w", h, ErrCorrupt)
	}
	return append([]byte{}, content...), nil
}

// Open implements [Blobs]. A damaged blob shows at once.
func (b *MemoryBlobs) Open(ctx context.Context, h Hash) (io.ReadCloser, error) {
	content, err := b.Get(ctx, h)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// Has implements [Blobs].
func (b *MemoryBlobs) Has(ctx context.Context, h Hash) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.blobs[h]
	return ok, ctx.Err()
}

// Drop loses a blob, as a broken disk would.
func (b *MemoryBlobs) Drop(h Hash) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.blobs, h)
}

// Create implements [Spools].
func (b *MemoryBlobs) Create(name string) (Spool, error) {
	if err := CheckSpoolName(name); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spools[name] != nil {
		return nil, fmt.Errorf("create spool %s: %w", name, ErrExists)
	}
	if b.spools == nil {
		b.spools = map[string]*memorySpool{}
	}
	s := &memorySpool{blobs: b}
	b.spools[name] = s
	return s, nil
}

// Read implements [Spools].
func (b *MemoryBlobs) Read(name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.spools[name]
	if s == nil {
		return nil, fmt.Errorf("read spool %s: %w", name, ErrNotFound)
	}
	return append([]byte{}, s.content...), nil
}

// Copy implements [Spools].
func (b *MemoryBlobs) Copy(ctx context.Context, name string) (Hash, error) {
	content, err := b.Read(name)
	if err != nil {
		return "", err
	}
	return b.Put(ctx, content)
}

// Remove implements [Spools].
func (b *MemoryBlobs) Remove(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.spools, name)
	return nil
}

// List implements [Spools].
func (b *MemoryBlobs) List() ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	names := make([]string, 0, len(b.spools))
	for name := range b.spools {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

type memorySpool struct {
	blobs   *MemoryBlobs
	content []byte
	sealed  bool
}

func (s *memorySpool) Write(p []byte) (int, error) {
	s.blobs.mu.Lock()
	defer s.blobs.mu.Unlock()
	if s.sealed {
		return 0, fmt.Errorf("write spool: %w", ErrClosed)
	}
	s.content = append(s.content, p...)
	return len(p), nil
}

func (s *memorySpool) Sync() error { return nil }

func (s *memorySpool) Keep(ctx context.Context) (Hash, error) {
	s.blobs.mu.Lock()
	s.sealed = true
	content := s.content
	s.blobs.mu.Unlock()
	return s.blobs.Put(ctx, content)
}

func (s *memorySpool) Close() error {
	s.blobs.mu.Lock()
	defer s.blobs.mu.Unlock()
	s.sealed = true
	return nil
}
