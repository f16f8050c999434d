package ladder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// killGrace is how long the helper has to end everything before its process group is killed.
const killGrace = 2 * time.Second

// process is a confined command seen from outside. One goroutine, listen, owns the reading of the
// control socket and the waiting for the helper; it closes done as the last thing it does.
type process struct {
	rung     rung
	isolated bool
	cmd      *exec.Cmd
	conn     *net.UnixConn
	private  private
	stdout   *clip
	stderr   *clip
	door     *door // nil where the command has no loopback of its own, or none is wanted
	begin    time.Time

	started chan struct{} // closed when the command runs
	done    chan struct{} // closed when nothing of it is left

	stopWithContext func() bool // of Start
	killOnce        sync.Once
	lastResort      *time.Timer // set by kill

	mu       sync.Mutex
	dials    map[int64]chan dialled
	nextDial int64
	exceeded string

	// Written by listen before done is closed.
	end      *event
	failure  error
	waited   error
	took     time.Duration
	removing error
}

// Done is closed when the command has exited and nothing of it is left.
func (p *process) Done() <-chan struct{} { return p.done }

// Door accepts what the command connects to its door.
func (p *process) Door() net.Listener {
	if p.door == nil {
		return nil
	}
	return p.door
}

// Signal reaches the command alone.
func (p *process) Signal(sig syscall.Signal) error { return p.ask(request{Signal: int(sig)}) }

// listen follows the helper to its end, and clears up.
func (p *process) listen() {
	for {
		e, file, err := p.receive()
		if err != nil {
			break
		}
		p.note(e, file)
	}
	p.kill() // the helper is gone or going; what it left, goes too
	p.waited = p.cmd.Wait()
	p.lastResort.Stop()
	p.took = time.Since(p.begin)
	p.removing = p.private.remove()
	close(p.done)
}

// note takes one event in.
func (p *process) note(e event, file *os.File) {
	switch e.Kind {
	case eventStarted:
		close(p.started)
	case eventFailed:
		p.failure = errors.New("confine by " + string(p.rung.name()) + ": " + e.Error)
	case eventExited:
		p.end = &e
	case eventDialled:
		p.answer(e, file)
	case eventKnocked:
		p.door.take(file)
	}
}

// receive reads one event and the descriptor that rides on it.
func (p *process) receive() (event, *os.File, error) {
	var e event
	buffer, rights := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4))
	n, nr, _, _, err := p.conn.ReadMsgUnix(buffer, rights)
	if err != nil {
		return e, nil, err
	}
	if n == 0 {
		return e, nil, net.ErrClosed
	}
	file, err := descriptor(rights[:nr])
	if err != nil {
		return e, nil, err
	}
	return e, file, json.Unmarshal(buffer[:n], &e)
}

// descriptor unpacks a passed descriptor, nil when there is none.
func descriptor(rights []byte) (*os.File, error) {
	if len(rights) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("parse passed descriptor: %d messages, %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("parse passed descriptor: %d descriptors, %w", len(fds), err)
	}
	unix.CloseOnExec(fds[0])
	return os.NewFile(uintptr(fds[0]), "connection"), nil
}

// exceed ends the command because of a limit.
func (p *process) exceed(limit string) {
	p.mu.Lock()
	p.exceeded = limit
	p.mu.Unlock()
	p.kill()
}

// kill ends the command and all it started. The helper does it when its control socket closes; a
// helper that does not is killed with its process group.
func (p *process) kill() {
	p.killOnce.Do(func() {
		_ = p.conn.Close() // an error here can only say that it was closed before
		group := p.cmd.Process.Pid
		p.lastResort = time.AfterFunc(killGrace, func() { _ = unix.Kill(-group, unix.SIGKILL) })
	})
}

// Stop asks with SIGTERM, kills after grace or when ctx ends, and returns what the command left.
// It may be called again, and after the command has exited by itself.
func (p *process) Stop(ctx context.Context, grace time.Duration) (sandbox.Output, error) {
	if p.stopWithContext != nil {
		p.stopWithContext()
	}
	select {
	case <-p.done:
		return p.output()
	default:
	}
	if err := p.ask(request{Signal: int(unix.SIGTERM)}); err != nil {
		p.kill() // it has just ended
	}
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
		p.exceed("time")
	case <-ctx.Done():
		p.kill()
	}
	<-p.done
	return p.output()
}

// ask sends r to the helper.
func (p *process) ask(r request) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("ask helper: %w", err)
	}
	if _, err := p.conn.Write(data); err != nil {
		return fmt.Errorf("ask helper: %w", err)
	}
	return nil
}

// output is what the command left. An error says that the confinement broke on the way.
func (p *process) output() (sandbox.Output, error) {
	p.mu.Lock()
	exceeded := p.exceeded
	p.mu.Unlock()
	out := sandbox.Output{
		Exit: -1, Stdout: p.stdout.Bytes(), Stderr: p.stderr.Bytes(), Dropped: p.stdout.Dropped() + p.stderr.Dropped(),
		Exceeded: exceeded, TimedOut: exceeded == "time", Took: p.took,
	}
	switch {
	case p.end != nil:
		out.Exit, out.Signal = p.end.Exit, p.end.Signal
		if out.Exceeded == "" {
			out.Exceeded = p.end.Exceeded
		}
	case p.failure != nil:
		return out, p.failure
	default:
		out.Signal = unix.SIGKILL.String()
	}
	return out, p.removing
}
