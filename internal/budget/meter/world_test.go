package meter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a ledger, spools and blobs in memory, as one writer would keep them.
type world struct {
	mu      sync.Mutex
	guard   budget.Guard
	asks    []budget.Ask
	settled map[string][]budget.Settlement // by op
	spools  map[string]*memSpool
	blobs   map[string][]byte
	warned  []error
	log     []string

	sample    func(*budget.Guard)           // looks after every record
	onSettle  func(budget.Settlement) error // runs before a settlement is booked
	failSpool error                         // of Create
	failWrite error
	onWrite   func(spooled []byte) // runs when bytes are in a spool, before their writer knows
	panicSync bool
	failSync  error
	failKeep  error
}

func newWorld(caps budget.Caps) *world {
	return &world{guard: budget.NewGuard(caps), settled: map[string][]budget.Settlement{}, spools: map[string]*memSpool{}, blobs: map[string][]byte{}}
}

func (w *world) Intend(ctx context.Context, a budget.Ask) (budget.Hold, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return budget.Hold{}, err
	}
	w.asks = append(w.asks, a)
	h, err := w.guard.Admit(a)
	if err == nil {
		err = w.guard.Book(h)
		w.log = append(w.log, "intend")
	}
	if w.sample != nil {
		w.sample(&w.guard)
	}
	return h, err
}

func (w *world) Settle(ctx context.Context, s budget.Settlement) error {
	if w.onSettle != nil {
		if err := w.onSettle(s); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled[s.Op.String()] = append(w.settled[s.Op.String()], s)
	w.log = append(w.log, "settle")
	err := w.guard.Settle(s)
	if w.sample != nil {
		w.sample(&w.guard)
	}
	return errors.Join(ctx.Err(), err)
}

// only is the one settlement there must be.
func (w *world) only(t testing.TB) budget.Settlement {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.settled) != 1 {
		t.Fatalf("settled %d calls: %+v", len(w.settled), w.settled)
	}
	for _, list := range w.settled {
		if len(list) != 1 {
			t.Fatalf("settled %d times: %+v", len(list), list)
		}
		if len(w.guard.Holds) != 0 {
			t.Fatalf("%d holds stay open", len(w.guard.Holds))
		}
		return list[0]
	}
	panic("unreachable")
}

// waits wants the one call held and its whole answer in its spool, from which Recover books it.
func (w *world) waits(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, ErrUnkept) {
		t.Errorf("got %v, want ErrUnkept", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.settled) != 0 || len(w.guard.Holds) != 1 || len(w.spools) != 1 {
		t.Fatalf("%d settled, %d held, %d spools", len(w.settled), len(w.guard.Holds), len(w.spools))
	}
	for _, h := range w.guard.Holds {
		if s := Recover(t.Context(), h, w.spools[h.Op.File()].data); s.Fate != budget.Answered || s.Cost == 0 {
			t.Errorf("recovered as %+v", s)
		}
	}
}

func (w *world) Create(name string) (Spool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failSpool != nil {
		return nil, w.failSpool
	}
	if _, ok := w.spools[name]; ok {
		return nil, fmt.Errorf("spool %s is there", name)
	}
	s := &memSpool{w: w}
	w.spools[name] = s
	return s, nil
}

func (w *world) Remove(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, "remove")
	delete(w.spools, name)
	return nil
}

func (w *world) Put(_ context.Context, content []byte) (string, error) {
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:])
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blobs[hash] = bytes.Clone(content)
	return hash, nil
}

type memSpool struct {
	w      *world
	data   []byte
	synced int
	closed bool
}

func (s *memSpool) Write(p []byte) (int, error) {
	n, err := s.add(p)
	if s.w.onWrite != nil {
		s.w.onWrite(s.data)
	}
	return n, err
}

func (s *memSpool) add(p []byte) (int, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	if s.closed {
		return 0, errors.New("spool is closed")
	}
	if s.w.failWrite != nil {
		return 0, s.w.failWrite
	}
	s.data = append(s.data, p...)
	return len(p), nil
}

func (s *memSpool) Sync() error {
	s.synced = len(s.data)
	if s.w.panicSync && !s.closed {
		panic("sync")
	}
	return s.w.failSync
}

func (s *memSpool) Keep(ctx context.Context) (string, error) {
	if s.w.failKeep != nil {
		return "", s.w.failKeep
	}
	s.w.mu.Lock()
	s.w.log = append(s.w.log, "keep")
	s.w.mu.Unlock()
	return s.w.Put(ctx, s.data)
}

