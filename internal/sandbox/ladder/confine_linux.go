package ladder

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine takes every privilege from the calling thread; what it starts inherits that. The caller
// has locked the goroutine to its thread. Nothing here touches other threads, so that the helper
// itself can still reap, count and kill.
func (o orders) confine() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	if !o.Confine {
		return nil
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	if o.Landlock != nil {
		if err := o.Landlock.enforce(); err != nil {
			return err
		}
	}
	return filter(o.NoUnix).install()
}

// dropCapabilities empties every set of the calling thread. The bounding set needs a capability to
// be emptied: without it there is nothing in the permitted set either, and no_new_privs keeps it so.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	for capability := uintptr(0); capability <= 63; capability++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
			break
		}
		if err != nil {
			return fmt.Errorf("drop capability %d: %w", capability, err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, errno := unix.Syscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0)
	if errno != 0 {
		return fmt.Errorf("drop capabilities: %w", errno)
	}
	return nil
}

// setLimits bounds the helper and all it starts. Data, not address space, is bounded: V8 and Go
// reserve far more than they use. Tasks are bounded well above the processes, which are counted,
// as a task is a thread to the kernel and compilers have many.
func (b bounds) setLimits() error {
	limits := []struct {
		name  string
		what  int
		value uint64
	}{
		{"core", unix.RLIMIT_CORE, 0},
		{"file size", unix.RLIMIT_FSIZE, uint64(b.FileSize)},
		{"data", unix.RLIMIT_DATA, uint64(b.Memory)},
	}
	if b.Tasks {
		limits = append(limits, struct {
			name  string
			what  int
			value uint64
		}{"tasks", unix.RLIMIT_NPROC, uint64(b.Processes * tasksPerProcess)})
	}
	for _, l := range limits {
		if err := lowerLimit(l.what, l.value); err != nil {
			return fmt.Errorf("limit %s: %w", l.name, err)
		}
	}
	return nil
}

// tasksPerProcess is how many threads the average process may have.
const tasksPerProcess = 16

// lowerLimit sets both limits to value, or to what is already lower.
func lowerLimit(what int, value uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(what, &now); err != nil {
		return err
	}
	value = min(value, now.Max)
	return unix.Setrlimit(what, &unix.Rlimit{Cur: value, Max: value})
}
