//go:build unix

package claudecode

import (
	"os"
	"syscall"
)

// exitOf translates how a process ended.
func exitOf(state *os.ProcessState) Exit {
	if state == nil {
		return Exit{Code: -1}
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return Exit{Code: -1, Signal: ws.Signal().String()}
	}
	return Exit{Code: state.ExitCode()}
}

// terminate is the signal that asks a process to end.
var terminate os.Signal = syscall.SIGTERM
