package ladder

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// pipeGrace is how long the command's streams may stay open after the helper's end.
const pipeGrace = 2 * time.Second

// spawn starts the helper and waits until the command runs.
func (r runner) spawn(ctx context.Context, c sandbox.Command, private private) (*process, error) {
	o, err := r.orders(c, private)
	if err != nil {
		return nil, err
	}
	cmd, extra, err := r.rung.command(o, c)
	if err != nil {
		return nil, fmt.Errorf("open own program: %w", err)
	}
	if r.rung.name() == Bubblewrap {
		o.Mounts = nil // bwrap made them
	}
	conn, err := handOver(cmd, o, extra)
	if err != nil {
		return nil, err
	}
	limits := c.Limits.OrDefault()
	p := &process{
		rung: r.rung, isolated: r.rung.isolated(c.Policy), cmd: cmd, conn: conn, private: private,
		stdout: newClip(limits.Output), stderr: newClip(limits.Output),
		started: make(chan struct{}), done: make(chan struct{}), dials: map[int64]chan dialled{},
		begin: time.Now(),
	}
	if o.Door != 0 {
		p.door = newDoor(o.Door, p.done)
	}
	cmd.WaitDelay = pipeGrace
	p.stdout.connect(cmd, c, p.stderr)
	if err := p.launch(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// handOver gives the helper its descriptors and returns the supervisor's end of the control socket.
// The files given away are closed by launch.
func handOver(cmd *exec.Cmd, o orders, extra []*os.File) (*net.UnixConn, error) {
	sealed, err := o.seal()
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, closeWith(sealed, fmt.Errorf("make control socket: %w", err))
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "control"), os.NewFile(uintptr(pair[1]), "control")
	cmd.ExtraFiles = append([]*os.File{theirs, sealed}, extra...)
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, closeWith(ours, fmt.Errorf("open control socket: %w", err))
	}
	if err := ours.Close(); err != nil {
		return nil, fmt.Errorf("close spare descriptor: %w", err)
	}
	return conn.(*net.UnixConn), nil
}

// launch starts the helper and waits for its first word.
func (p *process) launch(ctx context.Context) error {
	err := p.cmd.Start()
	for _, file := range p.cmd.ExtraFiles {
		if cerr := file.Close(); err == nil && cerr != nil {
			err = cerr
		}
	}
	if err != nil {
		return closeWith(p.conn, fmt.Errorf("start helper: %w", err))
	}
	go p.listen()
	select {
	case <-p.started:
		return nil
	case <-p.done:
		return p.notStarted()
	case <-ctx.Done():
		p.kill()
		<-p.done
		return context.Cause(ctx)
	}
}

// notStarted says why the command never ran.
func (p *process) notStarted() error {
	select {
	case <-p.started: // it ran, and was quick
		return nil
	default:
	}
	if p.failure != nil {
		return p.failure
	}
	said := strings.TrimSpace(string(p.stdout.Bytes()) + string(p.stderr.Bytes()))
	if said == "" && p.waited != nil {
		said = p.waited.Error()
	}
	return errors.New("confine by " + string(p.rung.name()) + ": " + said)
}
