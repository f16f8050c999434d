package phases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// How long to wait, and whether to send again, follows from the failure, the op and the row alone.
func TestRetryPolicy(t *testing.T) {
	t.Parallel()
	op := budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 3, Send: 2}
	tests := map[string]struct {
		f        agent.Failure
		tries    int
		from, to time.Duration
		again    bool
	}{
		"first":             {agent.Failure{Class: agent.Retry}, 1, time.Second / 2, time.Second, true},
		"fourth":            {agent.Failure{Class: agent.Retry}, 4, 4 * time.Second, 8 * time.Second, true},
		"fifth":             {agent.Failure{Class: agent.Retry}, 5, 8 * time.Second, 16 * time.Second, true},
		"sixth":             {agent.Failure{Class: agent.Retry}, 6, 0, 0, false},
		"a portal, second":  {agent.Failure{Class: agent.Retry, Tries: 2}, 2, time.Second, 2 * time.Second, true},
		"a portal, third":   {agent.Failure{Class: agent.Retry, Tries: 2}, 3, 0, 0, false},
		"stated":            {agent.Failure{Class: agent.Retry, After: 3 * time.Second}, 1, 3 * time.Second, 3300 * time.Millisecond, true},
		"rate limit":        {agent.Failure{Class: agent.WaitUntil, After: time.Hour}, 0, time.Hour, 66 * time.Minute, true},
		"rate limit, long":  {agent.Failure{Class: agent.WaitUntil, After: 5 * 24 * time.Hour}, 0, 5 * 24 * time.Hour, 5 * 24 * time.Hour, false},
		"money":             {agent.Failure{Class: agent.PauseBuild}, 0, 0, 0, false},
		"money until a day": {agent.Failure{Class: agent.PauseBuild, After: time.Hour}, 0, time.Hour, time.Hour, false},
		"malformed":         {agent.Failure{Class: agent.FixRequest, After: time.Hour}, 0, 0, 0, false},
		"declined":          {agent.Failure{Class: agent.FailTask}, 0, 0, 0, false},
	}
	for name, tt := range tests {
		got, again := RetryPolicy{}.next(op, &tt.f, tt.tries)
		if again != tt.again || got < tt.from || got > tt.to {
			t.Errorf("%s: got %s, again %v", name, got, again)
		}
		if same, _ := (RetryPolicy{}).next(op, &tt.f, tt.tries); same != got {
			t.Errorf("%s: %s and then %s", name, got, same)
		}
	}
	seen := map[time.Duration]bool{}
	for i := range 100 {
		op.Build = fmt.Sprint("b-", i)
		d, _ := RetryPolicy{}.next(op, &agent.Failure{Class: agent.Retry}, 1)
		seen[d] = true
	}
	if len(seen) < 95 {
		t.Errorf("only %d different waits of 100 builds", len(seen))
	}
}

// inFakeTime runs fn on a world whose clock is the fake one, with a pacer in every process.
func inFakeTime(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.scratch, w.clock, w.paced = dir, nil, true
		fn(t, w)
	})
}

// A stated wait is served once, by whoever is there: a process that is stopped in it leaves the rest
// to the next one.
func TestWaitIsServedAcrossProcesses(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		start := time.Now()
		failed := false
		w.answer = func(req agent.Request) (agent.Message, error) {
			if !failed {
				failed = true
				return agent.Message{}, &agent.Failure{Class: agent.WaitUntil, Cause: agent.CauseRate, Status: 429, After: 30 * time.Minute}
			}
			return scripted(req)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Minute, func() { cancel(ErrInterrupted) })
		_, err := w.runCtx(ctx, t, budget.Caps{USD: budget.Dollar})
		var pause *PauseError
		if !errors.As(err, &pause) || pause.Reason.Code != CodeInterrupted || time.Since(start) != 10*time.Minute {
			t.Fatalf("got %v after %s: a stop ends a wait at once", err, time.Since(start))
		}
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(start); took < 30*time.Minute || took > 33*time.Minute+time.Second {
			t.Errorf("it took %s, want the 30 minutes that were stated and at most a tenth", took)
		}
		refold(t, w.journal, s)
	})
}

