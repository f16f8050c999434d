package control

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// echo acknowledges every request with its count.
type echo struct {
	mu   sync.Mutex
	seen []Request
	wait chan struct{} // a second reply comes when it is closed, or the client has gone
	gone chan struct{}
}

func (e *echo) Handle(gone context.Context, req Request, reply func(Reply) error) {
	e.mu.Lock()
	e.seen = append(e.seen, req)
	n := len(e.seen)
	e.mu.Unlock()
	if reply(Reply{ID: req.ID, Verb: req.Verb, Seq: uint64(n)}) != nil || !req.Wait {
		return
	}
	select {
	case <-e.wait:
		_ = reply(Reply{ID: req.ID, Reached: true})
	case <-gone.Done():
		close(e.gone)
	}
}

// room is a private folder with a short path.
func room(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func serve(t *testing.T, h Handler, paths ...string) *Server {
	t.Helper()
	s, err := Listen(t.Context(), paths, Greeting{Build: "b-1", Folder: "/app", PID: 1}, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(s.Path()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
	})
	return s
}

func client(t *testing.T, s *Server) *Client {
	t.Helper()
	c, err := Dial(t.Context(), []string{s.Path()}, "b-1", "/app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestOrdersGoThrough(t *testing.T) {
	t.Parallel()
	e := &echo{wait: make(chan struct{})}
	s := serve(t, e, filepath.Join(room(t), "b-1.sock"))
	n := int64(7)
	c := client(t, s)
	for i, req := range []Request{{ID: "1", Verb: "cap", MaxCost: "2", MaxTokens: &n, Phase: "one"}, {ID: "2", Verb: "note", Task: "a", Text: "täxt \x1b\n"}} {
		rep, err := c.Send(req)
		if err != nil || rep.Seq != uint64(i+1) || rep.ID != req.ID {
			t.Fatalf("got %+v, %v", rep, err)
		}
	}
	if e.seen[1].Text != "täxt \x1b\n" || *e.seen[0].MaxTokens != 7 {
		t.Errorf("came as %+v", e.seen)
	}
	if _, err := c.Send(Request{ID: "3", Verb: "pause", Wait: true}); err != nil {
		t.Fatal(err)
	}
	close(e.wait)
	if rep, err := c.Next(t.Context()); err != nil || !rep.Reached {
		t.Errorf("got %+v, %v", rep, err)
	}
}

// A client that goes away while it waits frees its place.
func TestWaiterThatGoesAway(t *testing.T) {
	t.Parallel()
	e := &echo{wait: make(chan struct{}), gone: make(chan struct{})}
	s := serve(t, e, filepath.Join(room(t), "b-1.sock"))
	c := client(t, s)
	if _, err := c.Send(Request{ID: "1", Verb: "pause", Wait: true}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	<-e.gone
}

// Law L8: what does not parse ends its connection, with a code, and the next client is served.
func TestMalformedLines(t *testing.T) {
	t.Parallel()
	e := &echo{}
	s := serve(t, e, filepath.Join(room(t), "b-1.sock"))
	for name, c := range map[string]struct{ line, want string }{
		"no JSON":       {"hello\n", CodeSyntax},
		"no object":     {"[1]\n", CodeSyntax},
		"empty":         {"\n", CodeSyntax},
		"two objects":   {`{"version":1,"verb":"look"}{}` + "\n", CodeSyntax},
		"unknown field": {`{"version":1,"verb":"look","sudo":true}` + "\n", CodeSyntax},
		"wrong type":    {`{"version":1,"verb":7}` + "\n", CodeSyntax},
		"no version":    {`{"verb":"look"}` + "\n", CodeSyntax},
		"newer":         {`{"version":2,"verb":"look"}` + "\n", CodeSyntax},
		"deep":          {strings.Repeat(`{"version":`, 5000) + "\n", CodeSyntax},
		"zeros":         {strings.Repeat("\x00", 100) + "\n", CodeSyntax},
		"too long":      {strings.Repeat("x", MaxLine+1), CodeLong},
		"long text":     {`{"version":1,"verb":"note","text":"` + strings.Repeat("x", MaxLine) + `"}` + "\n", CodeLong},
		"cut":           {`{"version":1,"ver`, ""},
	} {
		conn, err := dial(s.Path())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, c.line) // the other side may have hung up already
		if err := conn.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(conn)
		_ = conn.Close()
		if got := string(raw); c.want != "" && !strings.Contains(got, c.want) || c.want == "" && strings.Count(got, "\n") != 1 {
			t.Errorf("%s: got %.300q", name, got)
		}
	}
	if len(e.seen) != 0 {
		t.Errorf("taken: %+v", e.seen)
	}
	if _, err := client(t, s).Send(Request{ID: "1", Verb: "look"}); err != nil {
		t.Error(err)
	}
}

// One client too many is told so; a place that is left is free.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, &echo{}, filepath.Join(room(t), "b-1.sock"))
	var held []*Client
	for range mostConns {
		held = append(held, client(t, s))
	}
	conn, err := dial(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(conn)
	_ = conn.Close()
	if !strings.Contains(string(raw), CodeBusy) {
		t.Errorf("got %q", raw)
	}
	for _, c := range held[1:] {
		_ = c.Close()
	}
	for { // the places are given back as the server sees the ends
		if c, err := Dial(t.Context(), []string{s.Path()}, "b-1", "/app"); err == nil {
			_ = c.Close()
			break
		}
	}
	if _, err := held[0].Send(Request{ID: "1", Verb: "look"}); err != nil {
		t.Error(err)
	}
}

// Other users are refused, whatever the file system lets them do.
func TestAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	e := &echo{}
	path := filepath.Join(room(t), "b-1.sock")
	ln, err := listenAt(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{path: path, handler: e, uid: os.Geteuid() + 1, ln: ln, places: make(chan struct{}, mostConns)}
	ctx, end := context.WithCancel(t.Context())
	s.end = end
	s.all.Go(func() { s.accept(ctx) })
	conn, err := dial(path)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, `{"version":1,"id":"1","verb":"pause"}`+"\n")
	raw, _ := io.ReadAll(conn)
	_ = conn.Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if len(raw) != 0 || len(e.seen) != 0 {
		t.Errorf("greeted with %q, taken %+v", raw, e.seen)
	}
	if uid, err := peerOf(t); err != nil || uid != os.Geteuid() {
		t.Errorf("the kernel says %d, %v", uid, err)
	}
}

func peerOf(t *testing.T) (int, error) {
	t.Helper()
	path := filepath.Join(room(t), "x.sock")
	ln, err := listenAt(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	c, err := dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return peerUID(c)
}

// The socket is found where its user alone can reach it; elsewhere it is not offered, and what
// somebody else offers is not taken.
func TestPlaces(t *testing.T) {
	t.Parallel()
	open, link := filepath.Join(room(t), "open"), filepath.Join(room(t), "link")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(room(t), link); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(room(t), "b-1.sock")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(room(t), "deeper", "b-1.sock")
	s := serve(t, &echo{}, filepath.Join(open, "b-1.sock"), filepath.Join(link, "b-1.sock"), file, good)
	if s.Path() != good {
		t.Errorf("it listens at %s", s.Path())
	}
	if raw, err := os.ReadFile(file); err != nil || string(raw) != "x" {
		t.Errorf("the file became %q, %v", raw, err)
	}
	if _, err := Listen(t.Context(), []string{filepath.Join(open, "b-1.sock")}, Greeting{}, &echo{}); err == nil {
		t.Error("it listens where others can look")
	}
	if err := os.Chmod(filepath.Dir(good), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), []string{good}, "b-1", "/app"); !errors.Is(err, ErrNobody) {
		t.Errorf("got %v", err)
	}
	if err := os.Chmod(filepath.Dir(good), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, other := range [][2]string{{"b-2", "/app"}, {"b-1", "/other"}} {
		if _, err := Dial(t.Context(), []string{good}, other[0], other[1]); !errors.Is(err, ErrNobody) {
			t.Errorf("%v: got %v", other, err)
		}
	}
}

// What a killed build left is removed; what is in use is left alone.
func TestStale(t *testing.T) {
	t.Parallel()
	dir := room(t)
	stale := filepath.Join(dir, "b-1.sock")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	paths := Paths([]string{dir}, "b-1", "/app")
	first := serve(t, &echo{}, paths...)
	second := serve(t, &echo{}, paths...)
	if first.Path() != stale || second.Path() == stale {
		t.Errorf("they listen at %s and %s", first.Path(), second.Path())
	}
}

func TestPathsFitASocket(t *testing.T) {
	t.Parallel()
	build := "b-" + strings.Repeat("x", 62)
	dirs := Dirs("/"+strings.Repeat("deep/", 40), "/home/somebody/.local/state/builder")
	paths := Paths(dirs, build, "/app")
	if len(dirs) != 3 || len(paths) == 0 {
		t.Fatalf("%d folders, %d paths", len(dirs), len(paths))
	}
	for _, p := range paths {
		if len(p) > maxPath || strings.Contains(p, "deep") {
			t.Errorf("%d bytes: %s", len(p), p)
		}
	}
	if got := Dirs("relative", ""); len(got) != 1 || got[0] != fmt.Sprintf("/tmp/builder-%d", os.Geteuid()) {
		t.Errorf("got %v", got)
	}
}

// A server that is closed while clients wait and talk leaves nothing behind.
func TestCloseUnderLoad(t *testing.T) {
	t.Parallel()
	for range 20 {
		s, err := Listen(t.Context(), []string{filepath.Join(room(t), "b.sock")}, Greeting{Build: "b-1", Folder: "/app"}, &echo{wait: make(chan struct{}), gone: make(chan struct{})})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				c, err := Dial(context.WithoutCancel(t.Context()), []string{s.Path()}, "b-1", "/app")
				if err != nil {
					return // it was closed before
				}
				defer func() { _ = c.Close() }()
				for n := range 50 {
					if _, err := c.Send(Request{ID: fmt.Sprint(i, n), Verb: "pause", Wait: i == 0 && n == 5}); err != nil {
						return
					}
				}
			})
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
}

// Whatever comes is read line by line, bounded, or refused.
func FuzzReadRequest(f *testing.F) {
	for _, seed := range []string{
		`{"version":1,"id":"o-1","verb":"cap","max_cost":"2","max_tokens":5,"phase":"a"}` + "\n", `{"version":1,"verb":"note","text":"\u0000\ud800"}` + "\n",
		"{}\n[]\n", "\n\n", strings.Repeat("{", 3000) + "\n", "\xff\xfe\n", `{"version":1e0,"verb":"look"}` + "\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := bufio.NewReaderSize(strings.NewReader(string(raw)), MaxLine)
		for range len(raw) + 2 {
			req, fault, err := readRequest(r)
			if err != nil {
				return
			}
			if fault == nil && (req.Version != Version || len(req.Text) > 3*MaxLine) {
				t.Fatalf("taken: %+v", req)
			}
			if fault != nil {
				return // the connection ends
			}
		}
		t.Fatal("it reads without end")
	})
}
