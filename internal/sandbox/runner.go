package sandbox

import (
	"context"
	"net"
	"syscall"
	"time"
)

// Output is what a command left behind. A command that failed, was killed or ran out of time is an
// Output; an error is ours (no such folder, the mechanism broke).
type Output struct {
	Exit     int // -1 when it was killed
	Stdout   []byte
	Stderr   []byte
	Dropped  int64 // bytes of output not kept
	TimedOut bool
	Exceeded string // the limit that made us end it: "time", "processes" or ""
	Signal   string // "killed", … when a signal ended it
	Took     time.Duration
}

// Runner runs commands in confinement and leaves no process behind, also when ctx ends.
type Runner interface {
	Run(ctx context.Context, c Command) (Output, error)
	// Start runs c until ctx ends, Process.Stop is called or it exits by itself: for servers under test.
	Start(ctx context.Context, c Command) (Process, error)
	Level() Level
	// Isolates says whether a command under a policy has a loopback of its own.
	Isolates(p Policy) bool
}

// Process is a command that keeps running. Port-sharing: with Policy.Network off the process has a
// loopback of its own, so requests to it MUST be dialled through Dial.
type Process interface {
	// Dial connects to a loopback address inside the process's network.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Door accepts what connects to Policy.Door; nil where the command has no loopback of its own. It
	// ends with the process.
	Door() net.Listener
	// Signal sends a signal to the command alone, not to what it started.
	Signal(sig syscall.Signal) error
	// Done is closed when it has exited.
	Done() <-chan struct{}
	// Stop asks it to end with SIGTERM, after grace kills it and all its children, and returns what it left.
	Stop(ctx context.Context, grace time.Duration) (Output, error)
}
