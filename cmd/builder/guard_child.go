package main

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/term"
)

// child runs a guarded command with our own input and output, and gives its exit code: 128 and the
// number for one that a signal ended.
//
// The rules of signals are:
//   - at a terminal the command is in our group, so that the terminal's keys reach it and a shell stops
//     and continues both; what the terminal has sent is not sent again
//   - else it leads a group of its own, and that gets what we get
//   - the second Ctrl-C kills
//   - it gets a signal when we die, however that happens
func (a *app) child(program string, argv, env []string, c cli) (int, error) {
	cmd := exec.Command(program, argv[1:]...) //nolint:gosec,noctx // it is what the user asked for, and ends by signals
	cmd.Args, cmd.Env = argv, env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, a.out, a.err
	shared := terminal(a.in) || terminal(a.out) || terminal(a.err)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: !shared}
	dieWith(cmd.SysProcAttr, c.parting())
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	started, done := make(chan error, 1), make(chan error, 1)
	go func() {
		runtime.LockOSThread() // a parent's death is that of the thread that started the child
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return 0, usage("E_COMMAND", "make sure that it can be run", "start %s: %s", c.name, err)
	}
	to := receiver{pid: cmd.Process.Pid, shared: shared}
	for {
		select {
		case s := <-signals:
			to.pass(s)
		case err := <-done:
			return exitCode(cmd, err)
		}
	}
}

// receiver gets the signals that we get.
type receiver struct {
	pid     int
	shared  bool // it is in our group
	presses int
}

func (r *receiver) pass(s os.Signal) {
	number, _ := s.(syscall.Signal)
	if number == syscall.SIGINT {
		r.presses++
		if r.presses > 1 {
			number = syscall.SIGKILL
		}
	}
	switch {
	case !r.shared:
		_ = syscall.Kill(-r.pid, number) // it may have ended just now
	case number == syscall.SIGINT || number == syscall.SIGQUIT: // the terminal has sent it to all
	default:
		_ = syscall.Kill(r.pid, number)
	}
}

func exitCode(cmd *exec.Cmd, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// terminal says whether a stream is one.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
