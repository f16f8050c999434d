package claudecode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Command is the process that a session wants: the CLI and its arguments.
type Command struct {
	Path string
	Args []string // without Path
	Dir  string   // "" is the current one
	Env  []string // all of it, as "name=value"
}

// Process is a CLI that runs. [Launch] makes one on this machine; [Options.Launch] may make one elsewhere, as in a sandbox.
type Process interface {
	// Stdin, Stdout and Stderr are its ends here. Closing one MUST end reads and writes that wait in it.
	Stdin() io.WriteCloser
	Stdout() io.ReadCloser
	Stderr() io.ReadCloser
	// Signal sends os.Interrupt and syscall.SIGTERM to the CLI alone, and os.Kill to it and all that it started.
	Signal(os.Signal) error
	// Wait returns when the CLI has ended and nothing that it started is left. It is called once.
	Wait() Exit
}

// Exit is how a process ended.
type Exit struct {
	Code   int    // -1 when a signal ended it
	Signal string // as "killed"
}

// String says it in words.
func (e Exit) String() string {
	if e.Signal != "" {
		return "was ended by signal: " + e.Signal
	}
	return fmt.Sprintf("exited with %d", e.Code)
}

// Launch starts c in a process group of its own. On Linux the CLI is interrupted when this process dies, and what it
// started is found by a mark in the environment and killed after it, also where it has left the group: the CLI runs each
// command of its Bash tool in a session of its own, and leaves it running when it is terminated.
func Launch(_ context.Context, c Command) (Process, error) {
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil {
			return nil, &StartError{Path: c.Path, Dir: c.Dir, Err: err}
		} else if !info.IsDir() {
			return nil, &StartError{Path: c.Path, Dir: c.Dir, Err: errors.New("not a folder")}
		}
	}
	p := &local{mark: markName + strings.ReplaceAll(NewID(), "-", "") + "=1", exited: make(chan Exit, 1)}
	p.cmd = exec.Command(c.Path, c.Args...) //nolint:gosec // the caller's program
	p.cmd.Dir = c.Dir
	p.cmd.Env = append(append(make([]string, 0, len(c.Env)+1), c.Env...), p.mark)
	p.cmd.SysProcAttr = ownGroup()
	if err := p.start(); err != nil {
		return nil, &StartError{Path: c.Path, Dir: c.Dir, Err: err}
	}
	return p, nil
}

// markName begins the variable by which the processes of a session are known. Its name is new for each session, so that
// one inside another has both.
const markName = "CLAUDECODE_GO_"

// local is a process of this machine.
type local struct {
	cmd            *exec.Cmd
	mark           string
	stdin          *os.File
	stdout, stderr *os.File
	exited         chan Exit
}

func (p *local) Stdin() io.WriteCloser { return p.stdin }
func (p *local) Stdout() io.ReadCloser { return p.stdout }
func (p *local) Stderr() io.ReadCloser { return p.stderr }

// start makes the pipes and runs the command in a goroutine that keeps its thread: the death signal of Linux
// follows the thread that started the child, so that one must live as long as the child.
func (p *local) start() error {
	var pipes [3][2]*os.File
	closeAll := func() {
		for _, pair := range pipes {
			for _, f := range pair {
				if f != nil {
					f.Close()
				}
			}
		}
	}
	for i := range pipes {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll()
			return err
		}
		pipes[i] = [2]*os.File{r, w}
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = pipes[0][0], pipes[1][1], pipes[2][1]
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.exited <- p.reap()
		}
	}()
	if err := <-started; err != nil {
		closeAll()
		return err
	}
	pipes[0][0].Close()
	pipes[1][1].Close()
	pipes[2][1].Close()
	p.stdin, p.stdout, p.stderr = pipes[0][1], pipes[1][0], pipes[2][0]
	return nil
}

// reap waits for the CLI and clears away what it left, where possible before its number can be someone else's.
func (p *local) reap() Exit {
	pid := p.cmd.Process.Pid
	if awaitExit(pid) {
		sweep(pid, p.mark)
		_ = p.cmd.Wait() // its error says what ProcessState says
	} else {
		_ = p.cmd.Wait()
		sweep(pid, p.mark)
	}
	return exitOf(p.cmd.ProcessState)
}

// Signal reaches the CLI; once a kill has ended it, the rest follows in reap.
func (p *local) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

func (p *local) Wait() Exit { return <-p.exited }

// Find returns the CLI that [Start] starts: path itself, where it is a program; for an empty path the first claude on PATH
// and in the places where installers put it. Its error is a [*NotFoundError].
func Find(path string) (string, error) {
	if path != "" {
		full, err := exec.LookPath(path)
		if err != nil {
			return "", &NotFoundError{Path: path, Err: err}
		}
		return full, nil
	}
	full, err := exec.LookPath("claude")
	if err == nil {
		return full, nil
	}
	seen := []string{"PATH"}
	for _, place := range places() {
		if full, err := exec.LookPath(place); err == nil {
			return full, nil
		}
		seen = append(seen, place)
	}
	return "", &NotFoundError{Seen: seen, Err: err}
}

// places are where the CLI's installers put it.
func places() []string {
	list := []string{"/usr/local/bin/claude"}
	home, err := os.UserHomeDir()
	if err != nil {
		return list
	}
	return append([]string{
		filepath.Join(home, ".npm-global/bin/claude"),
		filepath.Join(home, ".local/bin/claude"),
		filepath.Join(home, "node_modules/.bin/claude"),
		filepath.Join(home, ".yarn/bin/claude"),
		filepath.Join(home, ".claude/local/claude"),
	}, list...)
}
