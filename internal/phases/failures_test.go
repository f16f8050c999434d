package phases

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
	"github.com/seed-c331f47d/builder/internal/agent/failure/failuretest"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/meter"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// wire is one way to talk to a provider: its rows, its client, and how it answers.
type wire struct {
	name, family string
	client       func(*http.Client) (agent.Model, error)
	stream       func(turn agenttest.Turn, n int) (contentType string, body []byte)
	cut          string // where what comes after the content begins
}

func wires() []wire {
	lost := func(err error) bool { return errors.Is(err, meter.ErrIncomplete) }
	return []wire{{
		name: "anthropic", family: "anthropic", cut: "event: content_block_stop",
		client: func(c *http.Client) (agent.Model, error) {
			return anthropic.New(anthropic.Config{HTTPClient: c, BaseURL: "https://api.example.com", Lost: lost})
		},
		stream: func(turn agenttest.Turn, n int) (string, []byte) { return agenttest.Stream(turn, n, "test") },
	}, openWire(openai.Chat, "/v1/chat/completions", `data: {"choices":[{"delta":{},`, lost), openWire(openai.Responses, "/v1/responses", "event: response.output_item.done", lost)}
}

func openWire(api openai.API, path, cut string, lost func(error) bool) wire {
	return wire{
		name: string(api), family: "openai", cut: cut,
		client: func(c *http.Client) (agent.Model, error) {
			return openai.New(openai.Config{HTTPClient: c, BaseURL: "https://api.example.com", API: api, Lost: lost})
		},
		stream: func(turn agenttest.Turn, n int) (string, []byte) { return agenttest.StreamAt(path, turn, n, "test") },
	}
}

// provider answers questions by what they hold, and does to the n-th send what a row says.
type provider struct {
	t     *testing.T
	wire  wire
	row   failuretest.Row
	hurt  func(n int) bool // whether send n, from 0, is hurt by the row
	stop  map[int]func()   // what happens instead of an answer to send n
	sends int

	silent bool // instead of what the row says
}

