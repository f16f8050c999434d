package ladder

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// rung is one mechanism: it turns a command into orders and into the process that carries them out.
type rung interface {
	name() Mechanism
	// isolated says whether the command has a loopback of its own, given its policy.
	isolated(p sandbox.Policy) bool
	// prepare fills in what the helper must do here.
	prepare(o *orders, c sandbox.Command, p private) error
	// command is the helper's process; its streams and descriptors are set by the runner.
	command(o orders, c sandbox.Command) (*exec.Cmd, []*os.File, error)
	// home and tmp are where the command finds its private folders.
	folders(p private) (home, tmp string)
}

// selfPath executes this very program, also when its file was replaced meanwhile.
const selfPath = "/proc/self/exe"

// self is the helper as a plain process.
func self() *exec.Cmd {
	cmd := exec.Command(selfPath, helperWord)
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// namespaces is our own rung with a tree, a network and processes of its own.
type namespaces struct{}

func (namespaces) name() Mechanism                  { return Namespaces }
func (namespaces) isolated(p sandbox.Policy) bool   { return !p.Network }
func (namespaces) folders(private) (string, string) { return insideHome, insideTemp }

func (namespaces) prepare(o *orders, c sandbox.Command, p private) error {
	mounts, err := tree(c.Policy, p)
	if err != nil {
		return err
	}
	o.Mounts, o.PID1, o.Confine, o.Loopback, o.Limits.Tasks = mounts, true, true, !c.Policy.Network, true
	o.Landlock = landlockInside(mounts)
	return nil
}

func (namespaces) command(_ orders, c sandbox.Command) (*exec.Cmd, []*os.File, error) {
	cmd := self()
	flags := uintptr(syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS)
	if !c.Policy.Network {
		flags |= syscall.CLONE_NEWNET
	}
	cmd.SysProcAttr.Cloneflags = flags
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	// All of these end with the helper's confined thread; they reach nothing outside its namespaces.
	cmd.SysProcAttr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP}
	return cmd, nil, nil
}

// landlockInside guards a tree of its own a second time: readable whole, writable where granted.
// nil where the kernel has no Landlock; the tree itself is the boundary.
func landlockInside(mounts []mount) *access {
	if landlockABI() == 0 {
		return nil
	}
	a := &access{Read: []string{"/"}, Write: []string{"/dev/shm"}, Use: devices()}
	for _, m := range mounts {
		if m.Write {
			a.Write = append(a.Write, m.Target)
		}
	}
	return a
}

// landlockOnly keeps the machine's tree, network and processes, and takes rights to files away.
type landlockOnly struct{}

func (landlockOnly) name() Mechanism                    { return Landlock }
func (landlockOnly) isolated(sandbox.Policy) bool       { return false }
func (landlockOnly) folders(p private) (string, string) { return p.home, p.tmp }

func (landlockOnly) prepare(o *orders, c sandbox.Command, p private) error {
	if landlockABI() == 0 {
		return errors.New("the kernel has no landlock")
	}
	mounts, err := tree(c.Policy, p)
	if err != nil {
		return err
	}
	a := &access{Read: []string{"/proc"}, Use: devices()}
	for _, m := range mounts {
		switch {
		case m.Link != "":
		case m.Write:
			a.Write = append(a.Write, m.Source)
		default:
			a.Read = append(a.Read, m.Source)
		}
	}
	o.Landlock, o.Confine, o.NoUnix = a, true, true
	return nil
}

func (landlockOnly) command(orders, sandbox.Command) (*exec.Cmd, []*os.File, error) {
	return self(), nil, nil
}

// unconfined keeps everything but the environment, the limits and the promise to leave no process.
type unconfined struct{}

func (unconfined) name() Mechanism                                 { return Nothing }
func (unconfined) isolated(sandbox.Policy) bool                    { return false }
func (unconfined) folders(p private) (string, string)              { return p.home, p.tmp }
func (unconfined) prepare(*orders, sandbox.Command, private) error { return nil }
func (unconfined) command(orders, sandbox.Command) (*exec.Cmd, []*os.File, error) {
	return self(), nil, nil
}

// bubblewrap has the system's bwrap make the namespaces, which some systems allow to it alone.
type bubblewrap struct{ path string }

func (bubblewrap) name() Mechanism                  { return Bubblewrap }
func (bubblewrap) isolated(p sandbox.Policy) bool   { return !p.Network }
func (bubblewrap) folders(private) (string, string) { return insideHome, insideTemp }

func (bubblewrap) prepare(o *orders, c sandbox.Command, p private) error {
	mounts, err := tree(c.Policy, p)
	if err != nil {
		return err
	}
	o.Mounts, o.PID1, o.Confine, o.Limits.Tasks = mounts, true, true, true
	o.Landlock = landlockInside(mounts)
	return nil
}

func (b bubblewrap) command(o orders, c sandbox.Command) (*exec.Cmd, []*os.File, error) {
	program, err := os.Open(selfPath)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(b.path, bwrapArgs(o.Mounts, c.Policy.Network)...)
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, []*os.File{program}, nil
}

// bwrapArgs describe the tree to bwrap. It dies with its helper, which dies with its control socket,
// so --die-with-parent, which goes by OS threads, is not needed.
func bwrapArgs(mounts []mount, network bool) []string {
	args := []string{"--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL", "--as-pid-1"}
	if !network {
		args = append(args, "--unshare-net")
	}
	for _, m := range mounts {
		switch {
		case m.Link != "":
			args = append(args, "--symlink", m.Link, m.Target)
		case m.Write:
			args = append(args, "--bind", m.Source, m.Target)
		default:
			args = append(args, "--ro-bind", m.Source, m.Target)
		}
	}
	args = append(args, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm", "--remount-ro", "/", "--", "/proc/self/fd/5", helperWord)
	return slices.Clip(args)
}
