package sandbox

import (
	"context"
	"io"
	"net"
	"time"
)

// Command is one program to run, never a shell string of ours.
type Command struct {
	Argv   []string
	Dir    string            // absolute; below one of Policy.Write
	Env    map[string]string // added to the fixed environment; values of the parent never leak in
	Stdin  io.Reader         // nil means empty
	Policy Policy
	Limits Limits
}

// Policy says what a command may touch. Everything else of the file system is hidden or, where
// only Landlock is at hand, unreadable and unwritable; the system's own programs, libraries and
// the toolchains on PATH can be read.
type Policy struct {
	Write   []string // absolute folders: the scratch tree, caches, its private temp folder
	Read    []string // absolute files and folders besides the system's
	Network bool     // false: no network but a loopback of its own
}

// Limits bound a command. Zero values mean the defaults of DefaultLimits.
type Limits struct {
	Time      time.Duration
	Output    int64 // bytes kept of stdout and stderr each; the rest is counted and dropped from the middle
	Memory    int64 // bytes of data per process
	Processes int   // at the same time
	FileSize  int64 // bytes of the largest file it may write
}

// DefaultLimits are used where a command sets none.
func DefaultLimits() Limits {
	return Limits{Time: 5 * time.Minute, Output: 1 << 20, Memory: 8 << 30, Processes: 512, FileSize: 2 << 30}
}

// Output is what a command left behind. A command that failed, was killed or ran out of time is an
// Output; an error is ours (no such folder, the mechanism broke).
type Output struct {
	Exit     int // -1 when it was killed
	Stdout   []byte
	Stderr   []byte
	Dropped  int64 // bytes of output not kept
	TimedOut bool
	Signal   string // "killed", … when a signal ended it
	Took     time.Duration
}

// Runner runs commands in confinement and leaves no process behind, also when ctx ends.
type Runner interface {
	Run(ctx context.Context, c Command) (Output, error)
	// Start runs c until ctx ends, Process.Stop is called or it exits by itself: for servers under test.
	Start(ctx context.Context, c Command) (Process, error)
	Level() Level
}

// Process is a command that keeps running. Port-sharing: with Policy.Network off the process has a
// loopback of its own, so requests to it MUST be dialled through Dial.
type Process interface {
	// Dial connects to a loopback address inside the process's network.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Done is closed when it has exited.
	Done() <-chan struct{}
	// Stop asks it to end with SIGTERM, after grace kills it and all its children, and returns what it left.
	Stop(ctx context.Context, grace time.Duration) (Output, error)
}
