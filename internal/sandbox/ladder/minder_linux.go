package ladder

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// countEvery is how often the processes are counted.
const countEvery = 25 * time.Millisecond

// minder minds one command: reaps, counts, passes signals on, and leaves nothing alive.
type minder struct {
	control *control
	orders  orders

	starting sync.Mutex // held while the command is started
	dying    bool       // under starting: it is not to be started any more

	mu       sync.Mutex
	pid      int    // of the command; 0 before it runs and after it was reaped
	exceeded string // the limit that ended it
}

func newMinder(c *control, o orders) *minder { return &minder{control: c, orders: o} }

// mind starts the command and waits for its end. Its return ends the process, and with it, where
// this is the first process of a pid namespace, every other.
func (m *minder) mind() int {
	started := make(chan error, 1)
	go m.launch(started)
	if err := <-started; err != nil {
		return m.failed(err)
	}
	m.control.tell(event{Kind: eventStarted})
	go m.count()
	status, err := m.reap()
	m.killAll()
	if err != nil {
		m.control.tell(event{Kind: eventFailed, Error: err.Error()})
		return helperFailed
	}
	m.control.tell(m.ended(status))
	return 0
}

// launch starts the command from a thread that stays: the command dies with it.
func (m *minder) launch(started chan<- error) {
	started <- m.begin()
	select {}
}

// begin starts the command, unless all is to end already.
func (m *minder) begin() error {
	m.starting.Lock()
	defer m.starting.Unlock()
	if m.dying {
		return errors.New("the supervisor is gone")
	}
	pid, err := m.orders.launch()
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.pid = pid
	m.mu.Unlock()
	return m.letGo()
}

// letGo closes the command's streams here, so that their ends are seen when the command closes them.
func (m *minder) letGo() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open null device: %w", err)
	}
	for fd := range 3 {
		if err := unix.Dup3(int(null.Fd()), fd, 0); err != nil {
			return closeWith(null, fmt.Errorf("let go of stream %d: %w", fd, err))
		}
	}
	return null.Close()
}

// failed reports a command that did not start.
func (m *minder) failed(err error) int {
	m.killAll()
	var own notRun
	if !errors.As(err, &own) {
		m.control.tell(event{Kind: eventFailed, Error: err.Error()})
		return helperFailed
	}
	fmt.Fprintln(os.Stderr, own.Error())
	m.control.tell(event{Kind: eventStarted})
	m.control.tell(event{Kind: eventExited, Exit: own.exit})
	return 0
}

// reap waits for the command, burying every orphan on the way.
func (m *minder) reap() (unix.WaitStatus, error) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("wait for command: %w", err)
		}
		m.mu.Lock()
		ended := pid == m.pid
		if ended {
			m.pid = 0
		}
		m.mu.Unlock()
		if ended {
			return status, nil
		}
	}
}

// ended is the news of the command's end.
func (m *minder) ended(status unix.WaitStatus) event {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := event{Kind: eventExited, Exit: status.ExitStatus(), Exceeded: m.exceeded}
	if status.Signaled() {
		e.Exit, e.Signal = -1, status.Signal().String()
	}
	return e
}

// obey carries out what the supervisor asks. When the supervisor closes the socket or dies, all dies.
func (m *minder) obey() {
	for {
		r, err := m.control.request()
		if err != nil {
			m.die()
		}
		switch {
		case r.Dial != 0:
			go m.control.dial(r)
		case r.Signal != 0:
			m.signal(unix.Signal(r.Signal))
		}
	}
}

// die ends the command, also one that is being started, and this process.
func (m *minder) die() {
	m.starting.Lock()
	m.dying = true
	m.killAll()
	os.Exit(helperFailed)
}

// signal passes a signal on to the command, if it still runs.
func (m *minder) signal(sig unix.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pid == 0 {
		return
	}
	if err := unix.Kill(m.pid, sig); err != nil {
		m.control.tell(event{Kind: eventFailed, Error: fmt.Sprintf("signal command: %v", err)})
	}
}

// count ends the command when it has more processes than it may. A limit of the kernel's own holds
// the tasks besides, where there is one for this sandbox alone.
func (m *minder) count() {
	for range time.Tick(countEvery) {
		if m.processes() <= m.orders.Limits.Processes {
			continue
		}
		m.mu.Lock()
		m.exceeded = "processes"
		m.mu.Unlock()
		m.killAll()
	}
}
