package phases

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// mostShelved is how many entries, of all manifests together, a shelf holds; one manifest has room whatever its size.
const mostShelved = 100_000

// Keep stores a manifest among the blobs; its hash is the tree's identity. ReadManifest reads it back.
func Keep(ctx context.Context, blobs checkpoint.Blobs, m Manifest) (checkpoint.Hash, error) {
	return (*shelf)(nil).keep(ctx, blobs, m)
}

// ReadManifest reads a manifest by the identity of its tree; "" is the empty tree.
func ReadManifest(ctx context.Context, blobs checkpoint.Blobs, tree checkpoint.Hash) (Manifest, error) {
	return (*shelf)(nil).fetch(ctx, blobs, tree)
}

// keep and fetch are Keep and ReadManifest of the engine's own blobs.
func (e *Engine) keep(ctx context.Context, m Manifest) (checkpoint.Hash, error) {
	return e.shelf.keep(ctx, e.Blobs, m)
}

func (e *Engine) fetch(ctx context.Context, h checkpoint.Hash) (Manifest, error) {
	return e.shelf.fetch(ctx, e.Blobs, h)
}

// shelf holds the manifests that were read and written lately, so that none is read or written twice. Its
// manifests MUST not be changed. The zero value is an empty one, and nil holds none; it is safe for concurrent use.
type shelf struct {
	mu      sync.Mutex
	known   map[checkpoint.Hash]shelved
	recent  []checkpoint.Hash // the latest last
	entries int
}

type shelved struct {
	tree Manifest
	kept bool // this process has put it: it is durable
}

// weight is its share of what a shelf holds; a small one weighs something, too.
func (m shelved) weight() int { return max(len(m.tree), 100) }

// keep stores a manifest as a blob; its hash is the tree's identity.
func (s *shelf) keep(ctx context.Context, blobs checkpoint.Blobs, m Manifest) (checkpoint.Hash, error) {
	raw := m.Encode()
	h := checkpoint.HashOf(raw)
	if s.find(h).kept {
		return h, nil
	}
	if _, err := blobs.Put(ctx, raw); err != nil {
		return "", fmt.Errorf("keep manifest: %w", err)
	}
	s.put(h, shelved{m, true})
	return h, nil
}

// fetch reads a manifest by the identity of its tree.
func (s *shelf) fetch(ctx context.Context, blobs checkpoint.Blobs, h checkpoint.Hash) (Manifest, error) {
	if h == "" {
		return nil, nil
	}
	if known := s.find(h); known.tree != nil {
		return known.tree, nil
	}
	raw, err := blobs.Get(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", h, err)
	}
	m, err := DecodeManifest(raw)
	if err == nil {
		s.put(h, shelved{tree: m})
	}
	return m, err
}

func (s *shelf) find(h checkpoint.Hash) shelved {
	if s == nil {
		return shelved{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.known[h]
	if ok {
		i := slices.Index(s.recent, h)
		s.recent = append(slices.Delete(s.recent, i, i+1), h)
	}
	return known
}

func (s *shelf) put(h checkpoint.Hash, m shelved) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.known[h]; ok {
		s.known[h] = m
		return
	}
	if s.known == nil {
		s.known = map[checkpoint.Hash]shelved{}
	}
	s.known[h], s.recent, s.entries = m, append(s.recent, h), s.entries+m.weight()
	for s.entries > mostShelved && len(s.recent) > 1 {
		oldest := s.recent[0]
		s.entries -= s.known[oldest].weight()
		delete(s.known, oldest)
		s.recent = slices.Delete(s.recent, 0, 1)
	}
}
