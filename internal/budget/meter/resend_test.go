package meter

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// rude is a server on a raw listener that counts the calls that begin to arrive.
type rude struct {
	net.Listener
	mu      sync.Mutex
	arrived int
	wg      sync.WaitGroup
}

func newRude(t *testing.T, config *tls.Config, serve func(*rude, net.Conn)) *rude {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	r := &rude{Listener: l}
	r.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() {
				defer conn.Close()
				serve(r, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); r.wg.Wait() })
	return r
}

func (r *rude) count() { r.mu.Lock(); defer r.mu.Unlock(); r.arrived++ }

func (r *rude) calls() int { r.mu.Lock(); defer r.mu.Unlock(); return r.arrived }

// tempting is a call with everything that makes net/http send again: the headers, and a body that can
// be had again.
func tempting(ctx context.Context, sm sample, base string, step int) *http.Request {
	req := sm.request(ctx, base)
	req = req.WithContext(budget.WithCall(ctx, testCall(step)))
	req.Header.Set("Idempotency-Key", "a")
	req.Header["x-idempotency-key"] = []string{"b"}
	req.Header.Set("Expect", "100-continue")
	return req
}

// A server may close at every moment, on a fresh connection and on one that served before: each call
// arrives once at most, and is settled once. Guards outgoing.
func TestNoCallArrivesTwice(t *testing.T) {
	t.Parallel()
	sm := messagesSample()
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
	good := head + strconv.Itoa(len(sm.whole)) + "\r\n\r\n" + sm.whole
	moments := map[string]func(r *bufio.Reader, w io.Writer){
		"at once":                     func(*bufio.Reader, io.Writer) {},
		"after the first line":        func(r *bufio.Reader, _ io.Writer) { r.ReadString('\n') },
		"after the head":              func(r *bufio.Reader, _ io.Writer) { readHead(r) },
		"in the body":                 func(r *bufio.Reader, _ io.Writer) { readHead(r); r.Discard(10) },
		"after the request":           func(r *bufio.Reader, _ io.Writer) { readCall(r) },
		"after a continue":            func(r *bufio.Reader, w io.Writer) { readCall(r); io.WriteString(w, "HTTP/1.1 100 Continue\r\n\r\n") },
		"in the status line":          func(r *bufio.Reader, w io.Writer) { readCall(r); io.WriteString(w, "HTTP/1.1 2") },
		"after the status line":       func(r *bufio.Reader, w io.Writer) { readCall(r); io.WriteString(w, "HTTP/1.1 200 OK\r\n") },
		"after the head of an answer": func(r *bufio.Reader, w io.Writer) { readCall(r); io.WriteString(w, head+"100\r\n\r\n") },
		"in an answer":                func(r *bufio.Reader, w io.Writer) { readCall(r); io.WriteString(w, good[:len(good)-9]) },
		"with a redirect": func(r *bufio.Reader, w io.Writer) {
			readCall(r)
			io.WriteString(w, "HTTP/1.1 307 X\r\nLocation: /v1/messages\r\nContent-Length: 0\r\n\r\n")
		},
		"with request timeout": func(r *bufio.Reader, w io.Writer) {
			readCall(r)
			io.WriteString(w, "HTTP/1.1 408 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		},
	}
	for name, moment := range moments {
		for _, reused := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				srv := newRude(t, nil, func(r *rude, conn net.Conn) {
					in := bufio.NewReader(conn)
					if _, err := in.Peek(1); err != nil {
						return // nothing of a call
					}
					r.count()
					if reused && r.calls() == 1 {
						readCall(in)
						io.WriteString(conn, good)
						if _, err := in.Peek(1); err != nil {
							return
						}
						r.count()
					}
					moment(in, conn)
				})
				base := &http.Transport{}
				defer base.CloseIdleConnections()
				w := newWorld(budget.Caps{USD: budget.Dollar})
				client, calls := NewClient(w.door(base)), 1
				if reused {
					calls = 2
				}
				for step := 1; step <= calls; step++ {
					resp, err := client.Do(tempting(t.Context(), sm, "http://"+srv.Addr().String(), step))
					if err == nil {
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
				}
				settledOnce(t, w, calls)
				if got := srv.calls(); got > calls {
					t.Errorf("%d calls arrived %d times", calls, got)
				}
			})
		}
	}
}

