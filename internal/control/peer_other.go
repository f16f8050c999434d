//go:build !linux

package control

import (
	"net"
	"os"
)

// peerUID takes the word of the file system: the folder lets nobody else in.
func peerUID(*net.UnixConn) (int, error) { return os.Geteuid(), nil }
