package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// Trees keeps scratch trees; it is a [phases.Trees]. It is safe for concurrent use on different folders.
type Trees struct {
	blobs  checkpoint.Blobs
	limits Limits

	mu     sync.Mutex
	caches map[string]*statCache
}

var _ phases.Trees = (*Trees)(nil)

// NewTrees keeps the content of trees in blobs.
func NewTrees(blobs checkpoint.Blobs, l Limits) *Trees {
	return &Trees{blobs: blobs, limits: l.withDefaults(), caches: map[string]*statCache{}}
}

func (t *Trees) cache(dir string) *statCache {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.caches[dir] == nil {
		t.caches[dir] = &statCache{}
	}
	return t.caches[dir]
}

// Move implements [phases.Trees].
func (t *Trees) Move(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("move tree: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.caches, to)
	if c, ok := t.caches[from]; ok {
		t.caches[to] = c
		delete(t.caches, from)
	}
	return nil
}

// Remove implements [phases.Trees].
func (t *Trees) Remove(dir string) error {
	t.mu.Lock()
	delete(t.caches, dir)
	t.mu.Unlock()
	if err := os.RemoveAll(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("remove tree: %w", err)
	}
	return nil
}

// Scan implements [phases.Trees]. Only files that changed since the last Scan or Materialise of this
// Trees are read. What may not be in a tree comes back as one *phases.TreeProblem that names the
// first place and counts the others: special and hard-linked files, links that leave the tree, names
// like .git, names that are not text, and what is beyond the limits.
func (t *Trees) Scan(ctx context.Context, dir string) (phases.Manifest, error) {
	m, err := t.scan(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("scan tree: %w", err)
	}
	return m, nil
}

func (t *Trees) scan(ctx context.Context, dir string) (m phases.Manifest, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	w := &walk{limits: t.limits, rules: rulesOnDisk}
	if err := w.enter(ctx, root, "", 0, rules{}); err != nil {
		return nil, err
	}
	s := &scan{root: root, limits: t.limits, cache: t.cache(dir), blobs: t.blobs}
	return s.all(ctx, w.out)
}

// all takes what was found, and gives it as a tree.
func (s *scan) all(ctx context.Context, out []found) (phases.Manifest, error) {
	for _, f := range out {
		if err := s.take(ctx, f); err != nil {
			return nil, err
		}
	}
	if err := s.flush(ctx); err != nil {
		return nil, err
	}
	if err := problem(s.problems); err != nil {
		return nil, err
	}
	slices.SortFunc(s.out, func(a, b phases.Entry) int { return strings.Compare(a.Path, b.Path) })
	return s.out, nil
}

// problem makes one error of many.
func problem(all []phases.TreeProblem) error {
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b phases.TreeProblem) int { return strings.Compare(a.Path, b.Path) })
	first := all[0]
	first.Path = fmt.Sprintf("%q", first.Path)
	for i, p := range all[1:] {
		if i == 9 {
			first.What += fmt.Sprintf("; and %d more", len(all)-10)
			break
		}
		first.What += fmt.Sprintf("; %q: %s", p.Path, p.What)
	}
	return &first
}

// scan gathers the entries of one tree.
type scan struct {
	root   *os.Root
	limits Limits
	cache  *statCache
	blobs  checkpoint.Blobs // nil: hash only

	out      phases.Manifest
	problems []phases.TreeProblem
	bytes    int64

	pending [][]byte // contents of waiting, not yet put
	waiting []waiting
	size    int64
}

// waiting is an entry whose content is to be put.
type waiting struct {
	f  found
	at time.Time
}

// Bounds of what is put at once.
const (
	batchFiles = 256
	batchBytes = 32 << 20
)

func (s *scan) take(ctx context.Context, f found) error {
	mode := modeOf(f.info)
	switch {
	case f.bad != "":
	case mode == 0:
		f.bad = "special file"
	case mode != phases.ModeSymlink && links(f.info) > 1:
		f.bad = "hard-linked file"
	case f.info.Size() > s.limits.FileBytes:
		f.bad = fmt.Sprintf("larger than %d bytes", s.limits.FileBytes)
	}
	if f.bad != "" {
		s.refuse(f.path, f.bad)
		return nil
	}
	if s.bytes += f.info.Size(); s.bytes > s.limits.Bytes {
		return &phases.TreeProblem{Path: f.path, What: fmt.Sprintf("the tree is larger than %d bytes", s.limits.Bytes)}
	}
	if mode != phases.ModeSymlink {
		if blob, ok := s.cache.find(f.path, f.info); ok {
			s.out = append(s.out, phases.Entry{Path: f.path, Mode: mode, Blob: blob, Size: f.info.Size()})
			return nil
		}
	}
	return s.read(ctx, f, mode)
}

func (s *scan) read(ctx context.Context, f found, mode uint32) error {
	at := time.Now()
	c, err := content(s.root, f.path, f.info, s.limits.FileBytes)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, errTooLarge) {
		s.refuse(f.path, "cannot be read: "+strings.TrimPrefix(err.Error(), f.path))
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %q: %w", f.path, err)
	}
	if mode == phases.ModeSymlink {
		if bad := checkLink(s.root, f.path, string(c)); bad != "" {
			s.refuse(f.path, bad)
			return nil
		}
	}
	s.pending, s.waiting, s.size = append(s.pending, c), append(s.waiting, waiting{f, at}), s.size+int64(len(c))
	if len(s.pending) < batchFiles && s.size < batchBytes {
		return nil
	}
	return s.flush(ctx)
}

func (s *scan) refuse(path, what string) {
	s.problems = append(s.problems, phases.TreeProblem{Path: path, What: what})
}

// flush puts what was read; only then is it remembered.
func (s *scan) flush(ctx context.Context) error {
	hashes, err := s.put(ctx)
	if err != nil {
		return err
	}
	for i, w := range s.waiting {
		s.out = append(s.out, phases.Entry{Path: w.f.path, Mode: modeOf(w.f.info), Blob: hashes[i], Size: int64(len(s.pending[i]))})
		if int64(len(s.pending[i])) == w.f.info.Size() {
			s.cache.note(w.f.path, w.f.info, hashes[i], w.at)
		}
	}
	s.pending, s.waiting, s.size = nil, nil, 0
	return nil
}

func (s *scan) put(ctx context.Context) ([]checkpoint.Hash, error) {
	if s.blobs != nil {
		return checkpoint.PutAll(ctx, s.blobs, s.pending)
	}
	hashes := make([]checkpoint.Hash, len(s.pending))
	for i, c := range s.pending {
		hashes[i] = checkpoint.HashOf(c)
	}
	return hashes, ctx.Err()
}
