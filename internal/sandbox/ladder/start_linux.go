package ladder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The exit codes of a shell for a program that is not there and for one that cannot be run.
const (
	exitNotFound   = 127
	exitCannotExec = 126
)

// notRun is a command whose program could not be executed: its failure, not ours.
type notRun struct {
	exit int
	err  error
}

func (n notRun) Error() string { return n.err.Error() }

// start executes the command in a session of its own. A program that cannot be executed is a notRun.
func (o orders) start() (int, error) {
	if err := os.Chdir(o.Dir); err != nil {
		return 0, fmt.Errorf("enter folder: %w", err)
	}
	program, err := o.lookup()
	if err != nil {
		return 0, notRun{exit: exitNotFound, err: err}
	}
	attr := &syscall.ProcAttr{
		Dir:   o.Dir,
		Env:   o.Env,
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	}
	pid, err := syscall.ForkExec(program, o.Argv, attr)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, notRun{exit: exitNotFound, err: fmt.Errorf("%s: %w", o.Argv[0], err)}
	}
	if err != nil {
		return 0, notRun{exit: exitCannotExec, err: fmt.Errorf("%s: %w", o.Argv[0], err)}
	}
	return pid, nil
}

// lookup finds the program as execvp does, by the command's own PATH and folder. Folders of PATH
// that are relative do not count.
func (o orders) lookup() (string, error) {
	name := o.Argv[0]
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, line := range o.Env {
		path, isPath := strings.CutPrefix(line, "PATH=")
		if !isPath {
			continue
		}
		for _, dir := range filepath.SplitList(path) {
			file := filepath.Join(dir, name)
			info, err := os.Stat(file)
			if err == nil && !info.IsDir() && info.Mode()&0o111 != 0 && filepath.IsAbs(dir) {
				return file, nil
			}
		}
	}
	return "", errors.New(name + ": command not found")
}
