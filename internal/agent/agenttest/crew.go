package agenttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// Crew is a model that carries out plans of many tasks: the goal of a task says what to do, in the
// words of [Steps], and the conversation says how far the task is. It is an [http.Handler] that
// speaks the wires of [Handler], keeps a [Bill] of its own, and shows it at GET /_ledger.
//
// The rules are:
//   - an answer follows from the request alone: the same body gives the same bytes, whatever came
//     before, in whichever process;
//   - a request is billed when it has arrived, before the wait, whether or not its answer is heard;
//     one that is answered with an error costs nothing.
//
// The zero value answers at once and prices every model by what Builder has built in. It is safe for
// concurrent use; its fields MUST not change while it serves.
type Crew struct {
	// Latency is how long after its arrival a request is answered, however long it took to read.
	Latency time.Duration
	// Fault, when set, says how the answer to a request goes wrong; nil: it arrives.
	Fault func(Request) *Fault
	// Journal, when set, is given the bill as it grows: a line of JSON for each [Charge], once when
	// it arises and once more when its answer is written to the end.
	Journal io.Writer

	once  sync.Once
	table budget.Table
	bill  book
}

// Bill is what the crew has billed so far.
func (c *Crew) Bill() Bill { return c.bill.report() }

// ServeHTTP implements [http.Handler].
func (c *Crew) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/_ledger" {
		writeJSON(w, http.StatusOK, c.Bill())
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	if err != nil {
		return // the caller went away
	}
	at := time.Now().Add(c.Latency)
	d, known := dialectOf(r.URL.Path)
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/v1/messages/count_tokens"):
		writeJSON(w, http.StatusOK, object("input_tokens", tokens(len(body))))
	case r.Method == http.MethodPost && known:
		c.answer(w, r, d, body, at)
	default:
		wire{}.refusal(w, &Fault{Status: http.StatusNotFound, Type: "not_found_error", Message: "no such path"})
	}
}

// answer answers at a time.
func (c *Crew) answer(w http.ResponseWriter, r *http.Request, d dialect, body []byte, at time.Time) {
	req := Request{Header: r.Header.Clone(), Body: body}
	var err error
	if req.Wire, err = d.read(body); err != nil {
		d.speak(wire{}).refusal(w, &Fault{Status: http.StatusBadRequest, Type: "invalid_request_error", Message: err.Error()})
		return
	}
	id := identify(req)
	turn := id.turn(req)
	if c.Fault != nil && turn.Fault == nil {
		turn.Fault = c.Fault(req)
	}
	said := d.speak(newWire(turn, id.number(), req.Wire.Model))
	if turn.Fault != nil && turn.Fault.Status != 0 {
		c.bill.refuse()
		said.refusal(w, turn.Fault)
		return
	}
	charge, err := c.charge(id, req, turn)
	if err != nil {
		c.bill.refuse()
		said.refusal(w, &Fault{Status: http.StatusNotFound, Type: "not_found_error", Message: err.Error()})
		return
	}
	n := c.bill.add(charge, c.Journal)
	defer c.bill.leave()
	if !linger(r.Context(), time.Until(at)) {
		return
	}
	if req.Wire.Stream {
		said.stream(w, r)
	} else {
		writeJSON(w, http.StatusOK, said.message())
	}
	if r.Context().Err() == nil && turn.Fault == nil {
		c.bill.answered(n, c.Journal)
	}
}

// charge is what the answer costs.
func (c *Crew) charge(id identity, req Request, turn Turn) (Charge, error) {
	var err error
	c.once.Do(func() { c.table, err = budget.LoadTable() })
	if err != nil {
		return Charge{}, err
	}
	price, err := c.table.Lookup(req.Wire.Model, time.Now())
	if err != nil {
		return Charge{}, err
	}
	u := turn.usage()
	cost := price.Cost(budget.Usage{Input: u.Input, CacheWrite5m: u.CacheWrite5m, CacheWrite1h: u.CacheWrite1h, CacheRead: u.CacheRead, Output: u.Output})
	return Charge{
		Body: id.body, Question: id.question, Task: id.task, Turn: id.step, Model: req.Wire.Model,
		Input: u.Input + u.CacheWrite5m + u.CacheWrite1h + u.CacheRead, Output: u.Output, Cost: int64(cost),
	}, nil
}

