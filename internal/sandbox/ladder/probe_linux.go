package ladder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// probeWord makes this program try to break out, with a target on stdin, and report on stdout.
const probeWord = "__sandbox-probe"

// target is what the attempts aim at. None of it is granted to the prober.
type target struct {
	Outside  string   // a folder of the supervisor, with the file canary and the socket of that name
	Scratch  string   // the prober's own folder
	Home     []string // files of the user's home that the supervisor can read
	TCP, UDP string   // loopback listeners of the supervisor
	Abstract string   // an abstract Unix socket of the supervisor
	PID      int      // the supervisor
	Spaces   string   // the supervisor's pid namespace
}

const (
	canaryFile = "canary"
	socketFile = "socket"
	newFile    = "planted"
)

// attempt is one way out: nil means that it worked.
type attempt struct {
	name   string
	aspect Aspect
	try    func(target) error
}

// attempts are all the ways tried.
func attempts() []attempt {
	return []attempt{
		{"read-outside", Files, func(t target) error { return read(filepath.Join(t.Outside, canaryFile)) }},
		{"read-home", Files, readHome},
		{"read-through-symlink", Files, readThroughSymlink},
		{"read-through-hard-link", Files, readThroughHardLink},
		{"write-outside", Files, func(t target) error {
			return os.WriteFile(filepath.Join(t.Outside, newFile), nil, 0o600)
		}},
		{"truncate-outside", Files, func(t target) error { return os.Truncate(filepath.Join(t.Outside, canaryFile), 0) }},
		{"write-kernel-setting", Files, writeKernelSetting},
		{"chmod-outside", Metadata, func(t target) error { return os.Chmod(filepath.Join(t.Outside, canaryFile), 0o777) }},
		{"connect-host", Network, func(t target) error { return connectTo("tcp", t.TCP) }},
		{"send-to-host", Network, sendDatagram},
		{"connect-abstract-socket", Network, func(t target) error { return connectTo("unix", t.Abstract) }},
		{"connect-machine-socket", Network, openMachineSocket},
		{"connect-file-socket", Processes, connectToFile},
		{"signal-parent", Processes, signalParent},
		{"read-parent-environment", Processes, readParentEnvironment},
		{"make-namespace", Processes, func(target) error { return unix.Unshare(unix.CLONE_NEWUSER) }},
	}
}

// probe makes every attempt and writes the probes. Its exit code says only whether it could.
func probe(in io.Reader, out io.Writer) int {
	var t target
	if err := json.NewDecoder(in).Decode(&t); err != nil {
		return helperFailed
	}
	var probes []Probe
	for _, a := range attempts() {
		p := Probe{Name: a.name, Aspect: a.aspect, Detail: "it worked"}
		if err := a.try(t); err != nil {
			p.Held, p.Detail = true, reason(err)
		}
		probes = append(probes, p)
	}
	if err := json.NewEncoder(out).Encode(probes); err != nil {
		return helperFailed
	}
	return 0
}

// reason is the kernel's word for err, without the paths around it.
func reason(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

func read(path string) error {
	_, err := os.ReadFile(path)
	return err
}

// connectToFile connects from within the folder: the whole path may be too long for an address, which
// would look like a wall. It does not come back: all other attempts go by whole paths.
func connectToFile(t target) error {
	if err := os.Chdir(t.Outside); err != nil {
		return err
	}
	return connectTo("unix", socketFile)
}

// errNothing answers an attempt that had nothing to aim at.
var errNothing = errors.New("nothing there")

func readHome(t target) error {
	for _, path := range t.Home {
		if read(path) == nil {
			return nil
		}
	}
	return errNothing
}

func readThroughSymlink(t target) error {
	link := filepath.Join(t.Scratch, "symlink")
	if err := os.Symlink(filepath.Join(t.Outside, canaryFile), link); err != nil {
		return fmt.Errorf("make symlink: %w", err)
	}
	return read(link)
}

func readThroughHardLink(t target) error {
	link := filepath.Join(t.Scratch, "hardlink")
	if err := os.Link(filepath.Join(t.Outside, canaryFile), link); err != nil {
		return err
	}
	return read(link)
}

// writeKernelSetting opens for writing what makes the kernel run programs of one's choice.
func writeKernelSetting(target) error {
	f, err := os.OpenFile("/proc/sys/kernel/core_pattern", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func connectTo(network, address string) error {
	conn, err := net.DialTimeout(network, address, time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}

// sendDatagram succeeds only in the eyes of the supervisor, who looks whether it arrived.
func sendDatagram(t target) error {
	conn, err := net.Dial("udp", t.UDP)
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte("x")); err != nil {
		return closeWith(conn, err)
	}
	return closeWith(conn, errors.New("sent, not received"))
}

// openMachineSocket tries the way from a virtual machine to its host, which no namespace closes.
func openMachineSocket(target) error {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// signalParent asks whether the supervisor could be signalled; a process of the same number in
// another pid namespace is somebody else.
func signalParent(t target) error {
	if err := unix.Kill(t.PID, 0); err != nil {
		return err
	}
	if space, err := os.Readlink("/proc/self/ns/pid"); err == nil && space != t.Spaces {
		return unix.ESRCH
	}
	return nil
}

func readParentEnvironment(t target) error {
	if space, err := os.Readlink("/proc/self/ns/pid"); err == nil && space != t.Spaces {
		return unix.ESRCH
	}
	return read("/proc/" + strconv.Itoa(t.PID) + "/environ")
}
