package workspace

import (
	"io/fs"
	"sync"
	"syscall"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// stamp is what the file system says of a file without reading it. No program can set ctime, so an
// equal stamp means an equal content, but for changes within one tick of the file system's clock.
type stamp struct {
	size         int64
	mtime, ctime time.Time
	inode        uint64
}

// tick is more than the coarsest clock of a file system that we use. A file that changed so shortly
// before it was hashed may have changed after it too, with the same stamp.
const tick = 50 * time.Millisecond

func stampOf(info fs.FileInfo) (stamp, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return stamp{}, false
	}
	return stamp{size: info.Size(), mtime: info.ModTime(), ctime: changeTime(st), inode: uint64(st.Ino)}, true
}

func links(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// statCache remembers the hashes of one folder's files by their stamps, as long as the process lives.
type statCache struct {
	mu    sync.Mutex
	known map[string]hashed
}

type hashed struct {
	stamp stamp
	blob  checkpoint.Hash
	at    time.Time // when hashing began
}

// find returns the hash of an unchanged file.
func (c *statCache) find(path string, info fs.FileInfo) (checkpoint.Hash, bool) {
	now, ok := stampOf(info)
	if !ok {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.known[path]
	if !ok || h.stamp != now || h.at.Sub(now.ctime) < tick || h.at.Sub(now.mtime) < tick {
		return "", false
	}
	return h.blob, true
}

// note remembers the hash of a file whose hashing began at the given time, after info was taken.
func (c *statCache) note(path string, info fs.FileInfo, blob checkpoint.Hash, at time.Time) {
	now, ok := stampOf(info)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]hashed{}
	}
	c.known[path] = hashed{stamp: now, blob: blob, at: at}
}
