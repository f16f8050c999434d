package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

// A terminal stays a terminal, and the command stays in its foreground.
func TestGuardAtATerminal(t *testing.T) {
	t.Parallel()
	w := newGuardWorld(t, func(int, agenttest.Request) agenttest.Turn { return agenttest.Say("hello") })
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	defer master.Close()
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(w.exe, w.guard("anthropic", "1", "-tty")...)
	cmd.Dir, cmd.Env = w.dir, w.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := slave.Close(); err != nil {
		t.Error(err)
	}
	shown, _ := io.ReadAll(master) // a terminal whose other end is closed is an error
	if err := cmd.Wait(); err != nil || !strings.Contains(string(shown), "terminal true, ours true") || !strings.Contains(string(shown), "1 calls, 1 answered") {
		t.Errorf("%v: %s", err, shown)
	}
}
