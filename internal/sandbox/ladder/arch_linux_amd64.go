package ladder

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64
	// foreignCalls is the first number of a second system call table (x32) that must be refused
	// whole, as its numbers name the same calls again.
	foreignCalls = 0x40000000
)

// nativeCalls are refused here besides refusedCalls.
func nativeCalls() []uint32 { return []uint32{unix.SYS_IOPL, unix.SYS_IOPERM} }
