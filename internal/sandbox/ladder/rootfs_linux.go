package ladder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Where the parts lie between the two pivots.
const (
	oldRoot = "/old"
	newRoot = "/new"
)

// enter makes mounts the whole tree of the calling process, which is alone in fresh user, mount and
// pid namespaces: the old tree is set aside, the new one built beside it and entered, the old one
// let go. So a source is never hidden by what is mounted for the new tree.
func enter(mounts []mount, limits bounds) error {
	if err := setAside(); err != nil {
		return err
	}
	for _, m := range mounts {
		if err := m.make(); err != nil {
			return err
		}
	}
	if err := makeProc(limits); err != nil {
		return err
	}
	if err := makeDev(); err != nil {
		return err
	}
	if err := unix.Unmount(oldRoot, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the old tree: %w", err)
	}
	if err := os.Chdir(newRoot); err != nil {
		return fmt.Errorf("enter new tree: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot to new tree: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the scaffold: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("enter new root: %w", err)
	}
	return setFlags("/", unix.MOUNT_ATTR_RDONLY, 0)
}

// setAside pivots to an empty scaffold that holds the old tree at oldRoot and an empty one at newRoot.
func setAside() error {
	const scaffold = "/usr" // any folder will do; what lies there is uncovered by the pivot
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", scaffold, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=1m"); err != nil {
		return fmt.Errorf("mount scaffold: %w", err)
	}
	for _, name := range []string{oldRoot, newRoot} {
		if err := os.Mkdir(scaffold+name, 0o755); err != nil {
			return fmt.Errorf("make scaffold: %w", err)
		}
	}
	if err := unix.PivotRoot(scaffold, scaffold+oldRoot); err != nil {
		return fmt.Errorf("pivot to scaffold: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("enter scaffold: %w", err)
	}
	if err := unix.Mount("tmpfs", newRoot, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=4m"); err != nil {
		return fmt.Errorf("mount new tree: %w", err)
	}
	return nil
}

// make puts m into the new tree.
func (m mount) make() error {
	target := newRoot + m.Target
	if m.Link != "" {
		if err := os.Symlink(m.Link, target); err != nil {
			return fmt.Errorf("link %s: %w", m.Target, err)
		}
		return nil
	}
	if err := mountPoint(target, m.File); err != nil {
		return err
	}
	if err := unix.Mount(oldRoot+m.Source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s: %w", m.Target, err)
	}
	flags := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
	if !m.Write {
		flags |= unix.MOUNT_ATTR_RDONLY
	}
	return setFlags(target, flags, unix.AT_RECURSIVE)
}

// mountPoint makes the folder or the empty file that a mount covers.
func mountPoint(target string, file bool) error {
	dir := target
	if file {
		dir = filepath.Dir(target)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make mount point: %w", err)
	}
	if !file {
		return nil
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return fmt.Errorf("make mount point: %w", err)
	}
	return f.Close()
}

// setFlags sets attributes of the mount at target; with AT_RECURSIVE, of all below it.
func setFlags(target string, attributes uint64, flags uint) error {
	if err := unix.MountSetattr(-1, target, flags, &unix.MountAttr{Attr_set: attributes}); err != nil {
		return fmt.Errorf("set attributes of mount %s: %w", target, err)
	}
	return nil
}

// makeProc mounts the processes of this pid namespace. The settings of the kernel below it are made
// read-only: to a process of the machine's real root they would be writable in spite of it having
// no capability at all.
func makeProc(limits bounds) error {
	proc := newRoot + "/proc"
	if err := os.MkdirAll(proc, 0o555); err != nil {
		return fmt.Errorf("make /proc: %w", err)
	}
	if err := unix.Mount("proc", proc, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := limitPIDs(proc, limits); err != nil {
		return err
	}
	for _, name := range []string{"sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi", "kcore", "keys", "timer_list"} {
		path := filepath.Join(proc, name)
		if err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, ""); errors.Is(err, unix.ENOENT) {
			continue
		} else if err != nil {
			return fmt.Errorf("bind /proc/%s: %w", name, err)
		}
		if err := setFlags(path, unix.MOUNT_ATTR_RDONLY, unix.AT_RECURSIVE); err != nil {
			return err
		}
	}
	return nil
}

// makeDev makes a /dev of harmless devices, shared memory of its own and the usual links.
func makeDev() error {
	dev := newRoot + "/dev"
	if err := os.MkdirAll(dev+"/shm", 0o755); err != nil {
		return fmt.Errorf("make /dev: %w", err)
	}
	for _, path := range devices() {
		if err := mountPoint(newRoot+path, true); err != nil {
			return err
		}
		if err := unix.Mount(oldRoot+path, newRoot+path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", path, err)
		}
	}
	if err := unix.Mount("tmpfs", dev+"/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=256m"); err != nil {
		return fmt.Errorf("mount /dev/shm: %w", err)
	}
	for name, link := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(link, filepath.Join(dev, name)); err != nil {
			return fmt.Errorf("link /dev/%s: %w", name, err)
		}
	}
	return nil
}

// raiseLoopback brings up lo of a fresh network namespace.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("raise loopback: %w", err)
	}
	socket := os.NewFile(uintptr(fd), "socket")
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return closeWith(socket, err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return closeWith(socket, fmt.Errorf("raise loopback: %w", err))
	}
	return socket.Close()
}

// pidLimitIsOurs says whether the kernel keeps pid_max per pid namespace (6.14 and later). On older
// ones it is the machine's, and never touched.
func pidLimitIsOurs() bool {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return false
	}
	major, rest, _ := strings.Cut(unix.ByteSliceToString(name.Release[:]), ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, errX := strconv.Atoi(major)
	y, errY := strconv.Atoi(strings.TrimRight(minor, "-+abcdefghijklmnopqrstuvwxyz"))
	return errX == nil && errY == nil && (x > 6 || x == 6 && y >= 14)
}

// limitPIDs bounds the tasks of this pid namespace by its numbers. It is what holds a process of the
// machine's real root, to whom RLIMIT_NPROC does not apply; others may not be allowed to set it.
func limitPIDs(proc string, limits bounds) error {
	const least = 512 // the kernel reserves 300 and some for each core
	if !pidLimitIsOurs() {
		return nil
	}
	bound := strconv.Itoa(max(least, limits.Processes*tasksPerProcess))
	err := os.WriteFile(filepath.Join(proc, "sys/kernel/pid_max"), []byte(bound), 0)
	if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("bound process numbers: %w", err)
	}
	return nil
}
