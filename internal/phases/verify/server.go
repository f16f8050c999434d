package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/planner"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

const (
	// Between two looks whether a server is there.
	pollFirst = 5 * time.Millisecond
	pollMost  = 200 * time.Millisecond
)

// server is a server under test.
type server struct {
	room     *room
	patience patience
	process  sandbox.Process
	client   *http.Client
	base     string // http://127.0.0.1:port
	out      sandbox.Output
}

// serve starts the gate's server, which keeps running until end.
func (v *Verifier) serve(ctx context.Context, r *room) (*server, error) {
	dir, err := r.dir()
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	argv := r.fill(r.gate.Start, port)
	fmt.Fprintf(&r.log, "$ %s &\n", strings.Join(argv, " "))
	process, err := v.config.Runner.Start(ctx, v.config.Profile.Apply(sandbox.Command{
		Argv: argv, Dir: dir,
		Policy: sandbox.Policy{Write: []string{r.tree, r.data}, Network: r.network()},
	}))
	if err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := process.Dial(ctx, "tcp", address)
			if err == nil {
				return conn, nil
			}
			if conn, err6 := process.Dial(ctx, "tcp", net.JoinHostPort("::1", strconv.Itoa(port))); err6 == nil {
				return conn, nil
			}
			return nil, err
		},
		DisableKeepAlives:  true, // a connection that the server drops is then never ours to explain
		DisableCompression: true,
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &server{room: r, patience: v.patience, process: process, client: client, base: "http://" + address}, nil
}

// freePort is a port that nothing listens on. In a network of its own every port is; elsewhere it is
// free a moment before.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find free port: %w", err)
	}
	_, text, err := net.SplitHostPort(listener.Addr().String())
	if err := errors.Join(err, listener.Close()); err != nil {
		return 0, fmt.Errorf("find free port: %w", err)
	}
	return strconv.Atoi(text)
}

// ready waits until the server answers on path, whatever the status, and says why it does not.
func (s *server) ready(ctx context.Context, path string) []string {
	if path == "" {
		path = "/"
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience.ready, fmt.Errorf("no answer within %s", s.patience.ready))
	defer cancel()
	for wait := pollFirst; ; wait = min(2*wait, pollMost) {
		_, _, err := s.send(ctx, planner.Step{Method: http.MethodGet, Path: path}, captures{}, nil)
		if err == nil {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.process.Done():
			timer.Stop()
			return []string{"the server ended before it answered GET " + path}
		case <-ctx.Done():
			timer.Stop()
			return []string{fmt.Sprintf("the server never answered GET %s: %s", path, s.why(err))}
		}
	}
}

// gone says whether the server has ended by itself.
func (s *server) gone() bool {
	select {
	case <-s.process.Done():
		return true
	default:
		return false
	}
}

// deathTime is how long a server whose connection broke is watched for its end.
const deathTime = 2 * time.Second

// why explains a request that got no answer.
func (s *server) why(err error) string {
	timer := time.NewTimer(deathTime)
	defer timer.Stop()
	var answer net.Error
	if errors.As(err, &answer) && answer.Timeout() || strings.HasPrefix(err.Error(), "no answer") {
		return err.Error()
	}
	select {
	case <-s.process.Done():
		return "the server ended"
	case <-timer.C:
		return strings.TrimSpace(err.Error())
	}
}

// end stops the server and judges how it went.
func (s *server) end(ctx context.Context, exit int) ([]string, error) {
	early := s.gone()
	out, err := s.process.Stop(ctx, s.patience.end)
	if err != nil {
		return nil, fmt.Errorf("stop server: %w", err)
	}
	s.out = out
	fmt.Fprintf(&s.room.log, "(server %s)\n", ending(out))
	switch {
	case early:
		return []string{"the server " + ending(out) + " before it was asked to"}, nil
	case out.TimedOut:
		return []string{fmt.Sprintf("the server did not end within %s after SIGTERM", s.patience.end)}, nil
	case out.Exit != exit || out.Signal != "":
		return []string{fmt.Sprintf("after SIGTERM the server must end with exit code %d, but it %s; handle SIGTERM by a graceful shutdown", exit, ending(out))}, nil
	}
	return nil, nil
}
