package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/budget/gateway"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// paused answers with a text and a tool call, and stands still before the end until open is closed. The
// asker may be gone then: the provider waits for the gateway alone.
func paused(open <-chan struct{}, arrived chan<- struct{}) func(int, agenttest.Request) agenttest.Turn {
	return func(n int, _ agenttest.Request) agenttest.Turn {
		turn := agenttest.Use(agenttest.Run("true"))
		turn.Text, turn.Fault = "hello there", &agenttest.Fault{Pause: open}
		arrived <- struct{}{}
		return turn
	}
}

// leave asks, and goes away once the first text has come. The gateway knows when it returns.
func (w *world) leave(path, question string) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer func() {
		cancel()
		within(w.t, "notice", w.left)
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.ticket.URL+path, strings.NewReader(question))
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), "hello") {
			return
		}
	}
	w.t.Fatal("no text came")
}

// settled waits until calls are no longer held.
func (w *world) settled(calls int64) {
	w.t.Helper()
	for deadline := time.After(patience); ; {
		freed := w.writer.Freed()
		if a := w.account(); a.Calls == calls && a.Held == 0 {
			return
		}
		select {
		case <-freed:
		case <-deadline:
			w.t.Fatalf("not settled: %+v", w.account())
		}
	}
}

// Law L2: a call whose asker went away is read to its end and settled. Its answer goes to the next
// asker of the same question, without a call, also in the next process; whoever asks once more pays
// once more, and that is a repeat.
func TestUndeliveredAnswer(t *testing.T) {
	t.Parallel()
	for _, path := range []string{messages, completed, responses} {
		for _, crash := range []bool{false, true} {
			open, arrived := make(chan struct{}), make(chan struct{}, 10)
			w := begin(t, dollar, paused(open, arrived))
			question := ask(path, "hi")
			w.leave(path, question)
			close(open)
			w.settled(1)
			if crash {
				w.restart()
			}
			// What asks nothing may differ: ids of a run, cache marks.
			again := strings.Replace(question, `{"model"`, `{"metadata":{"user_id":"other"},"prompt_cache_key":"k","model"`, 1)
			if path == messages {
				again = strings.Replace(again, `"content":"hi"`, `"cache_control":{"type":"ephemeral"},"content":"hi"`, 1)
			}
			got := w.post(path, again)
			if got.err != nil || got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/event-stream") || !strings.Contains(got.body, "hello") {
				t.Fatalf("%s: got %+v", path, got)
			}
			if a := w.account(); len(w.provider.Requests()) != 1 || a.Calls != 1 || a.Answered != 1 || w.repeats() != 0 {
				t.Errorf("%s: %d requests, booked %+v", path, len(w.provider.Requests()), a)
			}
			if c := w.ticket.Counts(); c.Delivered != 1 {
				t.Errorf("%s: counted %+v", path, c)
			}
			if crash {
				w.restart()
			}
			fresh := w.post(path, question)
			if fresh.status != http.StatusOK || len(w.provider.Requests()) != 2 || w.repeats() != 1 || w.account().Calls != 2 {
				t.Errorf("%s: delivered and asked again: %+v, %d requests, %d repeats", path, fresh, len(w.provider.Requests()), w.repeats())
			}
			w.state(func(s *phases.State) {
				if _, ok := s.Find(budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1000, Send: 2}); !ok {
					t.Errorf("%s: the second send of the question is not its send 2", path)
				}
			})
		}
	}
}

// Law L2: who asks what is being answered to somebody who went away waits for that answer.
func TestOrphanIsJoined(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	w := begin(t, dollar, paused(open, make(chan struct{}, 10)))
	w.leave(messages, ask(messages, "hi"))
	got := make(chan answer, 1)
	go func() { got <- w.post(messages, ask(messages, "hi")) }()
	for w.ticket.Counts().Joined == 0 && len(w.provider.Requests()) == 1 {
		runtime.Gosched()
	}
	close(open)
	if a := within(t, "answer", got); a.status != http.StatusOK || !strings.Contains(a.body, "message_stop") || len(w.provider.Requests()) != 1 {
		t.Errorf("got %+v after %d requests", a, len(w.provider.Requests()))
	}
}

// Another question is another call, however alike.
func TestQuestions(t *testing.T) {
	t.Parallel()
	w := begin(t, dollar, says("hello"))
	base := ask(messages, "hi")
	for i, body := range []string{
		base,
		strings.Replace(base, `"hi"`, `"ho"`, 1),
		strings.Replace(base, `"stream":true`, `"stream":false`, 1),
		strings.Replace(base, `2000`, `2001`, 1),
		strings.Replace(base, `{"model"`, `{"system":"s","model"`, 1),
		strings.Replace(base, `{"model"`, `{"temperature":1,"model"`, 1),
		strings.Replace(base, `{"role":"user","content":"hi"}`, `{"role":"user","content":"hi"},{"role":"assistant","content":"ho"}`, 1),
	} {
		if got := w.post(messages, body); got.status != http.StatusOK {
			t.Fatalf("%d: %+v", i, got)
		}
		w.state(func(s *phases.State) {
			if _, ok := s.Find(budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1000 + i, Send: 1}); !ok {
				t.Errorf("question %d is not step %d", i, 1000+i)
			}
		})
	}
	if w.repeats() != 0 {
		t.Errorf("%d repeats", w.repeats())
	}
	// Claude Code writes another mark before its system prompt with every run.
	marked := func(v string) string {
		return strings.Replace(base, `{"model"`, `{"system":[{"type":"text","text":"x-anthropic-billing-header: `+v+`"},{"type":"text","text":"s"}],"model"`, 1)
	}
	w.post(messages, marked("1"))
	w.post(messages, marked("2"))
	if w.repeats() != 1 {
		t.Errorf("%d repeats of a question whose run alone differs", w.repeats())
	}
}

