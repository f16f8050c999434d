package ballast

import (
	"errors"
	"os"
	"syscall"
)

// allocate gives a file size bytes of disk. Where the file system cannot do that by itself, they are
// written.
func allocate(f *os.File, size int64) error {
	if size <= 0 {
		return nil
	}
	err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		return fill(f, size)
	}
	return err
}
