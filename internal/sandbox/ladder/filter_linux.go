package ladder

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The rules of the system call filter are:
//
//   - another architecture's calls end the process; a second table's are refused whole
//   - calls that change mounts, namespaces, the kernel, other processes' memory or the clock, and
//     those that go round this filter (io_uring), are refused with EPERM
//   - clone may not make namespaces; clone3, whose flags a filter cannot see, does not exist
//   - sockets are of the internet, Unix or netlink; vsock, which no network namespace holds back and
//     which reaches a virtual machine's host, is not among them
//   - no keys are pushed into a terminal
const (
	callNumber = 0 // offsets in struct seccomp_data
	callArch   = 4
	callArg0   = 16 // low half, on little-endian machines
	callArg1   = 24
)

// refusedCalls answer EPERM on every architecture.
func refusedCalls() []uint32 {
	return []uint32{
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
		unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
		unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV,
		unix.SYS_PIDFD_GETFD, unix.SYS_KCMP, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
		unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT,
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
		unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_REBOOT, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SYSLOG,
		unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
		unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
	}
}

// newNamespaces are the flags of clone that make one.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// program is a filter under construction.
type program []unix.SockFilter

func (p *program) add(code uint16, k uint32, yes, no uint8) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k})
}

func (p *program) load(offset uint32) { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }

func (p *program) ret(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, action, 0, 0) }

// unless runs what follows (n instructions) only where the loaded word equals k.
func (p *program) unless(k uint32, n uint8) { p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, k, 0, n) }

// refusal is the action that answers a call with errno.
func refusal(errno unix.Errno) uint32 {
	return unix.SECCOMP_RET_ERRNO | uint32(errno)&unix.SECCOMP_RET_DATA
}

// filter builds the program. With noUnix, Unix sockets are refused too.
func filter(noUnix bool) program {
	var p program
	p.load(callArch)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, auditArch, 1, 0)
	p.ret(unix.SECCOMP_RET_KILL_PROCESS)
	p.load(callNumber)
	if foreignCalls != 0 {
		p.add(unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, foreignCalls, 0, 1)
		p.ret(refusal(unix.ENOSYS))
	}
	for _, call := range append(refusedCalls(), nativeCalls()...) {
		p.unless(call, 1)
		p.ret(refusal(unix.EPERM))
	}
	p.unless(unix.SYS_CLONE3, 1)
	p.ret(refusal(unix.ENOSYS))
	p.unless(unix.SYS_CLONE, 4)
	p.load(callArg0)
	p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, newNamespaces, 0, 1)
	p.ret(refusal(unix.EPERM))
	p.ret(unix.SECCOMP_RET_ALLOW)
	p.unless(unix.SYS_IOCTL, 5)
	p.load(callArg1)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.TIOCSTI, 1, 0)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, unix.TIOCLINUX, 0, 1)
	p.ret(refusal(unix.EPERM))
	p.ret(unix.SECCOMP_RET_ALLOW)
	p.sockets(noUnix)
	p.ret(unix.SECCOMP_RET_ALLOW)
	return p
}

// sockets allows the families that a program on a machine of its own needs.
func (p *program) sockets(noUnix bool) {
	families := []uint32{unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}
	if !noUnix {
		families = append(families, unix.AF_UNIX)
	}
	p.unless(unix.SYS_SOCKET, uint8(2*len(families)+2))
	p.load(callArg0)
	for _, family := range families {
		p.unless(family, 1)
		p.ret(unix.SECCOMP_RET_ALLOW)
	}
	p.ret(refusal(unix.EAFNOSUPPORT))
}

// install puts the filter on the calling thread and on whatever it starts from now on.
func (p program) install() error {
	if auditArch == 0 {
		return errors.New("no system call filter for this architecture")
	}
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("install system call filter: %w", errno)
	}
	return nil
}