func settledOnce(t *testing.T, w *world, calls int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.settled) != calls || len(w.guard.Holds) != 0 {
		t.Errorf("settled %+v", w.settled)
	}
	for op, list := range w.settled {
		if len(list) != 1 {
			t.Errorf("%s was settled %d times", op, len(list))
		}
	}
}

func readHead(r *bufio.Reader) int {
	size := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return size
		}
		if n, ok := strings.CutPrefix(strings.ToLower(line), "content-length: "); ok {
			for _, c := range strings.TrimSpace(n) {
				size = size*10 + int(c-'0')
			}
		}
	}
}

func readCall(r *bufio.Reader) { r.Discard(readHead(r)) }

// HTTP/2 sends a call again by itself when the server refuses the stream or goes away, if its body
// can be had again. The meter's cannot.
func TestHTTP2SendsNothingAgain(t *testing.T) {
	t.Parallel()
	certs := httptest.NewTLSServer(nil)
	defer certs.Close()
	config := &tls.Config{Certificates: certs.TLS.Certificates, NextProtos: []string{"h2"}}
	const refusedStream = 7
	endings := map[string]func(conn io.Writer, stream uint32) bool{
		"the stream is refused": func(conn io.Writer, stream uint32) bool {
			conn.Write(h2frame(3, 0, stream, binary.BigEndian.AppendUint32(nil, refusedStream)))
			return false
		},
		"the server goes away": func(conn io.Writer, _ uint32) bool { // no stream was taken up
			conn.Write(h2frame(7, 0, 0, make([]byte, 8)))
			return false
		},
		"the connection drops": func(io.Writer, uint32) bool { return true },
	}
	for name, end := range endings {
		for _, plain := range []bool{false, true} { // a client without the meter shows that the server does tempt
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				srv := newRude(t, config, func(r *rude, conn net.Conn) { serveH2(r, conn, end, cancel) })
				base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certs.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"}, ForceAttemptHTTP2: true}
				defer base.CloseIdleConnections()
				w := newWorld(budget.Caps{USD: budget.Dollar})
				var rt http.RoundTripper = w.door(base)
				if plain {
					rt = base
				}
				resp, err := NewClient(rt).Do(tempting(ctx, messagesSample(), "https://"+srv.Addr().String(), 1))
				if err == nil {
					resp.Body.Close()
					t.Error("answered")
				}
				switch got := srv.calls(); {
				case plain && got < 2 && name != "the connection drops":
					t.Errorf("the server does not tempt: %d, %v", got, err)
				case !plain && got != 1:
					t.Errorf("arrived %d times: %v", got, err)
				}
				if !plain {
					settledOnce(t, w, 1)
				}
			})
		}
	}
}

// serveH2 speaks just enough HTTP/2: settings, then an end for each call that has arrived whole. It
// hangs up when the end says so; a call that comes again ends the test.
func serveH2(r *rude, conn net.Conn, end func(io.Writer, uint32) bool, again func()) {
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	conn.Write(h2frame(4, 0, 0, nil))
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		if _, err := io.CopyN(io.Discard, conn, int64(size)); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch {
		case kind == 4 && flags == 0:
			conn.Write(h2frame(4, 1, 0, nil)) // settings taken note of
		case kind == 0 && flags&1 != 0:
			if r.count(); r.calls() > 1 {
				again()
				return
			}
			if end(conn, stream) {
				return
			}
		}
	}
}

func h2frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := []byte{0, 0, byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}
