package simtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// provider is another machine: it answers by its story, and its ledger outlives every crash of ours.
// The answer follows from the question alone; how it comes, if it comes, from the op and the seed.
//
// It bills as soon as it has a question, in full, whatever becomes of the answer: nobody could be
// dearer. What it refuses it does not bill.
type provider struct {
	story *story
	seed  uint64
	rough bool // it fails at times

	mu     sync.Mutex
	ledger []bill
	total  budget.Micro
	said   map[string][]byte // answers that were sent whole, by op
}

// bill is one line of the ledger.
type bill struct {
	op       budget.Op
	question string // our hash of it
	cost     budget.Micro
	trouble  trouble
}

// trouble is what becomes of a send.
type trouble string

const (
	fine       trouble = ""
	refused    trouble = "refused"    // nobody takes the connection
	overloaded trouble = "overloaded" // 529
	limited    trouble = "limited"    // 429, with a time to wait
	broken     trouble = "broken"     // 500, by its own word
	reset      trouble = "reset"      // the connection ends before the head
	cut        trouble = "cut"        // it ends in the middle of the answer
	failing    trouble = "failing"    // an event of the answer says so
	silent     trouble = "silent"     // it stays open and nothing more comes
)

func (t trouble) billed() bool {
	return t == fine || t == reset || t == cut || t == failing || t == silent
}

// draw gives random numbers that follow from the seed and a name.
func draw(seed uint64, names ...string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(names, "\x00")))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// meets draws what becomes of a send. From the third on it goes well, so that builds come to an end.
func (p *provider) meets(rng *rand.Rand, send int) trouble {
	if !p.rough || send > 2 || rng.IntN(3) > 0 {
		return fine
	}
	all := []trouble{refused, overloaded, limited, broken, reset, cut, cut, failing, silent}
	return all[rng.IntN(len(all))]
}

// sells is the provider's price: whole micro-dollars a token, so that a bill needs no rounding.
func sells() budget.Price {
	const each = budget.Dollar // for a million tokens: one micro-dollar a token
	return budget.Price{
		Model: "sim", Input: 2 * each, Output: 10 * each, CacheRead: each, CacheWrite5m: 3 * each, CacheWrite1h: 4 * each,
		Window: 1 << 20, MaxOutput: 1 << 17,
	}
}

// wire is the way of one life to the provider. It implements http.RoundTripper.
type wire struct {
	p *provider
	w *watch
}

// question is a request as the provider reads it.
type question struct {
	MaxTokens int64             `json:"max_tokens"`
	Tools     []json.RawMessage `json:"tools"`
	Messages  []struct {
		Role    string `json:"role"`
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
	} `json:"messages"`
}

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	call, ok := budget.CallFrom(req.Context())
	if !ok {
		w.w.fail("a call without an op reached the wire")
	}
	l, op := w.w.life, call.Op
	rng := draw(w.p.seed, "send", op.String())
	what := w.p.meets(rng, op.Send)
	if act := l.step("net", "send "+op.String(), true); act.err != nil {
		return nil, lost("dial", act.err)
	}
	if what == refused {
		return nil, lost("dial", syscall.ECONNREFUSED)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var q question
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	answer, usage := w.p.answer(q, op, len(body))
	w.w.sent(call, bill{op: op, question: call.RequestHash, cost: costs(usage), trouble: what})
	if act := l.step("net", "sent "+op.String(), true); act.err != nil {
		return nil, lost("write", act.err)
	}
	if err := l.sleep(req.Context(), time.Duration(rng.Int64N(int64(20*time.Second)))); err != nil {
		return nil, lost("read", err)
	}
	switch what {
	case overloaded:
		return failure(529, "overloaded_error", nil), nil
	case limited:
		return failure(429, "rate_limit_error", http.Header{"Retry-After": {fmt.Sprint(1 + rng.IntN(90))}}), nil
	case broken:
		return failure(500, "api_error", nil), nil
	case reset:
		return nil, lost("read", syscall.ECONNRESET)
	case failing:
		at := frameEnd(answer, rng.IntN(len(answer)))
		answer = append(bytes.Clone(answer[:at]), "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"too much\"}}\n\n"...)
	case fine:
		w.p.keep(op, answer)
	case cut, silent:
		answer = answer[:rng.IntN(len(answer)-40)] // never up to the last event
	}
	return &http.Response{
		StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: -1,
		Header: http.Header{"Content-Type": {"text/event-stream"}, "Request-Id": {"req-" + op.File()}},
		Body:   &stream{ctx: req.Context(), l: l, op: op, rest: answer, rng: rng, what: what},
	}, nil
}

// frameEnd is the end of the last whole event before at.
func frameEnd(answer []byte, at int) int {
	if i := bytes.LastIndex(answer[:at], []byte("\n\n")); i >= 0 {
		return i + 2
	}
	return 0
}

func lost(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }

func failure(status int, kind string, h http.Header) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Type", "application/json")
	body := fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":"not now"}}`, kind)
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d no", status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
}

// stream is an answer on its way, a few bytes at a time.
type stream struct {
	ctx  context.Context
	l    *life
	op   budget.Op
	rest []byte
	rng  *rand.Rand
	what trouble
}

