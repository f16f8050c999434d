//go:build !unix

package tools

import "io/fs"

// names is the number of names of a file, as far as this system tells.
func names(fs.FileInfo) uint64 { return 1 }
