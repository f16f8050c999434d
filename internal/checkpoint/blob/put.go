package blob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/seed-c331f47d/builder/internal/bug"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// The rules of putting are:
//   - a content is written to a temporary file, synced, linked to its name, and the folder of the
//     name synced; only then is it said to be kept
//   - a content that is there is read and synced, not written: the one who linked it may not have
//     come to the sync, and a damaged one is healed
//   - contents put together sync their files side by side and each folder once

// parallel is how many files are written and synced at the same time.
const parallel = 8

// Put implements [checkpoint.Blobs].
func (s *Store) Put(ctx context.Context, content []byte) (checkpoint.Hash, error) {
	hashes, err := s.PutAll(ctx, [][]byte{content})
	if err != nil {
		return "", err
	}
	return hashes[0], nil
}

// PutAll implements [checkpoint.Batch].
func (s *Store) PutAll(ctx context.Context, contents [][]byte) ([]checkpoint.Hash, error) {
	hashes := make([]checkpoint.Hash, len(contents))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(parallel)
	for i, content := range contents {
		work.Go(bug.Guarded(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			hashes[i] = checkpoint.HashOf(content)
			return s.place(ctx, hashes[i], content)
		}))
	}
	if err := work.Wait(); err != nil {
		return nil, fmt.Errorf("put blob: %w", spaceError(err))
	}
	if err := s.syncFans(hashes); err != nil {
		return nil, fmt.Errorf("put blob: %w", spaceError(err))
	}
	return hashes, nil
}

// place brings content to its name; the folder of the name is not synced yet.
func (s *Store) place(ctx context.Context, h checkpoint.Hash, content []byte) error {
	path, err := s.find(h)
	if errors.Is(err, checkpoint.ErrNotFound) {
		return s.write(h, content, s.disk.Link)
	}
	if err != nil {
		return err
	}
	if _, err := s.Get(ctx, h); errors.Is(err, checkpoint.ErrCorrupt) {
		if err := s.write(h, content, s.disk.Rename); err != nil {
			return err
		}
		return s.dropDamaged(ctx, h)
	} else if err != nil {
		return err
	}
	return s.syncFile(path)
}

// dropDamaged removes the raw form of a blob where the compressed one now is whole, and the other
// way round.
func (s *Store) dropDamaged(ctx context.Context, h checkpoint.Hash) error {
	if _, err := s.Get(ctx, h); !errors.Is(err, checkpoint.ErrCorrupt) {
		return err
	}
	return s.disk.Remove(s.path(h) + suffix) // looked at first: what was written is raw
}

// write makes a synced temporary file and brings it to its name with link, or rename over a
// damaged one.
func (s *Store) write(h checkpoint.Hash, content []byte, bring func(from, to string) error) error {
	path := s.path(h)
	if small := s.enc.EncodeAll(content, nil); len(small) < len(content) {
		path, content = path+suffix, small
	}
	if err := s.makeFan(filepath.Dir(path)); err != nil {
		return err
	}
	temp, err := s.writeTemp(content)
	if err != nil {
		return err
	}
	err = errors.Join(s.step("link"), faultpoint.At("blob.link"))
	if err == nil {
		err = bring(temp, path)
	}
	if errors.Is(err, fs.ErrExist) { // somebody else was first, with the same content
		err = s.syncFile(path)
	}
	if rm := s.disk.Remove(temp); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}

func (s *Store) writeTemp(content []byte) (string, error) {
	f, err := s.disk.CreateTemp(filepath.Join(s.dir, tmpDir), "*.tmp") // 0600
	if err != nil {
		return "", err
	}
	err = s.step("write")
	if err == nil {
		_, err = faultpoint.Write("blob.write", f, content)
	}
	if err == nil {
		err = errors.Join(s.step("sync"), faultpoint.At("blob.fsync"))
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, s.disk.Remove(f.Name()))
	}
	return f.Name(), nil
}

// makeFan makes the folder of a name, and syncs the folder above it once in a process. Where it is
// missing, its three neighbours are made with it: one sync pays for four, and no call for many.
func (s *Store) makeFan(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made[dir] {
		return nil
	}
	if err := s.disk.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	const digits = "0123456789abcdef"
	at := strings.IndexByte(digits, dir[len(dir)-1]) &^ 3
	group := []string{dir}
	for _, last := range digits[at : at+4] {
		// A neighbour that cannot be made, on a full disk, can wait.
		if fan := dir[:len(dir)-1] + string(last); fan != dir {
			if err := s.disk.Mkdir(fan, 0o700); err == nil || errors.Is(err, fs.ErrExist) {
				group = append(group, fan)
			}
		}
	}
	if err := s.syncDirs(s.dir); err != nil {
		return err
	}
	for _, fan := range group {
		s.made[fan] = true
	}
	return nil
}

func (s *Store) syncFans(hashes []checkpoint.Hash) error {
	var dirs []string
	for _, h := range hashes {
		dirs = append(dirs, filepath.Dir(s.path(h)))
	}
	slices.Sort(dirs)
	work := errgroup.Group{}
	work.SetLimit(parallel)
	for _, dir := range slices.Compact(dirs) {
		work.Go(bug.Guarded(func() error {
			return errors.Join(s.step("sync folder"), faultpoint.At("blob.dirsync"), s.syncDirs(dir))
		}))
	}
	return work.Wait()
}

func (s *Store) step(name string) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(name)
}

func (s *Store) syncFile(path string) error {
	f, err := s.disk.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (s *Store) syncDirs(dirs ...string) error {
	for _, dir := range dirs {
		if err := s.syncFile(dir); err != nil {
			return err
		}
	}
	return nil
}

// spaceError adds ErrFull to an error that means it.
func spaceError(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", checkpoint.ErrFull, err)
		}
	}
	return err
}