func (s *stream) Read(p []byte) (int, error) {
	if act := s.l.step("net", "read "+s.op.String(), true); act.err != nil {
		return 0, lost("read", act.err)
	}
	if len(s.rest) == 0 {
		return 0, s.end()
	}
	if s.rng.IntN(3) == 0 {
		if err := s.l.sleep(s.ctx, time.Duration(s.rng.Int64N(int64(5*time.Second)))); err != nil {
			return 0, lost("read", err)
		}
	}
	n := min(1+s.rng.IntN(len(s.rest)), 1+s.rng.IntN(1500), len(p))
	copy(p, s.rest[:n])
	s.rest = s.rest[n:]
	return n, nil
}

func (s *stream) end() error {
	switch s.what {
	case cut:
		if s.rng.IntN(2) == 0 {
			return lost("read", syscall.ECONNRESET)
		}
	case silent:
		return lost("read", s.l.sleep(s.ctx, 24*365*time.Hour))
	}
	return io.EOF
}

func (s *stream) Close() error { return nil }

// costs is a bill, by the provider's own arithmetic.
func costs(u budget.Usage) budget.Micro {
	return budget.Micro(2*u.Input + u.CacheRead + 3*u.CacheWrite5m + 10*u.Output)
}

// enter writes a line into the ledger.
func (p *provider) enter(b bill) budget.Micro {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger = append(p.ledger, b)
	p.total += b.cost
	return p.total
}

func (p *provider) bills() ([]bill, budget.Micro) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]bill(nil), p.ledger...), p.total
}

// keep notes an answer that is sent whole.
func (p *provider) keep(op budget.Op, answer []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.said == nil {
		p.said = map[string][]byte{}
	}
	p.said[op.File()] = answer
}

// whole says whether a spool holds all that was sent for an op. Its last event alone does not: what
// was written before may be lost.
func (p *provider) whole(op string, spool []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	said, ok := p.said[op]
	return ok && bytes.Equal(said, spool)
}

// answer makes the bytes of an answer and what it is billed for. A token is three bytes.
func (p *provider) answer(q question, op budget.Op, size int) ([]byte, budget.Usage) {
	said := 0
	for _, m := range q.Messages {
		if m.Role == "assistant" {
			said++
		}
	}
	var b frames
	input := int64(size) / 3
	u := budget.Usage{Input: input - input/2, CacheRead: input / 3, CacheWrite5m: input/2 - input/3}
	b.add("message_start", map[string]any{"message": map[string]any{
		"id": "msg_" + op.File(), "type": "message", "role": "assistant", "model": "sim", "content": []any{}, "stop_reason": nil,
		"usage": map[string]any{"input_tokens": u.Input, "cache_read_input_tokens": u.CacheRead, "cache_creation_input_tokens": u.CacheWrite5m, "output_tokens": 1,
			"cache_creation": map[string]any{"ephemeral_5m_input_tokens": u.CacheWrite5m, "ephemeral_1h_input_tokens": 0}},
	}})
	stop := "end_turn"
	if len(q.Tools) == 0 {
		raw, err := json.Marshal(p.story.plan)
		if err != nil {
			panic(err)
		}
		b.text(string(raw))
	} else {
		first := q.Messages[0].Content[0].Text
		t := p.story.answer(taskOf(first), said, strings.Contains(first, "<last_failure>"))
		b.text(t.words)
		for i, c := range t.calls {
			b.call(fmt.Sprintf("call_%d_%d", said, i), c)
			stop = "tool_use"
		}
	}
	u.Output = min(int64(b.buf.Len())/9+1, q.MaxTokens)
	b.add("message_delta", map[string]any{"delta": map[string]any{"stop_reason": stop}, "usage": map[string]any{"output_tokens": u.Output}})
	b.add("message_stop", map[string]any{})
	return b.buf.Bytes(), u
}

func taskOf(first string) planner.TaskID {
	_, rest, _ := strings.Cut(first, `<task id="`)
	id, _, _ := strings.Cut(rest, `"`)
	return planner.TaskID(id)
}

// frames is a stream of events in the making.
type frames struct {
	buf   bytes.Buffer
	index int
}

func (f *frames) add(kind string, data map[string]any) {
	data["type"] = kind
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(&f.buf, "event: %s\ndata: %s\n\n", kind, raw)
}

func (f *frames) text(words string) {
	f.block(map[string]any{"type": "text", "text": ""}, map[string]any{"type": "text_delta", "text": words})
}

func (f *frames) call(id string, c call) {
	f.block(map[string]any{"type": "tool_use", "id": id, "name": c.name, "input": map[string]any{}}, map[string]any{"type": "input_json_delta", "partial_json": string(c.input())})
}

func (f *frames) block(head, delta map[string]any) {
	f.add("content_block_start", map[string]any{"index": f.index, "content_block": head})
	f.add("content_block_delta", map[string]any{"index": f.index, "delta": delta})
	f.add("content_block_stop", map[string]any{"index": f.index})
	f.index++
}

// note keeps in mind a send that is not billed.
func (p *provider) note(b bill) {
	b.cost = 0
	p.enter(b)
}

// troubled says whether something happened to a send on the provider's side, or it never came there.
func (p *provider) troubled(op string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.ledger {
		if b.op.String() == op {
			return b.trouble != fine
		}
	}
	return true
}
