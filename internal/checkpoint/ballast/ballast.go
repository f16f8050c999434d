package ballast

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// The rules are:
//   - ballast is laid in a folder of its own, as several files, so that it holds back names for new
//     files too where those are what is short
//   - its bytes are really allocated: a file with holes would hold nothing back
//   - it is released at most once between two layings, by whoever meets a full disk first
//   - it is nobody's data: what a killed process left is laid anew, or released, without a question

// files is how many files ballast is laid as.
const files = 8

// Bounds of ballast: a share of the disk, and no more than what some answers and their records need.
const (
	share = 16
	most  = 16 << 20
)

// Size is how much is laid on a disk of so many bytes.
func Size(disk int64) int64 { return min(most, disk/share) }

// Ballast is space that is held back in a folder. It is safe for concurrent use.
type Ballast struct {
	dir string

	mu   sync.Mutex
	laid bool
	used bool // it was released because a disk was full
}

// New returns ballast that is to be laid in dir, a folder of its own. It lays nothing.
func New(dir string) *Ballast { return &Ballast{dir: dir} }

// Laid says whether ballast is there.
func (b *Ballast) Laid() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.laid
}

// Used says whether it was released because a disk was full, and has not been laid since.
func (b *Ballast) Used() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Lay allocates size bytes, in place of what was laid before. After an error nothing is laid.
func (b *Ballast) Lay(size int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.laid = false
	err := os.RemoveAll(b.dir)
	if err == nil {
		err = os.Mkdir(b.dir, 0o700)
	}
	for i := 0; i < files && err == nil; i++ {
		err = lay(filepath.Join(b.dir, strconv.Itoa(i)), size/files)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("lay ballast: %w", err), os.RemoveAll(b.dir))
	}
	b.laid, b.used = true, false
	return nil
}

func lay(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(allocate(f, size), f.Close())
}

// Release gives the space back because a disk is full, and says whether there may be room now: it
// was laid, or somebody else has released it already.
func (b *Ballast) Release() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.laid && os.RemoveAll(b.dir) == nil {
		b.laid, b.used = false, true
	}
	return b.used
}

// Remove takes ballast away when it is not needed any more.
func (b *Ballast) Remove() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.laid = false
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("remove ballast: %w", err)
	}
	return nil
}