// RoundTrip implements [http.RoundTripper].
func (p *provider) RoundTrip(req *http.Request) (*http.Response, error) {
	n := p.sends
	p.sends++
	if stop := p.stop[n]; stop != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		stop()
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if p.hurt(n) {
		kind, whole := p.wire.stream(agenttest.Say("half an answer"), n)
		if p.silent {
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return nil, err
			}
			if p.row.At == failure.BeforeResponse {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			body := io.MultiReader(bytes.NewReader(whole[:bytes.Index(whole, []byte(p.wire.cut))]), silence{req.Context()})
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(body), ContentLength: -1, Request: req}, nil
		}
		return p.row.Respond(p.t, p.wire.family, whole[:bytes.Index(whole, []byte(p.wire.cut))], req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	turn := agenttest.Use(agenttest.Call("look", json.RawMessage(`{}`)))
	if strings.Contains(string(body), "nothing to see") {
		turn = agenttest.Use(
			agenttest.Call("write_file", json.RawMessage(`{"path":"a.txt","content":"good"}`)),
			agenttest.Call("finish", json.RawMessage(`{"summary":"wrote a.txt"}`)))
	}
	kind, answer := p.wire.stream(turn, n)
	return &http.Response{
		StatusCode: 200, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: -1, Request: req,
	}, nil
}

// memSpools and memBlobs hand the checkpoint's stores to the meter in its own words.
type memSpools struct{ *checkpoint.MemoryBlobs }

func (s memSpools) Create(name string) (meter.Spool, error) {
	sp, err := s.MemoryBlobs.Create(name)
	return memSpool{sp}, err
}

type memSpool struct{ checkpoint.Spool }

func (s memSpool) Keep(ctx context.Context) (string, error) {
	h, err := s.Spool.Keep(ctx)
	return string(h), err
}

type memPuts struct{ *checkpoint.MemoryBlobs }

func (b memPuts) Put(ctx context.Context, content []byte) (string, error) {
	h, err := b.MemoryBlobs.Put(ctx, content)
	return string(h), err
}

// behindTheMeter is a world whose model is the wire's real client, behind the real meter.
func behindTheMeter(t *testing.T, dir string, p *provider) *world {
	time.Sleep(time.Until(failuretest.Noon())) // rows hold dates
	w := newWorld(t)
	plan := twoTasks()
	plan.Requirements, plan.Gates = plan.Requirements[:1], plan.Gates[:1]
	plan.Phases[0].Tasks = plan.Phases[0].Tasks[:1]
	w.scratch, w.clock, w.paced, w.plan = dir, nil, true, &plan
	w.model = func(wr *Writer) agent.Model {
		m, err := p.wire.client(meter.NewClient(&meter.Transport{
			Base: endpoint.Patience{Base: p}, Ledger: wr, Spools: memSpools{w.blobs}, Blobs: memPuts{w.blobs},
			Prices: func(string) (budget.Price, error) { return testPrice(), nil },
		}))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	return w
}

// failuresOf are the failures that the journal tells of.
func failuresOf(t *testing.T, w *world) []CallFailed {
	t.Helper()
	var all []CallFailed
	err := w.journal.Read(t.Context(), 0, func(e checkpoint.Envelope) error {
		f, err := Decode(e.Kind, e.Payload)
		if c, ok := f.(CallFailed); ok {
			all = append(all, c)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// codeOf is what people are told at a pause of a cause.
func codeOf(c agent.Cause) string {
	return map[agent.Cause]string{
		agent.CauseMoney: "E_PROVIDER_CREDIT", agent.CauseKey: "E_PROVIDER_AUTH", agent.CauseModel: "E_MODEL_GONE", agent.CauseProtocol: "E_PROVIDER_PROTOCOL",
	}[c]
}

// Every row of the golden table, met by a whole build at its first call, in the middle of a
// conversation, and by the first call of a resume, over every wire: through adapter, meter, pacer and
// engine it ends in its class, is booked as what it cost, and the build is done in the end, by a plain
// resume where it paused. All time is fake.
func TestFailureRowsInBuilds(t *testing.T) {
	t.Parallel()
	for _, wire := range wires() {
		for _, row := range failuretest.Rows(t, wire.family) {
			for moment, at := range map[string]int{"first call": 0, "later call": 1, "resume": 2} {
				if !row.OnWire() || adapts(wire, row) {
					continue // shown by the tests of classifier and adapter
				}
				t.Run(wire.name+"/"+moment+"/"+row.Name, func(t *testing.T) {
					t.Parallel()
					dir := t.TempDir()
					synctest.Test(t, func(t *testing.T) {
						p := &provider{t: t, wire: wire, row: row, hurt: func(n int) bool { return n == at }, stop: map[int]func(){}}
						w := behindTheMeter(t, dir, p)
						if moment == "resume" {
							interrupted(t, w, p, 1)
						}
						endsInItsClass(t, w, p, moment == "resume")
					})
				})
			}
		}
	}
}

// adapts says whether the wire's adapter itself knows what to do about a row.
func adapts(w wire, r failuretest.Row) bool {
	return w.family == "openai" && (strings.Contains(r.Body, "'max_completion_tokens' instead") || strings.Contains(r.Body, "does not support tools"))
}

// interrupted runs a process that a person stops while send n is under way.
func interrupted(t *testing.T, w *world, p *provider, n int) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	p.stop[n] = func() { cancel(ErrInterrupted) }
	_, err := w.runCtx(ctx, t, budget.Caps{USD: budget.Dollar})
	var pause *PauseError
	if !errors.As(err, &pause) || pause.Reason.Code != CodeInterrupted {
		t.Fatalf("interrupt: got %v", err)
	}
}

func endsInItsClass(t *testing.T, w *world, p *provider, before bool) {
	t.Helper()
	row, caps, start := p.row, budget.Caps{USD: budget.Dollar}, time.Now()
	s, err := w.run(t, caps)
	took := time.Since(start)
	var pause *PauseError
	switch paused := errors.As(err, &pause); {
	case row.Class == agent.PauseBuild || row.Class == agent.WaitUntil && row.Wait(t) > time.Hour:
		code := codeOf(row.Cause)
		if code == "" {
			code = CodeProvider
		}
		if !paused || pause.Reason.Code != code || !strings.HasSuffix(pause.Reason.Hint, ": builder resume") {
			t.Fatalf("got %v, want a pause of %s", err, code)
		}
		if at := start.Add(row.Wait(t)); row.After != "" && !pause.Reason.NotBefore.Equal(at) {
			t.Errorf("it may go on at %s, want %s", pause.Reason.NotBefore, at)
		}
		if took != 0 {
			t.Errorf("it paused after %s", took)
		}
		if row.Class == agent.WaitUntil {
			time.Sleep(row.Wait(t))
		}
		if s, err = w.run(t, caps); err != nil { // without a flag
			t.Fatalf("resume: %v", err)
		}
	case err != nil:
		t.Fatalf("got %v, want class %s", err, row.Class)
	case row.Class == agent.Retry || row.Class == agent.WaitUntil:
		least := row.Wait(t)
		if least == 0 {
			least = time.Second / 2
		}
		if most := max(least, 15*time.Second) * 11 / 10; took < least || took > most {
			t.Errorf("it took %s, want %s to %s", took, least, most)
		}
	case row.Cause == agent.CauseSize && s.Task("one.a").Attempts == 1 && p.sends > 3:
		// the conversation was made smaller
	default:
		if s.Task("one.a").Attempts != 2 || took != 0 {
			t.Errorf("%d attempts in %s: the attempt ends, and the next one is sent something else", s.Task("one.a").Attempts, took)
		}
	}
	if s.Run != DoneState || len(w.repo.commits) != 1 {
		t.Errorf("the build is %s", s.Run)
	}
	all := failuresOf(t, w)
	if len(all) != 1 || all[0].Class != string(row.Class) || all[0].Cause != string(row.Cause) {
		t.Errorf("recorded: %+v", all)
	}
	booked(t, s, p, before)
	refold(t, w.journal, s)
}

// booked says whether the row was booked as what it may have cost, and everything else exactly.
func booked(t *testing.T, s *State, p *provider, before bool) {
	t.Helper()
	a := s.Guard.Account(budget.Build)
	lost := a.Calls - a.Answered
	want := int64(1)
	if before {
		want = 2 // the call that was cut by the person
	}
	if a.Held != 0 || lost != want || a.Calls != int64(p.sends) {
		t.Errorf("%d calls for %d sends, %d without answer, %d held", a.Calls, p.sends, lost, a.Held)
	}
	maybe := p.row.At == failure.MidStream || p.row.Status == 0 && !dials(p.row)
	surely := p.row.At == failure.BeforeResponse && dials(p.row) || p.row.Status >= 300 && p.row.Status < 500 && p.row.Status != 408 && p.row.Status != 499
	var unknown int64
	if before {
		unknown = 1
	}
	if maybe {
		unknown++
	}
	if n := int64(len(s.Guard.Lost)); (maybe || surely) && n != unknown {
		t.Errorf("%d calls are booked as unknown, want %d", n, unknown)
	}
}

// dials says whether the row fails before anything is sent.
func dials(r failuretest.Row) bool {
	for _, word := range []string{"refused", "unreachable", "dns", "dial", "tls", "handshake", "proxy"} {
		if strings.HasPrefix(r.Err, word) {
			return true
		}
	}
	return false
}

// A row that goes on for ever ends, too, soon and at no cost when the provider never answered.
func TestFailureRowsForEver(t *testing.T) {
	t.Parallel()
	for _, wire := range wires() {
		for _, row := range failuretest.Rows(t, wire.family) {
			if !row.OnWire() || adapts(wire, row) || row.Class == agent.WaitUntil || row.Wait(t) > 0 {
				continue
			}
			t.Run(wire.name+"/"+row.Name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					p := &provider{t: t, wire: wire, row: row, hurt: func(int) bool { return true }}
					w := behindTheMeter(t, dir, p)
					start := time.Now()
					s, err := w.run(t, budget.Caps{USD: 10 * budget.Dollar})
					var pause *PauseError
					paused := errors.As(err, &pause)
					most := map[agent.Class]int{agent.Retry: 6, agent.PauseBuild: 1, agent.FixRequest: 3, agent.FailTask: 3}[row.Class]
					if row.Tries > 0 {
						most = row.Tries + 1
					}
					if p.sends > most || time.Since(start) > 2*time.Minute {
						t.Errorf("%d sends in %s, want at most %d", p.sends, time.Since(start), most)
					}
					switch row.Class {
					case agent.FixRequest, agent.FailTask:
						if err != nil || s.Run != FailedState {
							t.Errorf("got %v", err)
						}
						return
					}
					if !paused || !strings.HasPrefix(pause.Reason.Code, "E_PROVIDER") && pause.Reason.Code != CodeModel {
						t.Errorf("got %v", err)
					}
					if a := s.Guard.Account(budget.Build); a.Spent != 0 || a.Held != 0 {
						t.Errorf("booked %+v", a)
					}
				})
			})
		}
	}
}

// A connection that dies without a word is given up, booked as what it may have cost, and asked
// again: before the head of an answer, and in its middle.
func TestSilentProvider(t *testing.T) {
	t.Parallel()
	for _, wire := range wires() {
		for _, at := range []failure.Position{failure.BeforeResponse, failure.MidStream} {
			t.Run(wire.name+"/"+string(at), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				synctest.Test(t, func(t *testing.T) {
					row := failuretest.Row{Name: "silence", Family: wire.family, At: at, Class: agent.Retry, Cause: agent.CauseNetwork}
					p := &provider{t: t, wire: wire, row: row, hurt: func(n int) bool { return n == 0 }, silent: true}
					w := behindTheMeter(t, dir, p)
					start := time.Now()
					s, err := w.run(t, budget.Caps{USD: budget.Dollar})
					if took := time.Since(start); err != nil || s.Run != DoneState || took < 10*time.Minute || took > 10*time.Minute+2*time.Second {
						t.Errorf("got %v after %s", err, took)
					}
					if all := failuresOf(t, w); len(all) != 1 || all[0].Class != string(agent.Retry) || all[0].Cause != string(agent.CauseNetwork) {
						t.Errorf("recorded: %+v", all)
					}
					booked(t, s, p, false)
				})
			})
		}
	}
}

// silence is a body that never ends.
type silence struct{ ctx context.Context }

// Read implements [io.Reader].
func (s silence) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
