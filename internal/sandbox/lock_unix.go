//go:build unix

package sandbox

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks an open folder until it is closed, or says why not; see [taken].
func tryLock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// taken says whether tryLock failed because somebody else has the lock.
func taken(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }
