package agenttest

import (
	"crypto/rand"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Way lets a program in to a handler, by an address with a secret, and to nothing else.
type Way struct {
	Secret string // of the address; it stands in the environment of every process that was given the way

	url     string
	server  *http.Server
	serving sync.WaitGroup
	calls   atomic.Int64
	strays  atomic.Int64

	mu      sync.Mutex
	stopped error
}

var _ agent.Way = (*Way)(nil)

// Open serves h by a way on loopback until the test ends.
func Open(t testing.TB, h http.Handler) *Way {
	t.Helper()
	w := &Way{Secret: rand.Text()}
	prefix := "/way/" + w.Secret
	inside := http.StripPrefix(prefix, h)
	w.server = &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, prefix+"/"):
			if r.Method != http.MethodHead { // some only look whether somebody is there
				w.strays.Add(1)
			}
			rw.WriteHeader(http.StatusForbidden)
		case w.Stopped() != nil:
			rw.Header().Set("X-Should-Retry", "false")
			writeJSON(rw, http.StatusBadRequest, object("type", "error", "error", object("type", "invalid_request_error", "message", "builder: "+w.Stopped().Error())))
		default:
			if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/count_tokens") {
				w.calls.Add(1)
			}
			inside.ServeHTTP(rw, r)
		}
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + l.Addr().String() + prefix
	w.Serve(l)
	t.Cleanup(func() {
		if err := w.server.Close(); err != nil {
			t.Error(err)
		}
		w.serving.Wait()
	})
	return w
}

// URL implements [agent.Way].
func (w *Way) URL() string { return w.url }

// Serve implements [agent.Way].
func (w *Way) Serve(l net.Listener) {
	w.serving.Go(func() { _ = w.server.Serve(l) }) // it always ends with an error, and no other than the end is expected
}

// Stop closes the way: calls are refused from now on.
func (w *Way) Stop(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = why
}

// Stopped implements [agent.Way].
func (w *Way) Stopped() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// Calls implements [agent.Way].
func (w *Way) Calls() int64 { return w.calls.Load() }

// Strays counts requests that came without the secret, and asked for something.
func (w *Way) Strays() int64 { return w.strays.Load() }
