package ladder

import "golang.org/x/sys/unix"

const (
	auditArch    = unix.AUDIT_ARCH_AARCH64
	foreignCalls = 0 // none
)

// nativeCalls are refused here besides refusedCalls.
func nativeCalls() []uint32 { return nil }
