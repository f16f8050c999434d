//go:build unix

package sandbox

import (
	"os"
	"syscall"
)

// tryLock locks an open folder until it is closed; an error says that somebody else has.
func tryLock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
