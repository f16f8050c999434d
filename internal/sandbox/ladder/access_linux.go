package ladder

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// access is what Landlock leaves to a command, by real paths.
type access struct {
	Read  []string // read, list and execute
	Write []string // all of that, and every change
	Use   []string // devices: open for reading and writing
}

// The rights of each use, from include/uapi/linux/landlock.h.
const (
	accessRead = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	accessUse  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	accessFile = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE
	accessFirst = 1<<13 - 1 // all rights of ABI 1
)

// landlockABI is the version that the running kernel speaks, 0 for none. Asked of the kernel, as
// securityfs need not be mounted.
func landlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// handled are the rights that a ruleset of abi takes away unless a rule grants them. Renaming
// across folders (ABI 2) is among them, truncating (3) too; device ioctls (5) are left alone, as
// the devices in reach are harmless.
func handled(abi int) uint64 {
	rights := uint64(accessFirst)
	if abi >= 2 {
		rights |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		rights |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	return rights
}

// enforce restricts the calling thread, and whatever it starts from now on, to a. The caller has
// locked the goroutine to its thread and set no_new_privs.
//
// The calls are made bare and for one thread: the library's way restricts all threads through
// libpsx, which in a cgo build spins for ever inside a fresh pid namespace.
func (a access) enforce() error {
	abi := landlockABI()
	if abi == 0 {
		return errors.New("landlock is not available")
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: handled(abi)}
	if abi >= 6 { // abstract sockets and signals stay inside
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("create landlock ruleset: %w", errno)
	}
	ruleset := os.NewFile(set, "ruleset")
	if err := a.grant(int(set), handled(abi)); err != nil {
		return closeWith(ruleset, err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); errno != 0 {
		return closeWith(ruleset, fmt.Errorf("restrict by landlock: %w", errno))
	}
	return ruleset.Close()
}

// grant adds the rules of a.
func (a access) grant(set int, handled uint64) error {
	for _, group := range []struct {
		paths  []string
		rights uint64
	}{{a.Read, accessRead}, {a.Write, handled}, {a.Use, accessUse | unix.LANDLOCK_ACCESS_FS_TRUNCATE}} {
		for _, path := range group.paths {
			if err := grantPath(set, path, group.rights&handled); err != nil {
				return err
			}
		}
	}
	return nil
}

// grantPath adds one rule; a path that is not there needs none.
func grantPath(set int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s for landlock: %w", path, err)
	}
	file := os.NewFile(uintptr(fd), path)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return closeWith(file, fmt.Errorf("stat %s for landlock: %w", path, err))
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= accessFile
	}
	beneath := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&beneath)), 0, 0, 0)
	if errno != 0 {
		return closeWith(file, fmt.Errorf("allow %s by landlock: %w", path, errno))
	}
	return file.Close()
}
