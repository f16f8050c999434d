package ladder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// helperFailed is the exit code of a helper that could not even report.
const helperFailed = 70

// Helper carries out the hidden first words of this program. Call it first thing in main and in
// TestMain, with os.Args; when handled is true, exit with exit at once.
func Helper(args []string) (exit int, handled bool) {
	if len(args) < 2 {
		return 0, false
	}
	switch args[1] {
	case helperWord:
		return help(), true
	case probeWord:
		return probe(os.Stdin, os.Stdout), true
	default:
		return 0, false
	}
}

// help is the helper's life: take orders, arrange the world, start the command, mind it.
func help() int {
	control, err := takeControl()
	if err != nil {
		fmt.Fprintf(os.Stderr, "sandbox helper: %v\n", err)
		return helperFailed
	}
	o, err := takeOrders()
	if err == nil {
		err = o.arrange()
	}
	if err != nil {
		control.tell(event{Kind: eventFailed, Error: err.Error()})
		return helperFailed
	}
	if o.Door != 0 {
		if err := control.openDoor(o.Door); err != nil {
			control.tell(event{Kind: eventFailed, Error: err.Error()})
			return helperFailed
		}
	}
	m := newMinder(control, o)
	go m.obey()
	return m.mind()
}

// takeControl wraps the control socket. It and whatever else is open here, also what the supervisor
// was itself given by its parent, is hidden from the command: only the three streams are passed on.
func takeControl() (*control, error) {
	if err := hideDescriptors(); err != nil {
		return nil, err
	}
	file := os.NewFile(controlFD, "control")
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, closeWith(file, fmt.Errorf("open control socket: %w", err))
	}
	if err := file.Close(); err != nil {
		return nil, closeWith(conn, fmt.Errorf("close spare descriptor: %w", err))
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, closeWith(conn, fmt.Errorf("control socket is a %T", conn))
	}
	return &control{conn: unixConn}, nil
}

// hideDescriptors makes every descriptor but the streams end with the next exec.
func hideDescriptors() error {
	const last = 1<<32 - 1
	err := unix.CloseRange(controlFD, last, unix.CLOSE_RANGE_CLOEXEC)
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	entries, err := os.ReadDir("/proc/self/fd") // before Linux 5.11
	if err != nil {
		return fmt.Errorf("list descriptors: %w", err)
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd >= controlFD {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// takeOrders reads the memory file.
func takeOrders() (orders, error) {
	var o orders
	file := os.NewFile(ordersFD, "orders")
	data, err := io.ReadAll(file)
	if err != nil {
		return o, closeWith(file, fmt.Errorf("read orders: %w", err))
	}
	if err := json.Unmarshal(data, &o); err != nil {
		return o, closeWith(file, fmt.Errorf("parse orders: %w", err))
	}
	return o, file.Close()
}

// arrange makes the world that the command will find, as far as it concerns the whole process.
func (o orders) arrange() error {
	if o.Loopback {
		if err := raiseLoopback(); err != nil {
			return err
		}
	}
	if o.Mounts != nil {
		if err := enter(o.Mounts, o.Limits); err != nil {
			return err
		}
	}
	if !o.PID1 {
		// What loses its parent becomes ours, so that it can be found and killed.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("adopt orphans: %w", err)
		}
	}
	// Nothing of this process may be read or traced by the command, which has the same uid.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide helper: %w", err)
	}
	return o.Limits.setLimits()
}

// launch confines the calling goroutine's thread for good and starts the command from it.
func (o orders) launch() (int, error) {
	runtime.LockOSThread()
	if err := o.confine(); err != nil {
		return 0, err
	}
	return o.start()
}