// identity is what makes a request the one it is.
type identity struct {
	body     string // SHA-256 of its bytes
	question string // of what is asked: model, instructions and messages, however many tokens are allowed
	task     string
	goal     string
	step     int // answers before this one
}

func identify(req Request) identity {
	id := identity{body: sum(req.Body)}
	asked := sha256.New()
	said := func(parts ...[]byte) {
		for _, p := range parts {
			asked.Write(strconv.AppendInt(nil, int64(len(p)), 10))
			asked.Write([]byte{' '})
			asked.Write(p)
		}
	}
	said([]byte(req.Wire.Model), unmarked(req.Wire.System))
	for i, m := range req.Wire.Messages {
		if m.Role == string(agent.Assistant) {
			if i == 0 || req.Wire.Messages[i-1].Role != m.Role { // of one turn, on wires that cut it
				id.step++
			}
		}
		said([]byte(m.Role), unmarked(m.Content))
	}
	id.question = hex.EncodeToString(asked.Sum(nil))
	if len(req.Wire.Messages) > 0 {
		id.task, id.goal = taskOf(req.Wire.Messages[0].Text())
	}
	return id
}

// mostRounds is how often a goal is carried out anew after its finish was refused, the first time
// included. Then the task is given up.
const mostRounds = 3

// number makes the ids of the answer's parts follow from the request.
func (id identity) number() int {
	n, err := strconv.ParseInt(id.body[:7], 16, 64)
	if err != nil {
		panic(err) // a sum is hexadecimal
	}
	return int(n)
}

// turn is the answer.
func (id identity) turn(req Request) Turn {
	turns, err := Steps(id.goal)
	switch {
	case req.Planning() || id.task == "":
		return Fail(http.StatusBadRequest, "invalid_request_error", "the crew carries out tasks of a plan; it makes none: builder build --plan")
	case err != nil:
		return Fail(http.StatusBadRequest, "invalid_request_error", "task "+id.task+": "+err.Error())
	case id.step >= mostRounds*len(turns):
		return sized(Use(Blocked("the goal of task "+id.task+" is done, and it was not accepted", "its last step was refused")), req)
	}
	t := turns[id.step%len(turns)]
	for i := range t.Calls {
		t.Calls[i].ID = "toolu_" + sum([]byte(id.body + t.Calls[i].Name + string(rune('0'+i))))[:24]
	}
	return sized(t, req)
}

// sized bills a token for every four bytes, each way.
func sized(t Turn, req Request) Turn {
	n := len(t.Text)
	for _, c := range t.Calls {
		n += len(c.Name) + len(c.Input)
	}
	t.Usage = agent.Usage{Input: tokens(len(req.Body)), Output: tokens(n)}
	return t
}

func tokens(bytes int) int64 { return int64(bytes+3)/4 + 1 }

// unmarked is content without the marks of a cache, which move while the question stays. In a text the
// quotes of such a mark are escaped, so none is found there.
func unmarked(raw []byte) []byte {
	const mark, blank = `"cache_control"`, " \t\r\n"
	var out []byte
	for {
		before, after, found := bytes.Cut(raw, []byte(mark))
		if !found && out == nil {
			return raw
		}
		if !found {
			return append(out, raw...)
		}
		_, after, _ = bytes.Cut(after, []byte{'}'}) // its value is an object of texts
		head, comma := bytes.CutSuffix(bytes.TrimRight(before, blank), []byte{','})
		if !comma {
			after = bytes.TrimPrefix(bytes.TrimLeft(after, blank), []byte{','})
		}
		out, raw = append(out, head...), after
	}
}

// taskOf finds the task that a first message is about, and its goal.
func taskOf(first string) (id, goal string) {
	_, rest, ok := strings.Cut(first, `<task id="`)
	if !ok {
		return "", ""
	}
	id, rest, _ = strings.Cut(rest, `"`)
	_, rest, _ = strings.Cut(rest, "\n") // of the tag
	_, rest, _ = strings.Cut(rest, "\n") // the title
	goal, _, _ = strings.Cut(rest, "\n</task>")
	return strings.Clone(id), strings.Clone(goal) // the bill keeps no conversation for a name
}

// linger waits; false when the caller went away before.
func linger(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
