package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Bounds of what connections may take of a build.
const (
	mostConns = 16
	idle      = 30 * time.Second // for a whole line to come
	patience  = 10 * time.Second // for a line to be taken
)

// Handler carries out requests. Handle is given the ways to answer: reply sends one line, and its
// error means that nobody takes it any more. gone ends with the connection. It MUST be safe for
// concurrent use.
type Handler interface {
	Handle(gone context.Context, req Request, reply func(Reply) error)
}

// Server listens for orders until it is closed.
type Server struct {
	path     string
	greeting Greeting
	handler  Handler
	uid      int // who may give orders
	ln       *net.UnixListener
	end      context.CancelFunc
	all      sync.WaitGroup
	places   chan struct{}
}

// Listen offers a build's socket at the first of paths where that can be done; what a killed build
// left there is removed. The folder is made where there is none. Close the server.
func Listen(ctx context.Context, paths []string, g Greeting, h Handler) (*Server, error) {
	errs := []error{errors.New("no place for a socket")}
	for _, path := range paths {
		ln, err := listenAt(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		g.Version = Version
		s := &Server{path: path, greeting: g, handler: h, uid: os.Geteuid(), ln: ln, places: make(chan struct{}, mostConns)}
		ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
		s.all.Go(func() { s.accept(ctx) })
		return s, nil
	}
	return nil, errors.Join(errs...)
}

func listenAt(path string) (*net.UnixListener, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of socket: %w", err)
	}
	if err := private(dir); err != nil {
		return nil, err
	}
	if !vacant(path) {
		return nil, fmt.Errorf("%s is in use", path)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("listen at %s: %w", path, err), ln.Close())
	}
	return ln, nil
}

// Path is where the server listens.
func (s *Server) Path() string { return s.path }

// Close ends all connections, waits for their handlers, and removes the socket.
func (s *Server) Close() error {
	s.end()
	err := s.ln.Close() // it removes the file
	s.all.Wait()
	if err != nil {
		return fmt.Errorf("close control socket: %w", err)
	}
	return nil
}

func (s *Server) accept(ctx context.Context) {
	for {
		c, err := s.ln.AcceptUnix()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if err == nil {
				_ = c.Close()
			}
			return
		}
		if err != nil { // no descriptor is left: the next one may have better luck
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case s.places <- struct{}{}:
			s.all.Go(func() {
				defer func() { <-s.places }()
				s.serve(ctx, c)
			})
		default:
			_ = write(c, time.Second, Reply{Version: Version, Error: &Fault{Code: CodeBusy, Message: "too many connections", Hint: "close one"}})
			_ = c.Close()
		}
	}
}

// serve talks with one client. What goes wrong on the way is the client's loss alone.
func (s *Server) serve(ctx context.Context, c *net.UnixConn) {
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if uid, err := peerUID(c); err != nil || uid != s.uid {
		return
	}
	if write(c, patience, s.greeting) != nil {
		return
	}
	r := bufio.NewReaderSize(c, MaxLine)
	for ctx.Err() == nil {
		if c.SetReadDeadline(time.Now().Add(idle)) != nil {
			return
		}
		req, fault, err := readRequest(r)
		if err != nil {
			return
		}
		if fault != nil {
			_ = write(c, patience, Reply{Version: Version, Error: fault})
			return
		}
		if !s.answer(ctx, c, r, req) {
			return
		}
	}
}

// answer handles one request; false ends the connection. While a client waits it is watched: one
// that goes away frees its place.
func (s *Server) answer(ctx context.Context, c *net.UnixConn, r *bufio.Reader, req Request) bool {
	gone, cancel := context.WithCancel(ctx)
	defer cancel()
	if req.Wait {
		if c.SetReadDeadline(time.Time{}) != nil {
			return false
		}
		s.all.Go(func() {
			_, _ = r.Peek(1) // an end, or more than was agreed on
			cancel()
		})
	}
	ok := !req.Wait
	s.handler.Handle(gone, req, func(rep Reply) error {
		rep.Version = Version
		err := write(c, patience, rep)
		if err != nil {
			ok = false
		}
		return err
	})
	return ok
}

// write sends one line.
func write(c *net.UnixConn, within time.Duration, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode line: %w", err)
	}
	if err := c.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return fmt.Errorf("send line: %w", err)
	}
	if _, err := c.Write(append(raw, '\n')); err != nil {
		return fmt.Errorf("send line: %w", err)
	}
	return nil
}
