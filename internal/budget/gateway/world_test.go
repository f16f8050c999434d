package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/gateway"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// A server that refused a body lets its client read the answer, for half a second.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// patience ends a test that hangs; nothing is timed.
const patience = 20 * time.Second

const secret = "sk-real-canary-0123456789"

var price = budget.Price{
	Model: "m", Input: 2_000_000, Output: 10_000_000, CacheWrite5m: 2_500_000, CacheWrite1h: 4_000_000, CacheRead: 200_000, Window: 200_000, MaxOutput: 64_000,
}

// world is a build with one open attempt, and a gateway before a scripted provider.
type world struct {
	t        *testing.T
	journal  *checkpoint.Memory
	blobs    *checkpoint.MemoryBlobs
	writer   *phases.Writer
	provider *agenttest.Server
	gw       *gateway.Gateway
	ticket   *gateway.Ticket
	set      gateway.Config
	task     gateway.Task

	left chan struct{} // an asker went away, and the gateway knows

	mu     sync.Mutex
	warned []error
}

// begin is a world with a cap whose provider answers as next says.
func begin(t *testing.T, caps budget.Caps, next func(n int, req agenttest.Request) agenttest.Turn) *world {
	t.Helper()
	srv := agenttest.ServeFunc(t, next)
	w := beginAt(t, caps, srv.URL)
	w.provider = srv
	return w
}

// beginAt is a world whose provider is at an address.
func beginAt(t *testing.T, caps budget.Caps, url string, change ...func(*gateway.Config)) *world {
	t.Helper()
	w := &world{t: t, journal: &checkpoint.Memory{}, blobs: &checkpoint.MemoryBlobs{}}
	w.task = gateway.Task{Op: budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1000}, Phase: "p"}
	w.left = make(chan struct{}, 1000)
	w.task.Enter = func(asker context.Context, _ string) (func(), error) {
		context.AfterFunc(asker, func() { w.left <- struct{}{} })
		return func() {}, nil
	}
	w.set = w.config(url, http.DefaultTransport.(*http.Transport).Clone())
	for _, fn := range change {
		fn(&w.set)
	}
	w.open()
	if err := w.writer.Record(t.Context(), phases.BuildStarted{Build: "b-1", Caps: caps}, phases.TaskStarted{Task: "t", Phase: "p"}, phases.AttemptStarted{Task: "t", Attempt: 1}); err != nil {
		t.Fatal(err)
	}
	w.serve()
	t.Cleanup(func() { w.end() })
	return w
}

func (w *world) config(url string, base *http.Transport) gateway.Config {
	w.t.Cleanup(base.CloseIdleConnections)
	p := gateway.Provider{URL: url, Key: key(secret), Base: base, Prices: func(model string) (budget.Price, error) {
		if model != "m" {
			return budget.Price{}, &budget.UnpricedError{Model: model}
		}
		return price, nil
	}}
	return gateway.Config{Anthropic: p, OpenAI: p, Warn: func(err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.warned = append(w.warned, err)
	}}
}

// open opens the writer.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.writer, err = phases.OpenWriter(w.t.Context(), w.journal, nil); err != nil {
		w.t.Fatal(err)
	}
}

// serve opens the gateway and a ticket.
func (w *world) serve() {
	w.t.Helper()
	w.set.Ledger, w.set.Spools, w.set.Blobs = w.writer, spools{w.blobs}, blobs{w.blobs}
	var err error
	if w.gw, err = gateway.New(w.t.Context(), w.set); err != nil {
		w.t.Fatal(err)
	}
	if w.ticket, err = w.gw.Open(w.t.Context(), w.task); err != nil {
		w.t.Fatal(err)
	}
}

// end closes everything, with what is under way.
func (w *world) end() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), patience)
	defer cancel()
	if err := errors.Join(w.gw.Close(ctx), w.writer.Close(ctx)); err != nil {
		w.t.Error(err)
	}
}

// restart is another process: what was there is closed, the journal is folded anew.
func (w *world) restart() {
	w.t.Helper()
	w.end()
	w.journal = w.journal.Reopen()
	w.open()
	w.serve()
}

// state looks at the fold.
func (w *world) state(fn func(*phases.State)) {
	w.t.Helper()
	if err := w.writer.View(context.WithoutCancel(w.t.Context()), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) account() (a budget.Account) {
	w.state(func(s *phases.State) { a = s.Guard.Account(budget.Build) })
	return a
}

func (w *world) repeats() (n int64) {
	w.state(func(s *phases.State) { n = s.Repeats })
	return n
}

// answer is what an asker was told.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // the connection was cut
}

// post asks with a client of its own.
func (w *world) post(path, body string, header ...string) answer {
	w.t.Helper()
	return post(w.t.Context(), w.ticket.URL+path, body, header...)
}

func post(ctx context.Context, url, body string, header ...string) answer {
	return do(ctx, http.MethodPost, url, body, header...)
}

func do(ctx context.Context, method, url, body string, header ...string) answer {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	req.Header.Set("X-Api-Key", "dummy")
	req.Header.Set("Anthropic-Version", "2023-06-01")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	raw, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(raw), errors.Join(err, resp.Body.Close())}
}

const (
	messages  = "/v1/messages"
	completed = "/v1/chat/completions"
	responses = "/v1/responses"
)

// ask is a streamed question in each API.
func ask(path, text string) string {
	switch path {
	case completed:
		return `{"model":"m","max_completion_tokens":2000,"stream":true,"messages":[{"role":"user","content":"` + text + `"}]}`
	case responses:
		return `{"model":"m","max_output_tokens":2000,"stream":true,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"` + text + `"}]}]}`
	}
	return `{"model":"m","max_tokens":2000,"stream":true,"messages":[{"role":"user","content":"` + text + `"}]}`
}

// says answers everything with a text.
func says(text string) func(int, agenttest.Request) agenttest.Turn {
	return func(int, agenttest.Request) agenttest.Turn { return agenttest.Say(text) }
}

func within[T any](t *testing.T, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}

type key string

func (k key) Reveal() string { return string(k) }

type spools struct{ *checkpoint.MemoryBlobs }

func (s spools) Create(name string) (meter.Spool, error) {
	sp, err := s.MemoryBlobs.Create(name)
	if err != nil {
		return nil, err
	}
	return spool{sp}, nil
}

type spool struct{ checkpoint.Spool }

func (s spool) Keep(ctx context.Context) (string, error) {
	h, err := s.Spool.Keep(ctx)
	return string(h), err
}

type blobs struct{ *checkpoint.MemoryBlobs }

func (b blobs) Put(ctx context.Context, content []byte) (string, error) {
	h, err := b.MemoryBlobs.Put(ctx, content)
	return string(h), err
}

func (b blobs) Get(ctx context.Context, hash string) ([]byte, error) {
	return b.MemoryBlobs.Get(ctx, checkpoint.Hash(hash))
}
