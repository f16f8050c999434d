package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

const (
	suffix = ".zst"
	tmpDir = "tmp"
	window = 1 << 20 // of the compressor, in bytes
)

// Store is a [checkpoint.Blobs] in a folder. It is safe for concurrent use, also by many processes.
type Store struct {
	dir  string
	disk Disk
	enc  *zstd.Encoder
	dec  *zstd.Decoder

	mu   sync.Mutex
	made map[string]bool // fan-out folders known to be durable

	// fault, in tests, is asked before each step that can fail.
	fault func(step string) error
}

// Open opens the store in dir and makes the folder where there is none.
func Open(dir string) (*Store, error) { return OpenOn(nil, dir) }

// OpenOn is Open on another file system than this machine's.
func OpenOn(disk Disk, dir string) (*Store, error) {
	if disk == nil {
		disk = realDisk{}
	}
	s := &Store{dir: dir, disk: disk, made: map[string]bool{}}
	if err := disk.MkdirAll(filepath.Join(dir, tmpDir), 0o700); err != nil {
		return nil, fmt.Errorf("open blobs: %w", spaceError(err))
	}
	if err := s.syncDirs(dir, filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	var err error
	s.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	s.dec, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return s, nil
}

// Get implements [checkpoint.Blobs].
func (s *Store) Get(ctx context.Context, h checkpoint.Hash) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	content, err := s.get(h)
	if err != nil {
		return nil, fmt.Errorf("get %w", &checkpoint.BlobError{Blob: h, Err: err})
	}
	return content, nil
}

func (s *Store) get(h checkpoint.Hash) ([]byte, error) {
	path, err := s.find(h)
	if err != nil {
		return nil, err
	}
	content, err := s.disk.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, suffix) {
		if content, err = s.dec.DecodeAll(content, nil); err != nil {
			return nil, fmt.Errorf("%w: %w", checkpoint.ErrCorrupt, err)
		}
	}
	if checkpoint.HashOf(content) != h {
		return nil, fmt.Errorf("%w: content does not fit", checkpoint.ErrCorrupt)
	}
	return content, nil
}

// Has implements [checkpoint.Blobs].
func (s *Store) Has(ctx context.Context, h checkpoint.Hash) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	_, err := s.find(h)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// find returns the file of a blob.
func (s *Store) find(h checkpoint.Hash) (string, error) {
	if err := h.Check(); err != nil {
		return "", err
	}
	raw := s.path(h)
	for _, path := range []string{raw + suffix, raw} {
		if _, err := s.disk.Lstat(path); err == nil {
			return path, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", checkpoint.ErrNotFound
}

func (s *Store) path(h checkpoint.Hash) string {
	return filepath.Join(s.dir, string(h[:2]), string(h))
}

// List names all blobs, sorted. Files that are not blobs are passed over.
func (s *Store) List(ctx context.Context) ([]checkpoint.Hash, error) {
	var out []checkpoint.Hash
	fans, err := s.disk.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	for _, fan := range fans {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(fan.Name()) != 2 || !fan.IsDir() {
			continue
		}
		files, err := s.disk.ReadDir(filepath.Join(s.dir, fan.Name()))
		if err != nil {
			return nil, fmt.Errorf("list blobs: %w", err)
		}
		for _, f := range files {
			if h := checkpoint.Hash(strings.TrimSuffix(f.Name(), suffix)); h.Check() == nil {
				out = append(out, h)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Size is how many bytes a blob takes on disk.
func (s *Store) Size(h checkpoint.Hash) (int64, error) {
	path, err := s.find(h)
	if err != nil {
		return 0, fmt.Errorf("look at blob %s: %w", h, err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return 0, fmt.Errorf("look at blob %s: %w", h, err)
	}
	return info.Size(), nil
}

// Remove drops a blob; one that is not there is fine.
func (s *Store) Remove(ctx context.Context, h checkpoint.Hash) error {
	if err := errors.Join(ctx.Err(), h.Check()); err != nil {
		return fmt.Errorf("remove blob: %w", err)
	}
	for _, path := range []string{s.path(h), s.path(h) + suffix} {
		if err := s.disk.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove blob %s: %w", h, err)
		}
	}
	return nil
}

// Sweep removes temporary files last changed before the given time, which crashes left behind, and
// says how many. Nothing that is being written may be older than that.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	files, err := s.disk.ReadDir(filepath.Join(s.dir, tmpDir))
	if err != nil {
		return 0, fmt.Errorf("sweep blobs: %w", err)
	}
	n := 0
	for _, f := range files {
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && info.ModTime().Before(before) {
			n++
			err = s.disk.Remove(filepath.Join(s.dir, tmpDir, f.Name()))
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return n, fmt.Errorf("sweep blobs: %w", err)
		}
	}
	return n, nil
}

// Open implements [checkpoint.Blobs].
func (s *Store) Open(ctx context.Context, h checkpoint.Hash) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := s.find(h)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", h, err)
	}
	f, err := s.disk.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", h, err)
	}
	if !strings.HasSuffix(path, suffix) {
		return newReader(h, f, f.Close), nil
	}
	dec, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open blob %s: %w", h, err), f.Close())
	}
	return newReader(h, dec, func() error { dec.Close(); return f.Close() }), nil
}
