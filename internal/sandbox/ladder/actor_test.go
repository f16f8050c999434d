//go:build linux

package ladder

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// The parts that this test binary plays when it is run again.
const (
	actServe     = "act-serve"     // a web server on the address given
	actAsk       = "act-ask"       // says what a web server answers at the address given, then echoes its input until SIGINT
	actCalls     = "act-calls"     // makes system calls that must be refused
	actSupervise = "act-supervise" // a supervisor: runs the command on stdin on the rung given
)

// actor plays a part.
func actor(args []string) (exit int, handled bool) {
	if len(args) == 0 {
		return 0, false
	}
	var err error
	switch args[0] {
	case actServe:
		err = serveUntilTerm(args[1])
	case actAsk:
		err = askAndEcho(args[1])
	case actCalls:
		err = forbiddenCalls()
	case actSupervise:
		err = supervise(args[1])
	default:
		return 0, false
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	return 0, true
}

func serveUntilTerm(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s", r.URL.Path)
	})}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go server.Serve(listener)
	fmt.Println("up")
	<-ctx.Done()
	return server.Close()
}

func askAndEcho(address string) error {
	resp, err := http.Get("http://" + address + "/x")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		return err
	}
	fmt.Println()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT)
	defer stop()
	go io.Copy(os.Stdout, os.Stdin)
	<-ctx.Done()
	fmt.Fprintln(os.Stderr, "interrupted")
	return nil
}

// forbiddenCalls reports every call that was not refused as it must be.
func forbiddenCalls() error {
	for name, call := range map[string]struct {
		number uintptr
		first  uintptr
		want   unix.Errno
	}{
		"mount":          {unix.SYS_MOUNT, 0, unix.EPERM},
		"ptrace":         {unix.SYS_PTRACE, 0, unix.EPERM},
		"bpf":            {unix.SYS_BPF, 0, unix.EPERM},
		"keyctl":         {unix.SYS_KEYCTL, 0, unix.EPERM},
		"io_uring_setup": {unix.SYS_IO_URING_SETUP, 1, unix.EPERM},
		"setns":          {unix.SYS_SETNS, 0, unix.EPERM},
		"unshare":        {unix.SYS_UNSHARE, unix.CLONE_NEWNS, unix.EPERM},
		"clone":          {unix.SYS_CLONE, unix.CLONE_NEWUSER, unix.EPERM},
		"clone3":         {unix.SYS_CLONE3, 0, unix.ENOSYS},
		"vsock":          {unix.SYS_SOCKET, unix.AF_VSOCK, unix.EAFNOSUPPORT},
		"alg":            {unix.SYS_SOCKET, unix.AF_ALG, unix.EAFNOSUPPORT},
		"packet":         {unix.SYS_SOCKET, unix.AF_PACKET, unix.EAFNOSUPPORT},
	} {
		if _, _, errno := unix.RawSyscall(call.number, call.first, 0, 0); errno != call.want {
			return fmt.Errorf("%s answered %v, want %v", name, errno, call.want)
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, 0, unix.TIOCSTI, 0); errno != unix.EPERM {
		return fmt.Errorf("TIOCSTI answered %v", errno)
	}
	return nil
}

func supervise(mechanism string) error {
	var c sandbox.Command
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		return err
	}
	for _, r := range append(rungs(), unconfined{}) {
		if string(r.name()) == mechanism {
			_, err := runner{rung: r}.Run(context.Background(), c)
			return err
		}
	}
	return fmt.Errorf("no rung %s", mechanism)
}
