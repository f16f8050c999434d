package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// Spools is a [checkpoint.Spools] in a folder on the file system of its store.
type Spools struct {
	store *Store
	dir   string
}

// OpenSpools opens the spools in dir and makes the folder where there is none.
func OpenSpools(store *Store, dir string) (*Spools, error) {
	if err := store.disk.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open spools: %w", spaceError(err))
	}
	if err := store.syncDirs(filepath.Dir(dir)); err != nil {
		return nil, fmt.Errorf("open spools: %w", err)
	}
	return &Spools{store: store, dir: dir}, nil
}

// Create implements [checkpoint.Spools].
func (s *Spools) Create(name string) (checkpoint.Spool, error) {
	if err := checkpoint.CheckSpoolName(name); err != nil {
		return nil, err
	}
	if err := faultpoint.At("spool.create"); err != nil {
		return nil, fmt.Errorf("create spool %s: %w", name, spaceError(err))
	}
	f, err := s.store.disk.OpenFile(filepath.Join(s.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create spool %s: %w", name, checkpoint.ErrExists)
	}
	if err != nil {
		return nil, fmt.Errorf("create spool %s: %w", name, spaceError(err))
	}
	return &spool{spools: s, name: name, file: f}, nil
}

// Read implements [checkpoint.Spools].
func (s *Spools) Read(name string) ([]byte, error) {
	if err := checkpoint.CheckSpoolName(name); err != nil {
		return nil, err
	}
	content, err := s.store.disk.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return nil, fmt.Errorf("read spool %s: %w", name, missing(err))
	}
	return content, nil
}

// Copy implements [checkpoint.Spools]. The file itself is not linked: where a sync of it failed in the
// process that wrote it, no later sync makes its bytes safe, though they can be read until the machine
// goes down.
func (s *Spools) Copy(ctx context.Context, name string) (checkpoint.Hash, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	content, err := s.Read(name)
	if err != nil {
		return "", err
	}
	return s.store.Put(ctx, content)
}

// link gives the file of a spool a second name among the blobs.
func (s *Spools) link(ctx context.Context, name string) (checkpoint.Hash, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	path := filepath.Join(s.dir, name)
	h, err := s.store.sumFile(path)
	if err != nil {
		return "", fmt.Errorf("link spool %s: %w", name, missing(err))
	}
	if err := s.store.link(ctx, path, h); err != nil {
		return "", fmt.Errorf("link spool %s: %w", name, spaceError(err))
	}
	return h, nil
}

// Remove implements [checkpoint.Spools].
func (s *Spools) Remove(name string) error {
	if err := checkpoint.CheckSpoolName(name); err != nil {
		return err
	}
	if err := faultpoint.At("spool.remove"); err != nil {
		return fmt.Errorf("remove spool %s: %w", name, err)
	}
	if err := s.store.disk.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove spool %s: %w", name, err)
	}
	return nil
}

// List implements [checkpoint.Spools].
func (s *Spools) List() ([]string, error) {
	files, err := s.store.disk.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("list spools: %w", err)
	}
	names := []string{}
	for _, f := range files {
		if f.Type().IsRegular() && checkpoint.CheckSpoolName(f.Name()) == nil {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// spool is one growing file.
type spool struct {
	spools *Spools
	name   string

	mu    sync.Mutex
	file  File
	ended bool  // by Close or Keep: the blob may be the same file by now
	named bool  // the folder was synced
	lost  error // of a sync that failed: no later one makes the bytes before it safe
}

func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, fmt.Errorf("write spool %s: %w", s.name, checkpoint.ErrClosed)
	}
	n, err := faultpoint.Write("spool.append", s.file, p)
	if err != nil {
		return n, fmt.Errorf("write spool %s: %w", s.name, spaceError(err))
	}
	return n, nil
}

func (s *spool) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.lost != nil {
		return s.lost
	}
	if err := s.file.Sync(); err != nil {
		s.lost = fmt.Errorf("sync spool %s: %w", s.name, spaceError(err))
		return s.lost
	}
	if s.named {
		return nil
	}
	if err := s.spools.store.syncDirs(s.spools.dir); err != nil {
		return fmt.Errorf("sync spool %s: %w", s.name, err)
	}
	s.named = true
	return nil
}

func (s *spool) Keep(ctx context.Context) (checkpoint.Hash, error) {
	if err := s.Close(); err != nil {
		return "", err
	}
	if s.lost != nil {
		return s.spools.Copy(ctx, s.name)
	}
	return s.spools.link(ctx, s.name)
}

func (s *spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil
	}
	s.ended = true
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("close spool %s: %w", s.name, spaceError(err))
	}
	return nil
}

// link gives a whole file a second name among the blobs.
func (s *Store) link(ctx context.Context, file string, h checkpoint.Hash) error {
	if err := faultpoint.At("spool.fsync"); err != nil {
		return err
	}
	if err := s.syncFile(file); err != nil {
		return err
	}
	if err := s.makeFan(filepath.Dir(s.path(h))); err != nil {
		return err
	}
	if err := errors.Join(s.step("link"), faultpoint.At("spool.link")); err != nil {
		return err
	}
	ok, err := s.Has(ctx, h)
	if err != nil {
		return err
	}
	if !ok {
		err := s.disk.Link(file, s.path(h))
		if errors.Is(err, syscall.EXDEV) { // the blobs lie on a disk of their own
			err = s.refresh(ctx, file, h)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	} else if err := s.refresh(ctx, file, h); err != nil {
		return err
	}
	return s.syncFans([]checkpoint.Hash{h})
}

// refresh makes sure of a blob that is there already, from the file that holds the same content.
func (s *Store) refresh(ctx context.Context, file string, h checkpoint.Hash) error {
	content, err := s.disk.ReadFile(file)
	if err != nil {
		return err
	}
	return s.place(ctx, h, content)
}

func (s *Store) sumFile(path string) (checkpoint.Hash, error) {
	f, err := s.disk.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	return checkpoint.Hash(hex.EncodeToString(sum.Sum(nil))), nil
}

func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoint.ErrNotFound
	}
	return err
}
