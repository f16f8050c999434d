package ladder

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// dialTime is how long a connection to the command's loopback may take; it is local or it is not.
const dialTime = 10 * time.Second

// control is the helper's end of the control socket. Its methods may be called from any goroutine.
type control struct{ conn *net.UnixConn }

// tell sends e. A supervisor that cannot be told is gone, which obey notices and acts on.
func (c *control) tell(e event) { c.pass(e, nil) }

// pass sends e with a connection's descriptor.
func (c *control) pass(e event, file *os.File) {
	if len(e.Error) > maxMessage/4 {
		e.Error = e.Error[:maxMessage/4]
	}
	data, err := json.Marshal(e)
	if err != nil {
		panic("ladder: an event cannot be marshalled: " + err.Error())
	}
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	_, _, err = c.conn.WriteMsgUnix(data, rights, nil)
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, unix.EPIPE) {
		fmt.Fprintf(os.Stderr, "sandbox helper: tell %s: %v\n", e.Kind, err)
	}
}

// request waits for the supervisor's next wish.
func (c *control) request() (request, error) {
	var r request
	buffer := make([]byte, maxMessage)
	n, err := c.conn.Read(buffer)
	if err != nil {
		return r, fmt.Errorf("read request: %w", err)
	}
	if n == 0 {
		return r, errors.New("read request: supervisor is gone")
	}
	if err := json.Unmarshal(buffer[:n], &r); err != nil {
		return r, fmt.Errorf("parse request: %w", err)
	}
	return r, nil
}

// dial connects within the command's network and hands the connection out.
func (c *control) dial(r request) {
	file, err := connect(r.Network, r.Address)
	if err != nil {
		c.tell(event{Kind: eventDialled, Dial: r.Dial, Error: err.Error()})
		return
	}
	c.pass(event{Kind: eventDialled, Dial: r.Dial}, file)
	_ = file.Close() // the other side has its own
}

// connect dials and returns the bare connection.
func connect(network, address string) (*os.File, error) {
	conn, err := net.DialTimeout(network, address, dialTime)
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil, closeWith(conn, fmt.Errorf("dial %s: not a TCP connection", network))
	}
	file, err := tcp.File()
	if err != nil {
		return nil, closeWith(conn, fmt.Errorf("take connection: %w", err))
	}
	return file, conn.Close()
}
