package agent

import (
	"context"
	"net"
)

// Foreman is whom an engine that is a program of its own reports to while it works. The engine offers
// it to its agent as tools. Calls are made one after the other, from any goroutine.
type Foreman interface {
	Verifier // what the agent asks for when it says that it is finished
	Person
	// Note keeps what later tasks should know.
	Note(ctx context.Context, text string) error
	// Plan tells the plan as it stands: each task, and how far it is.
	Plan(ctx context.Context) (string, error)
	// Budget tells what is used and what is left.
	Budget(ctx context.Context) (string, error)
}

// Job is one attempt for an engine that is a program of its own.
type Job struct {
	Task Task
	Dir  string // the scratch tree: absolute and real
	// Session is a UUID that every process gets which carries this attempt out.
	Session string
	// Begun says that a process before this one carried the attempt out for a while. Dir is as that
	// one left it, or as it was recorded last.
	Begun bool
	// Said is what a person said since the attempt began, answers to its questions among it.
	Said    []string
	Foreman Foreman
}

// Way is a program's only way to its model.
type Way interface {
	// URL is the base address of the API, with the secret that lets the program in. It stands for every
	// listener of Serve too.
	URL() string
	// Serve lets what a listener accepts in; it returns at once, and ends with the listener.
	Serve(l net.Listener)
	// Stopped is why the way was closed to the program: a cap, or a failure of the machine. nil: it is open.
	Stopped() error
	// Calls counts the calls that were let through so far.
	Calls() int64
}