// A wait of days pauses the build with the time it ends at; a resume before says so without sending,
// one that is told to ask at once asks, and one after it needs no flag.
func TestLongWaitPausesTheBuild(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		start := time.Now()
		sent := 0
		w.answer = func(req agent.Request) (agent.Message, error) {
			if sent++; sent <= 2 {
				return agent.Message{}, &agent.Failure{Class: agent.WaitUntil, Cause: agent.CauseRate, Status: 429, After: 48 * time.Hour, Message: "weekly limit"}
			}
			return scripted(req)
		}
		expect := func(err error, what string, sends int) Reason {
			t.Helper()
			var pause *PauseError
			if !errors.As(err, &pause) || pause.Reason.Code != CodeProvider || sent != sends || !strings.Contains(pause.Reason.Hint, "builder resume") {
				t.Fatalf("%s: got %v after %d sends", what, err, sent)
			}
			return pause.Reason
		}
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if r := expect(err, "first", 1); !r.NotBefore.Equal(start.Add(48*time.Hour)) || !s.NotBefore.Equal(r.NotBefore) {
			t.Errorf("got %s and %s", r.NotBefore, s.NotBefore)
		}
		time.Sleep(time.Hour)
		_, err = w.run(t, budget.Caps{USD: budget.Dollar})
		if r := expect(err, "too early", 1); !r.NotBefore.Equal(start.Add(48*time.Hour)) || !strings.Contains(r.Hint, "--now") {
			t.Errorf("got %+v", r)
		}
		w.anyway = true
		_, err = w.run(t, budget.Caps{USD: budget.Dollar})
		expect(err, "asked at once", 2)
		w.anyway = false
		time.Sleep(49 * time.Hour)
		s, err = w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState {
			t.Fatalf("got %v", err)
		}
	})
}

// A night without provider: the build waits it out with few sends, at no cost, and no attempt is used up.
func TestNightWithoutProvider(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		start := time.Now()
		sends, down := 0, 0
		w.answer = func(req agent.Request) (agent.Message, error) {
			if sends++; sends > 2 && time.Since(start) < 8*time.Hour {
				down++
				return agent.Message{}, &agent.Failure{Class: agent.Retry, Cause: agent.CauseLoad, Status: 529, Type: "overloaded_error"}
			}
			return scripted(req)
		}
		s, err := w.run(t, budget.Caps{USD: budget.Dollar})
		if err != nil || s.Run != DoneState {
			t.Fatalf("got %v, %s", err, s.Run)
		}
		if took := time.Since(start); took < 8*time.Hour || took > 8*time.Hour+12*time.Minute || down > 60 {
			t.Errorf("it took %s and %d sends", took, down)
		}
		if a := s.Guard.Account(budget.Build); a.Unknown != 0 || a.Answered != 5 {
			t.Errorf("booked %+v", a)
		}
		if s.Task("one.a").Attempts != 1 || s.Task("one.b").Attempts != 1 {
			t.Error("an attempt was used up")
		}
		refold(t, w.journal, s)
	})
}

// A request that was refused for what it is is not sent again byte-identical, whoever asks in that
// task; it is forgotten when a person reopens the task, as a server may have been mended.
func TestRefusedRequestIsNotSentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wr, err := OpenWriter(t.Context(), w.journal, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := wr.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	record := func(facts ...Fact) {
		if err := wr.Record(t.Context(), facts...); err != nil {
			t.Fatal(err)
		}
	}
	sends := 0
	model := ledgerModel{writer: func() *Writer { return wr }, blobs: w.blobs, sent: w.sent, answer: func(agent.Request) (agent.Message, error) {
		sends++
		return agent.Message{}, &agent.Failure{Class: agent.FixRequest, Cause: agent.CauseRequest, Status: 400}
	}}
	e := &Engine{Writer: wr, Blobs: w.blobs, Model: model}
	ask := func(number int, text string) {
		at := &attempt{build: "b-1", task: "t", phase: "p", number: number}
		_, err := e.journaled(at, false).Complete(t.Context(), agent.Request{Model: "test", MaxTokens: 2000, Messages: []agent.Message{agent.Say(agent.User, text)}})
		var f *agent.Failure
		if !errors.As(err, &f) || f.Class != agent.FixRequest {
			t.Fatalf("got %v", err)
		}
	}
	record(BuildStarted{Build: "b-1", Caps: budget.Caps{USD: budget.Dollar}}, TaskStarted{Task: "t"}, AttemptStarted{Task: "t", Attempt: 1})
	ask(1, "too odd")
	record(AttemptFinished{Task: "t", Attempt: 1, Outcome: "declined"}, AttemptStarted{Task: "t", Attempt: 2})
	ask(2, "too odd")
	if sends != 1 {
		t.Errorf("%d sends of the same bytes", sends)
	}
	ask(2, "less odd")
	if sends != 2 {
		t.Errorf("%d sends: another request is another request", sends)
	}
	record(TaskFailed{Task: "t"}, TaskReopened{Task: "t"}, TaskStarted{Task: "t"}, AttemptStarted{Task: "t", Attempt: 3})
	ask(3, "too odd")
	if sends != 3 {
		t.Errorf("%d sends: a reopened task tries again", sends)
	}
}

