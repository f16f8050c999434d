package ladder

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// The words of the supervisor and its helper. Orders lie in a memory file on descriptor ordersFD;
// after that both talk in datagrams of JSON over the socket on descriptor controlFD. A connection
// that was asked for rides on its answer as a passed descriptor.
const (
	helperWord = "__sandbox"
	controlFD  = 3
	ordersFD   = 4
	// Descriptor 5, under bubblewrap only, is the helper's own program, executed through /proc/self/fd.
	maxMessage = 64 << 10
)

// orders say what the helper is to arrange and to run.
type orders struct {
	Argv     []string
	Dir      string
	Env      []string
	Mounts   []mount `json:",omitempty"` // own namespaces: the whole tree; nil leaves the tree as it is
	Door     int     `json:",omitempty"` // a port of the loopback whose connections are handed out
	Loopback bool    // bring up the loopback of a fresh network
	PID1     bool    // the helper is the first process of its own pid namespace
	Confine  bool    // drop all privileges, filter system calls
	NoUnix   bool    // deny Unix sockets too: other processes' can be reached by path
	Landlock *access `json:",omitempty"` // nil: no Landlock
	Limits   bounds
}

// bounds are the limits that the helper sets and watches.
type bounds struct {
	Memory    int64
	FileSize  int64
	Processes int
	Tasks     bool // RLIMIT_NPROC counts this sandbox alone, not all of the user's processes
}

// request is what the supervisor asks of the helper.
type request struct {
	Dial    int64  `json:",omitempty"` // a number for the answer
	Network string `json:",omitempty"`
	Address string `json:",omitempty"`
	Signal  int    `json:",omitempty"`
}

// event is what the helper tells the supervisor.
type event struct {
	Kind     string // one of the kinds below
	Dial     int64  `json:",omitempty"`
	Error    string `json:",omitempty"`
	Exit     int    `json:",omitempty"`
	Signal   string `json:",omitempty"`
	Exceeded string `json:",omitempty"`
}

// The kinds of events: the command runs; it could not be confined; it has ended; a connection was
// made or refused; the command connected to its door.
const (
	eventStarted = "started"
	eventFailed  = "failed"
	eventExited  = "exited"
	eventDialled = "dialled"
	eventKnocked = "knocked"
)

// seal writes o to a memory file that a child can read from its start.
func (o orders) seal() (*os.File, error) {
	fd, err := unix.MemfdCreate("orders", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make orders: %w", err)
	}
	file := os.NewFile(uintptr(fd), "orders")
	if err := json.NewEncoder(file).Encode(o); err != nil {
		return nil, fmt.Errorf("write orders: %w", closeWith(file, err))
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("rewind orders: %w", closeWith(file, err))
	}
	return file, nil
}

// closeWith closes f on the way out with err, which is the news.
func closeWith(f io.Closer, err error) error {
	if cerr := f.Close(); cerr != nil {
		return fmt.Errorf("%w (and close: %w)", err, cerr)
	}
	return err
}
