package ladder

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
)

// openDoor listens at a port of the command's loopback, and hands out whatever connects.
func (c *control) openDoor(port int) error {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("open door: %w", err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // nothing closes it but the end of this process
			}
			c.knock(conn)
		}
	}()
	return nil
}

// knock hands one connection out. One that cannot be is closed, which its maker sees.
func (c *control) knock(conn net.Conn) {
	file, err := conn.(*net.TCPConn).File()
	_ = conn.Close() // the file is a descriptor of its own
	if err != nil {
		return
	}
	c.pass(event{Kind: eventKnocked}, file)
	_ = file.Close() // the other side has its own
}

// mostKnocks is how many connections may wait to be accepted.
const mostKnocks = 256

// door is the supervisor's end: a listener whose connections come out of the confinement.
type door struct {
	address net.TCPAddr
	conns   chan net.Conn
	ended   <-chan struct{} // of the process
	shut    chan struct{}
	once    sync.Once
}

func newDoor(port int, ended <-chan struct{}) *door {
	return &door{
		address: net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
		conns:   make(chan net.Conn, mostKnocks), ended: ended, shut: make(chan struct{}),
	}
}

// take lets a connection wait; one too many is closed.
func (d *door) take(file *os.File) {
	if file == nil {
		return
	}
	conn, err := net.FileConn(file)
	_ = file.Close() // the connection has a descriptor of its own
	if err != nil {
		return
	}
	select {
	case d.conns <- conn:
	default:
		_ = conn.Close() // its maker sees it
	}
}

// Accept implements [net.Listener].
func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.conns:
		return conn, nil
	case <-d.ended:
	case <-d.shut:
	}
	return nil, net.ErrClosed
}

// Close implements [net.Listener].
func (d *door) Close() error {
	d.once.Do(func() { close(d.shut) })
	return nil
}

// Addr implements [net.Listener]: the address within the command's network.
func (d *door) Addr() net.Addr { return &d.address }