// Who must act, and how, follows from the cause.
func TestProviderReasons(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for cause, want := range map[agent.Cause][]string{
		agent.CauseMoney:    {"E_PROVIDER_CREDIT", "add credit", "2026-12-01T00:00:00Z, or when you have changed that"},
		agent.CauseKey:      {"E_PROVIDER_AUTH", "ANTHROPIC_API_KEY", "2026-12-01"},
		agent.CauseModel:    {"E_MODEL_GONE", "--base-url", "2026-12-01"},
		agent.CauseProtocol: {"E_PROVIDER_PROTOCOL", "--base-url", "after 2026-12-01T00:00:00Z: "},
		agent.CauseLoad:     {"E_PROVIDER", "when the provider works again", "after 2026-12-01T00:00:00Z: "},
		agent.CauseRate:     {"E_PROVIDER", "when the provider works again", "after 2026-12-01T00:00:00Z: "},
	} {
		f := &agent.Failure{Class: agent.PauseBuild, Cause: cause, Message: "m", RequestID: "req_1"}
		r, dated := providerReason(f, time.Time{}, "builder resume x"), providerReason(f, until, "builder resume x")
		if r.Code != want[0] || !strings.Contains(r.Hint, want[1]) || !strings.HasSuffix(r.Hint, "builder resume x") || !strings.Contains(r.Message, "req_1") {
			t.Errorf("%s: got %+v", cause, r)
		}
		if !strings.Contains(dated.Hint, want[2]) || !dated.NotBefore.Equal(until) {
			t.Errorf("%s: got %+v", cause, dated)
		}
	}
}

// A model that is out, limited for days, or gone is not waited for when the user named another one;
// money is, as it is the same money.
func TestFallbackIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    agent.Failure
		most time.Duration
		code string // of the pause; "" for a build that is done by the other model
	}{
		"out":     {agent.Failure{Class: agent.Retry, Cause: agent.CauseLoad, Status: 529}, 10 * time.Minute, ""}, // two tasks,
		"limited": {agent.Failure{Class: agent.WaitUntil, Cause: agent.CauseRate, Status: 429, After: 5 * 24 * time.Hour}, 0, ""},
		"gone":    {agent.Failure{Class: agent.PauseBuild, Cause: agent.CauseModel, Status: 404}, 0, ""},
		"money":   {agent.Failure{Class: agent.PauseBuild, Cause: agent.CauseMoney, Status: 402}, 0, CodeCredit},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(t *testing.T, w *world) {
				w.set = Settings{Model: "weak", MaxTokens: 2000, Attempts: 1, Models: Models{Fallback: []string{"spare"}}}
				start, calls := time.Now(), 0
				w.answer = func(req agent.Request) (agent.Message, error) {
					if calls++; calls > 2 && req.Model == "weak" {
						f := c.f
						return agent.Message{}, &f
					}
					return scripted(req)
				}
				s, err := w.run(t, budget.Caps{USD: budget.Dollar})
				if took := time.Since(start); took > c.most {
					t.Errorf("it took %s", took)
				}
				var pause *PauseError
				if c.code != "" {
					if !errors.As(err, &pause) || pause.Reason.Code != c.code {
						t.Errorf("got %v", err)
					}
					return
				}
				if err != nil || s.Run != DoneState || s.Task("one.a").Model != "spare" || s.NotBefore.After(time.Now()) {
					t.Errorf("got %v, %s, not before %s", err, s.Run, s.NotBefore)
				}
				refold(t, w.journal, s)
			})
		})
	}
}

// A clock that is set back between two processes makes nobody wait longer than the provider asked for;
// one that is set forward makes nobody wait at all.
func TestWaitOverAClockStep(t *testing.T) {
	t.Parallel()
	said := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	s := NewState()
	f := CallFailed{Op: budget.Op{Build: "b-1", Task: "one.a", Attempt: 1}, WaitMS: time.Minute.Milliseconds(), NotBefore: said.Add(time.Minute)}
	if err := s.Apply(f, said); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct{ step, want time.Duration }{
		"no step": {0, time.Minute}, "served in part": {20 * time.Second, 40 * time.Second}, "an hour back": {-time.Hour, time.Minute},
		"1970": {said.Sub(time.Unix(0, 0)) * -1, time.Minute}, "a year on": {365 * 24 * time.Hour, time.Minute - 365*24*time.Hour},
	} {
		now := said.Add(row.step)
		if got := s.WaitUntil(now).Sub(now); got != row.want {
			t.Errorf("%s: the wait is %s, want %s", name, got, row.want)
		}
	}
	if err := s.Apply(SessionStarted{Anyway: true}, said); err != nil {
		t.Fatal(err)
	}
	if got := s.WaitUntil(said); !got.IsZero() {
		t.Errorf("asked anyway, it waits until %s", got)
	}
}