// A call that nobody waits for is cut after a while, and one that outlives its task's end is, too. Both
// stay booked.
func TestLinger(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	defer close(never)
	w := begin(t, dollar, paused(never, make(chan struct{}, 10)))
	w.end()
	w.set.Linger = time.Nanosecond
	w.open()
	w.serve()
	w.leave(messages, ask(messages, "hi"))
	w.ticket.Close(t.Context()) // waits for it
	if a := w.account(); a.Held != 0 || a.Unknown == 0 || a.Answered != 0 {
		t.Errorf("booked %+v", a)
	}
}

func TestCloseCutsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	never, arrived := make(chan struct{}), make(chan struct{}, 1)
	defer close(never)
	w := begin(t, dollar, paused(never, arrived))
	got := make(chan answer, 1)
	go func() { got <- w.post(messages, ask(messages, "hi")) }()
	within(t, "request", arrived)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	w.ticket.Close(over)
	if a := w.account(); a.Held != 0 || a.Unknown == 0 {
		t.Errorf("booked %+v", a)
	}
	if a := within(t, "end", got); a.err == nil {
		t.Errorf("a cut answer looks whole: %+v", a)
	}
}

// Text passes as it comes; what completes a tool call waits for the settlement.
func TestToolCallWaits(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	w := begin(t, dollar, paused(open, make(chan struct{}, 1)))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.ticket.URL+messages, strings.NewReader(ask(messages, "hi")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	seen := ""
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		seen += lines.Text() + "\n"
		switch {
		case strings.Contains(lines.Text(), "partial_json") && open != nil:
			if w.account().Held == 0 || strings.Count(seen, "content_block_stop") > 2 {
				t.Errorf("seen before the settlement: %s", seen)
			}
			close(open)
			open = nil
		case strings.Contains(lines.Text(), "message_delta"):
			if a := w.account(); a.Held != 0 || a.Answered != 1 {
				t.Errorf("released before the settlement: %+v", a)
			}
		}
	}
	if !strings.Contains(seen, "message_stop") {
		t.Errorf("seen %s", seen)
	}
}

// Where the journal fails nothing more is sent, and the asker does not try again.
func TestJournalFails(t *testing.T) {
	t.Parallel()
	w := begin(t, dollar, says("hello"))
	broke := errors.New("disk broke")
	w.journal.Fail = func([]checkpoint.Record) (bool, error) { return false, broke }
	for range 2 {
		got := w.post(messages, ask(messages, "hi"))
		if got.status != http.StatusBadRequest || got.header.Get("X-Should-Retry") != "false" || len(w.provider.Requests()) != 0 {
			t.Errorf("got %+v after %d requests", got, len(w.provider.Requests()))
		}
	}
	if err := w.ticket.Err(); !errors.Is(err, broke) || w.ticket.Stopped() != nil {
		t.Errorf("err %v, stopped by %v", err, w.ticket.Stopped())
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.gw.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := w.writer.Close(ctx); !errors.Is(err, broke) {
		t.Error(err)
	}
	w.journal = &checkpoint.Memory{}
	w.open() // for the end of the test
	w.serve()
}

// Whoever holds calls back is asked before each, and told when it is over.
func TestEnter(t *testing.T) {
	t.Parallel()
	w := begin(t, dollar, says("hello"))
	var log []string
	held := errors.New("the build is being stopped")
	w.task.Enter = func(_ context.Context, model string) (func(), error) {
		log = append(log, "enter "+model)
		if len(log) > 2 {
			return nil, held
		}
		return func() { log = append(log, "leave") }, nil
	}
	ticket, err := w.gw.Open(t.Context(), w.task)
	if err != nil {
		t.Fatal(err)
	}
	w.ticket = ticket
	w.post(messages, ask(messages, "hi"))
	got := w.post(messages, ask(messages, "ho"))
	w.ticket.Close(t.Context())
	if strings.Join(log, ",") != "enter m,leave,enter m" || got.status != http.StatusBadRequest || !strings.Contains(got.body, "being stopped") || len(w.provider.Requests()) != 1 {
		t.Errorf("log %v, got %+v", log, got)
	}
}

var _ gateway.Ledger = (*phases.Writer)(nil)
