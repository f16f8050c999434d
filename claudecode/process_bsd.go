//go:build unix && !linux

package claudecode

import "syscall"

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit is false: a child is not awaited here without reaping it.
func awaitExit(int) bool { return false }

// sweep kills the group. What has left it cannot be found here.
func sweep(group int, _ string) { _ = syscall.Kill(-group, syscall.SIGKILL) }
