package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/blob"
	"github.com/seed-c331f47d/builder/internal/checkpoint/bolt"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// house is a build without an engine: writer, journal, blobs, spools and meter, as cmd/builder joins them.
type house struct {
	t       testing.TB
	dir     string
	journal *bolt.Journal
	blobs   *blob.Store
	spools  *blob.Spools
	writer  *phases.Writer
	meter   *meter.Transport
}

func newHouse(t testing.TB, answer time.Duration) *house {
	h := &house{t: t, dir: t.TempDir()}
	var err error
	h.journal, err = bolt.Create(t.Context(), filepath.Join(h.dir, "journal.db"), bolt.Options{})
	must(t, err)
	h.blobs, err = blob.Open(filepath.Join(h.dir, "blobs"))
	must(t, err)
	h.spools, err = blob.OpenSpools(h.blobs, filepath.Join(h.dir, "spool"))
	must(t, err)
	h.writer, err = phases.OpenWriter(t.Context(), h.journal, nil)
	must(t, err)
	h.meter = &meter.Transport{
		Base: answers(answer), Ledger: h.writer, Spools: spools{h.spools}, Blobs: requests{h.blobs}, KeepRequests: true,
		Prices: func(string) (budget.Price, error) { return price(), nil },
		Warn:   func(err error) { t.Error(err) },
	}
	must(t, h.writer.Record(t.Context(), phases.BuildStarted{Build: "b-bench", Caps: budget.Caps{USD: 1_000_000 * budget.Dollar}, At: time.Now()}))
	return h
}

func (h *house) close() {
	must(h.t, h.writer.Close(context.WithoutCancel(h.t.Context())))
	must(h.t, h.journal.Close())
}

// begin starts a task and its first attempt.
func begin(task string) []phases.Fact {
	id := planner.TaskID(task)
	return []phases.Fact{phases.TaskStarted{Task: id, Phase: "p", Tree: "t"}, phases.AttemptStarted{Task: id, Attempt: 1, Frozen: "f"}}
}

func end(task string) phases.Fact {
	return phases.TaskDone{Task: planner.TaskID(task), Commit: strings.Repeat("c", 40), Tree: "t"}
}

func callOf(task string, step int) budget.Call {
	return budget.Call{Op: budget.Op{Build: "b-bench", Task: task, Attempt: 1, Step: step, Send: 1}, Phase: "p", RequestHash: strings.Repeat("h", 64)}
}

func price() budget.Price {
	return budget.Price{Model: "m", Input: 2_000_000, Output: 10_000_000, CacheWrite5m: 2_500_000, CacheWrite1h: 4_000_000, CacheRead: 200_000, Window: 200_000, MaxOutput: 64_000}
}

func askOf(task string, step int) budget.Ask {
	return budget.Ask{Call: callOf(task, step), Model: "m", Price: price(), InputTokens: 4000, MaxTokens: 1000, RequestBlob: strings.Repeat("a", 64)}
}

func settlementOf(task string, step int) budget.Settlement {
	return budget.Settlement{
		Op: callOf(task, step).Op, Fate: budget.Answered, Model: "m", Usage: budget.Usage{Input: 400, Output: 100}, Cost: 1800,
		Answer: strings.Repeat("b", 64), ContentType: "text/event-stream", Status: 200, Stop: "end_turn", RequestID: "req_0123456789",
	}
}

// requestBody is a conversation of some 8 KiB that differs from call to call.
func requestBody(task string, step int) string {
	return fmt.Sprintf(`{"model":"m","max_tokens":1000,"stream":true,"messages":[{"role":"user","content":"%s %d %s"}]}`, task, step, strings.Repeat("shelf of books; ", 500))
}

func answerBody(id string) string {
	return fmt.Sprintf(`event: message_start
data: {"type":"message_start","message":{"id":"msg_%s","model":"m","usage":{"input_tokens":400,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":100}}

event: message_stop
data: {"type":"message_stop"}

`, id, strings.Repeat("word ", 300))
}

// answers is a provider in this process: it answers after a while, to each its own bytes.
type answers time.Duration

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	call, _ := budget.CallFrom(req.Context())
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return nil, err
	}
	if a > 0 {
		select {
		case <-time.After(time.Duration(a)):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: io.NopCloser(strings.NewReader(answerBody(call.Op.File()))), Request: req,
	}, nil
}

// call makes one whole call through the meter and reads its answer to the end.
func (h *house) call(ctx context.Context, task string, step int) error {
	ctx = budget.WithCall(ctx, callOf(task, step))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://model.localhost/v1/messages", strings.NewReader(requestBody(task, step)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.meter.RoundTrip(req)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(resp.Body)
	if err == nil && !bytes.Contains(raw, []byte("message_stop")) {
		err = fmt.Errorf("the answer of %s/%d is not whole", task, step)
	}
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	return err
}

type spools struct{ *blob.Spools }

func (s spools) Create(name string) (meter.Spool, error) {
	sp, err := s.Spools.Create(name)
	return spool{sp}, err
}

type spool struct{ checkpoint.Spool }

func (s spool) Keep(ctx context.Context) (string, error) {
	h, err := s.Spool.Keep(ctx)
	return string(h), err
}

type requests struct{ *blob.Store }

func (b requests) Put(ctx context.Context, content []byte) (string, error) {
	h, err := b.Store.Put(ctx, content)
	return string(h), err
}

// writeSynced writes a file as anything durable must.
func writeSynced(t testing.TB, path string, content []byte) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	must(t, err)
	_, err = f.Write(content)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}

func syncDir(t testing.TB, dir string) {
	d, err := os.Open(dir)
	must(t, err)
	must(t, d.Sync())
	must(t, d.Close())
}
