package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/cmd/builder/internal/config"
	"github.com/seed-c331f47d/builder/internal/checkpoint/ballast"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// The rules of space are:
//   - no call is paid for while less than a floor is free where the build keeps itself, where its
//     scratch trees are, or where temporary files go
//   - ballast lies in the build's folder while a process works on it; whoever meets a full disk while
//     writing what was paid for releases it and writes once more
//   - it is laid again when there is room, and no call is paid for before; it is gone when the process
//     ends

// minFree is the floor that the user has set, in bytes; 0 for the usual one.
func (s *settings) minFree() int64 {
	n, ok := config.Bytes(s.MinFree)
	if !ok {
		return 0
	}
	return max(n, 1)
}

// minNames is how many files must be free to make before a call is paid for.
const minNames = 64

// area is what a file system has.
type area struct {
	size, free int64 // in bytes
	names      int64 // of new files
}

// space is the least that is free where the build works.
func (s *session) space(context.Context) (int64, error) {
	cache, err := s.app.cacheDir()
	if err != nil {
		return 0, err
	}
	st := s.store
	least, err := areaOf(st.app, st.build(st.id), st.blobDir(), cache, os.TempDir())
	if err != nil {
		return 0, err
	}
	if least.names < minNames {
		return 0, s.noRoom(fmt.Sprintf("%d files more can be made, a call is paid for from %d on", least.names, minNames))
	}
	if !st.ballast.Laid() && s.set.engine().Room(least.free, s.again) == nil {
		s.layBallast()
	}
	if st.ballast.Used() {
		return 0, s.noRoom("the disk was full, and what was held back for that is used up")
	}
	return least.free, nil
}

func (s *session) noRoom(what string) error {
	return &phases.PauseError{Reason: phases.Reason{Code: phases.CodeDisk, Message: what, Hint: "free some space, then: " + s.again}}
}

// hasRoom pauses the build when its disk is nearly full.
func (s *session) hasRoom(ctx context.Context) error {
	free, err := s.space(ctx)
	if err != nil {
		return err
	}
	return s.set.engine().Room(free, s.again)
}

// layBallast holds space back, where there is some. A build can do without.
func (s *session) layBallast() {
	here, err := areaOf(s.store.build(s.store.id))
	size := ballast.Size(here.size)
	if err != nil || here.free < 4*size {
		return
	}
	if err := s.store.ballast.Lay(size); err != nil && !s.told {
		s.told = true
		s.app.say("warning: %s", err)
	}
}

func (s *session) dropBallast() {
	if err := s.store.ballast.Remove(); err != nil {
		s.app.say("warning: %s", err)
	}
}

// roomy does what writes, and once more when the disk was full and there may be room now. fn MUST be
// one that can be done twice.
func (s *store) roomy(fn func() error) error {
	err := fn()
	if full(err) && s.ballast != nil && s.ballast.Release() {
		err = fn()
	}
	return err
}

// areaOf is the least of what folders have; one that is not there yet is where it will be made.
func areaOf(dirs ...string) (area, error) {
	least := area{math.MaxInt64, math.MaxInt64, math.MaxInt64}
	for _, dir := range dirs {
		var st unix.Statfs_t
		err := unix.Statfs(dir, &st)
		for errors.Is(err, os.ErrNotExist) && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			err = unix.Statfs(dir, &st)
		}
		if err != nil {
			return least, fmt.Errorf("look at the file system of %s: %w", dir, err)
		}
		block := int64(st.Bsize)
		most := uint64(math.MaxInt64 / max(block, 1))
		least.size = min(least.size, int64(min(st.Blocks, most))*block)
		least.free = min(least.free, int64(min(st.Bavail, most))*block)
		if st.Files > 0 { // some file systems do not count them
			least.names = min(least.names, int64(min(st.Ffree, math.MaxInt64)))
		}
	}
	return least, nil
}

// freeSpace is the least that is free in folders.
func freeSpace(dirs []string) (int64, error) {
	least, err := areaOf(dirs...)
	return least.free, err
}

// tellLargeFiles makes a write beyond the limit on the size of files (ulimit -f) an error like any
// other; by default it would end this process. Commands that it starts are not concerned.
func tellLargeFiles() { signal.Notify(make(chan os.Signal, 1), syscall.SIGXFSZ) }