func (s *memSpool) Close() error { s.closed = true; return nil }

var testPrice = budget.Price{
	Model: "m", Input: 2_000_000, Output: 10_000_000, CacheWrite5m: 2_500_000, CacheWrite1h: 4_000_000, CacheRead: 100_000,
	WebSearch: 10_000, Window: 200_000, MaxOutput: 64_000,
}

// door is a transport over base in w.
func (w *world) door(base http.RoundTripper) *Transport {
	return &Transport{
		Base: base, Ledger: w, Spools: w, Blobs: w,
		Prices: func(model string) (budget.Price, error) {
			if model != "m" {
				return budget.Price{}, &budget.UnpricedError{Model: model}
			}
			return testPrice, nil
		},
		Warn: func(err error) { w.mu.Lock(); defer w.mu.Unlock(); w.warned = append(w.warned, err) },
	}
}

const ask = `{"model":"m","max_tokens":1000,"stream":true,"messages":[{"role":"user","content":"hi"}]}`

func testCall(step int) budget.Call {
	return budget.Call{Op: budget.Op{Build: "b", Task: "t", Attempt: 1, Step: step, Send: 1}, Phase: "p", RequestHash: "h"}
}

// request is a model call to base.
func request(ctx context.Context, base, body string) *http.Request {
	req, err := http.NewRequestWithContext(budget.WithCall(ctx, testCall(1)), http.MethodPost, base+"/v1/messages", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("X-Api-Key", "sk-test-0123456789")
	req.Header.Set("Content-Type", "application/json")
	return req
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answering reads the whole request and answers with a body.
func answering(status int, contentType string, body io.Reader) roundTrip {
	return func(req *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {contentType}, "Request-Id": {"req_1"}}, Body: io.NopCloser(body), Request: req,
		}, nil
	}
}

const sse = "text/event-stream; charset=utf-8"

// sseFrame is an event as a provider writes it.
func sseFrame(kind, rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}\n\n", kind, kind, rest)
}

func messageStart() string {
	return sseFrame("message_start", `"message":{"id":"msg_1","type":"message","role":"assistant","model":"m-1","content":[],"stop_reason":null,`+
		`"usage":{"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":50,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":1}}`)
}

func textBlock(index int, words ...string) string {
	s := sseFrame("content_block_start", fmt.Sprintf(`"index":%d,"content_block":{"type":"text","text":""}`, index))
	for _, word := range words {
		s += sseFrame("content_block_delta", fmt.Sprintf(`"index":%d,"delta":{"type":"text_delta","text":%q}`, index, word))
	}
	return s + sseFrame("content_block_stop", fmt.Sprintf(`"index":%d`, index))
}

// toolOpen is a tool call without the event that completes it.
func toolOpen(index int, words ...string) string {
	s := sseFrame("content_block_start", fmt.Sprintf(`"index":%d,"content_block":{"type":"tool_use","id":"toolu_%d","name":"run","input":{}}`, index, index))
	for _, word := range words {
		s += sseFrame("content_block_delta", fmt.Sprintf(`"index":%d,"delta":{"type":"input_json_delta","partial_json":%q}`, index, word))
	}
	return s
}

func toolStop(index int) string {
	return sseFrame("content_block_stop", fmt.Sprintf(`"index":%d`, index))
}

func messageEnd(stop string) string {
	return sseFrame("message_delta", `"delta":{"stop_reason":"`+stop+`","stop_sequence":null},"usage":{"output_tokens":42}`) + sseFrame("message_stop", "")
}

// The usage that these frames bill, and its cost.
var (
	billed     = budget.Usage{Input: 10, CacheWrite5m: 100, CacheWrite1h: 200, CacheRead: 50, Output: 42}
	billedCost = testPrice.Cost(billed)
)

// toolAnswer is an answer with text and two tool calls: what may be seen before the settlement, and the rest.
func toolAnswer() (seen, rest string) {
	words := strings.Fields(strings.Repeat("the quick brown fox ", 4))
	seen = messageStart() + sseFrame("ping", "") + textBlock(0, words...) + toolOpen(1, `{"argv":["go",`, `"test"]}`)
	rest = toolStop(1) + toolOpen(2, words...) + toolStop(2) + messageEnd("tool_use")
	return seen, rest
}

const patience = 10 * time.Second // a deadlock ends a test; nothing is timed

func within[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// bare is a request of which only the body matters.
var bare = &http.Request{Header: http.Header{}, URL: &url.URL{Scheme: "http", Host: "host"}}
