package sandbox

import (
	"cmp"
	"io"
	"time"
)

// Command is one program to run, never a shell string of ours.
type Command struct {
	Argv  []string
	Dir   string            // absolute; below one of Policy.Write
	Env   map[string]string // added to the fixed environment; values of the parent never leak in
	Stdin io.Reader         // nil means empty
	// Stdout and Stderr, where set, get what the command writes, as it comes, and [Output] does not. A
	// file is handed to the command as it is.
	Stdout, Stderr io.Writer
	// OneStream writes stderr into stdout, in the order in which a terminal would show both.
	OneStream bool
	Policy    Policy
	Limits    Limits
}

// Policy says what a command may touch. Everything else of the file system is hidden or, where
// only Landlock is at hand, unreadable and unwritable; the system's own programs, libraries and
// the toolchains on PATH can be read.
type Policy struct {
	Write   []string // absolute folders: the scratch tree, caches, its private temp folder
	Read    []string // absolute files and folders besides the system's
	Network bool     // false: no network but a loopback of its own
	// Door, not 0 and with Network off, is a port at which the command's own 127.0.0.1 answers: what
	// connects there comes out of Process.Door. It is the command's only way out. Where the command
	// shares the machine's loopback, which Process.Door tells by nil, nothing listens.
	Door int
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

// OrDefault fills the zero fields of l with those of [DefaultLimits].
func (l Limits) OrDefault() Limits {
	d := DefaultLimits()
	l.Time = cmp.Or(l.Time, d.Time)
	l.Output = cmp.Or(l.Output, d.Output)
	l.Memory = cmp.Or(l.Memory, d.Memory)
	l.Processes = cmp.Or(l.Processes, d.Processes)
	l.FileSize = cmp.Or(l.FileSize, d.FileSize)
	return l
}
