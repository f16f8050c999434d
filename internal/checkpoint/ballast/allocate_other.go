//go:build !linux

package ballast

import "os"

// allocate gives a file size bytes of disk.
func allocate(f *os.File, size int64) error { return fill(f, size) }
