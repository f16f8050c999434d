package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// ErrNobody means that no build listens.
var ErrNobody = errors.New("no build listens")

// Client is a connection to a build that listens. It is used by one goroutine. Close it.
type Client struct {
	Greeting Greeting
	conn     *net.UnixConn
	in       *bufio.Reader
}

// Dial finds the build of that id and folder at one of paths; ErrNobody when it does not listen at
// any. A socket that is not the user's own is passed over.
func Dial(ctx context.Context, paths []string, build, folder string) (*Client, error) {
	for _, path := range paths {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if own(path) != nil {
			continue
		}
		conn, err := dial(path)
		if err != nil {
			continue
		}
		c := &Client{conn: conn, in: bufio.NewReaderSize(conn, MaxLine)}
		if c.greeted() && c.Greeting.Build == build && c.Greeting.Folder == folder {
			return c, nil
		}
		_ = c.Close() // it is another build
	}
	return nil, ErrNobody
}

func dial(path string) (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
}

// greeted reads who is there.
func (c *Client) greeted() bool {
	uid, err := peerUID(c.conn)
	if err != nil || uid != os.Geteuid() || c.conn.SetReadDeadline(time.Now().Add(patience)) != nil {
		return false
	}
	line, err := readLine(c.in)
	return err == nil && decode(line, &c.Greeting) == nil && c.Greeting.Version == Version
}

// Send asks and waits for the reply, for at most half a minute. An error that is no *Fault means
// that it is not known whether the request was taken: send it again, under the same id.
func (c *Client) Send(req Request) (Reply, error) {
	req.Version = Version
	if err := write(c.conn, patience, req); err != nil {
		return Reply{}, err
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(idle)); err != nil {
		return Reply{}, fmt.Errorf("read reply: %w", err)
	}
	return c.read()
}

// Next waits for a further reply, until ctx ends.
func (c *Client) Next(ctx context.Context) (Reply, error) {
	if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
		return Reply{}, fmt.Errorf("read reply: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	return c.read()
}

func (c *Client) read() (Reply, error) {
	var rep Reply
	line, err := readLine(c.in)
	if err == nil {
		err = decode(line, &rep)
	}
	if err != nil {
		return rep, fmt.Errorf("read reply: %w", err)
	}
	if rep.Error != nil {
		return rep, rep.Error
	}
	return rep, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }
