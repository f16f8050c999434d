package pace_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/pace"
)

// send goes through p with what came of it, and returns what leave makes of that.
func send(t *testing.T, p *pace.Pacer, resp agent.Response, came error) error {
	t.Helper()
	leave, err := p.Enter(t.Context(), "m")
	if err != nil {
		return err
	}
	return leave(resp, came)
}

func fail(class agent.Class, after time.Duration) *agent.Failure {
	cause := agent.CauseLoad
	if class == agent.WaitUntil {
		cause = agent.CauseRate
	}
	return &agent.Failure{Class: class, Cause: cause, After: after, Message: "busy"}
}

func failureOf(t *testing.T, err error) *agent.Failure {
	t.Helper()
	var f *agent.Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a failure", err)
	}
	return f
}

// clock says how long after the start of the test it is.
func clock() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}

// A rate limit that one meets closes the door for all; when it opens, one goes, then two, then four.
func TestOnePauseForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, now := pace.New(pace.Options{}), clock()
		if err := send(t, p, agent.Response{}, fail(agent.WaitUntil, 10*time.Second)); failureOf(t, err).After != 10*time.Second {
			t.Errorf("got %v", err)
		}
		var mu sync.Mutex
		at := map[time.Duration]int{}
		var all sync.WaitGroup
		for range 31 {
			all.Go(func() {
				leave, err := p.Enter(t.Context(), "m")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				at[now()]++
				mu.Unlock()
				time.Sleep(time.Second) // the fake clock's: how long an answer takes
				if err := leave(agent.Response{}, nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for second, n := range []int{1, 2, 4, 8, 16} {
			if got := at[time.Duration(10+second)*time.Second]; got != n {
				t.Errorf("%d went after %d s, want %d (%v)", got, 10+second, n, at)
			}
		}
	})
}

// Those that were under way together are one strike: the wait is what was stated.
func TestHerdIsOneStrike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, now := pace.New(pace.Options{}), clock()
		var leaves []func(agent.Response, error) error
		for range 32 {
			leave, err := p.Enter(t.Context(), "m")
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		for _, leave := range leaves {
			_ = leave(agent.Response{}, fail(agent.WaitUntil, time.Second)) // as many say the same
		}
		if err := send(t, p, agent.Response{}, nil); err != nil || now() != time.Second {
			t.Errorf("got %v after %s", err, now())
		}
	})
}

// A stated wait that is not enough grows, and so does one that nobody stated.
func TestStrikesGrow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stated time.Duration
		want   []time.Duration
	}{
		"stated": {time.Second, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}},
		"unsaid": {0, []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute}},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := pace.New(pace.Options{})
			for i, want := range c.want {
				if got := failureOf(t, send(t, p, agent.Response{}, fail(agent.WaitUntil, c.stated))); got.After != want || got.Class != agent.WaitUntil {
					t.Errorf("%s, strike %d: %s after %s, want %s", name, i+1, got.Class, got.After, want)
				}
			}
			if err := send(t, p, agent.Response{}, nil); err != nil {
				t.Fatal(err)
			}
			if got := failureOf(t, send(t, p, agent.Response{}, fail(agent.WaitUntil, c.stated))); got.After != c.want[0] {
				t.Errorf("%s: after an answer the wait is %s", name, got.After)
			}
		})
	}
}

// Failures in a row are an outage: probes, one at a time and ever more seldom; an answer ends it.
func TestOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, now := pace.New(pace.Options{}), clock()
		if err := send(t, p, agent.Response{}, nil); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			if f := failureOf(t, send(t, p, agent.Response{}, fail(agent.Retry, 0))); f.Class != agent.Retry {
				t.Fatalf("failure %d is %s", i+1, f.Class)
			}
		}
		if now() != 0 {
			t.Fatalf("single failures waited %s", now())
		}
		for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
			f := failureOf(t, send(t, p, agent.Response{}, fail(agent.Retry, 0)))
			if f.Class != agent.WaitUntil || f.After != want {
				t.Errorf("got %s after %s, want a probe in %s", f.Class, f.After, want)
			}
		}
		before := now()
		probe, err := p.Enter(t.Context(), "m")
		if err != nil || now()-before != 10*time.Minute {
			t.Fatalf("the probe went after %s, %v", now()-before, err)
		}
		second := make(chan time.Duration)
		go func() {
			defer close(second)
			leave, err := p.Enter(t.Context(), "m")
			if err != nil {
				t.Error(err)
				return
			}
			second <- now()
			_ = leave(agent.Response{}, nil)
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		select {
		case <-second:
			t.Fatal("two probed at once")
		default:
		}
		if err := probe(agent.Response{}, nil); err != nil {
			t.Fatal(err)
		}
		if at := <-second; at != before+11*time.Minute {
			t.Errorf("the next went after %s", at)
		}
		if f := failureOf(t, send(t, p, agent.Response{}, fail(agent.Retry, 0))); f.Class != agent.Retry {
			t.Errorf("after the outage the first failure is %s", f.Class)
		}
	})
}

// Half of the last twenty failing is an outage, although no five fail in a row.
func TestFlakyIsAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(pace.Options{})
		for i := range 40 {
			var came error
			if i%4 != 0 {
				came = fail(agent.Retry, 0)
			}
			err := send(t, p, agent.Response{}, came)
			if came != nil && failureOf(t, err).Class == agent.WaitUntil {
				if i < 11 || i > 16 {
					t.Errorf("an outage after %d sends", i+1)
				}
				return
			}
		}
		t.Error("no outage")
	})
}

// A day without an answer pauses the build; a provider that never answered does so much sooner.
func TestLongOutagePauses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		heard     bool
		class     agent.Class
		from, to  time.Duration
		mostSends int
	}{
		"night":         {true, agent.Retry, 24 * time.Hour, 24*time.Hour + 11*time.Minute, 160},
		"never there":   {false, agent.Retry, 30 * time.Second, time.Minute, 6},
		"refused a day": {true, agent.WaitUntil, 24 * time.Hour, 24*time.Hour + 11*time.Minute, 170},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, now := pace.New(pace.Options{}), clock()
			if c.heard {
				if err := send(t, p, agent.Response{}, nil); err != nil {
					t.Fatal(err)
				}
			}
			for n := 1; ; n++ {
				f := failureOf(t, send(t, p, agent.Response{}, fail(c.class, 0)))
				if f.Class != agent.PauseBuild {
					continue
				}
				if now() < c.from || now() > c.to || n > c.mostSends || f.After == 0 {
					t.Errorf("%s: paused after %s and %d sends, for %s", name, now(), n, f.After)
				}
				break
			}
			before := now()
			if err := send(t, p, agent.Response{}, nil); !errors.Is(err, agent.ErrNotSent) || now() != before {
				t.Errorf("%s: after the pause: %v", name, err)
			}
		})
	}
}

// What an earlier process was told is kept to: a short wait is served, a long one is a pause at once.
func TestNotBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := clock()
		var told []time.Time
		p := pace.New(pace.Options{NotBefore: time.Now().Add(20 * time.Minute), Tell: func(until time.Time, _ string) { told = append(told, until) }})
		want := time.Now().Add(20 * time.Minute)
		if err := send(t, p, agent.Response{}, nil); err != nil || now() != 20*time.Minute || len(told) != 1 || !told[0].Equal(want) {
			t.Errorf("got %v after %s, told %v", err, now(), told)
		}
		p = pace.New(pace.Options{NotBefore: time.Now().Add(5 * 24 * time.Hour)})
		f := failureOf(t, send(t, p, agent.Response{}, nil))
		if f.Class != agent.PauseBuild || f.After != 5*24*time.Hour || !errors.Is(f, agent.ErrNotSent) || now() != 20*time.Minute {
			t.Errorf("got %+v after %s", f, now())
		}
		p = pace.New(pace.Options{NotBefore: time.Now().Add(-time.Hour)})
		if err := send(t, p, agent.Response{}, nil); err != nil || now() != 20*time.Minute {
			t.Errorf("what is past: %v after %s", err, now())
		}
	})
}

// Limits that headers told are kept to before they are hit.
func TestLimitsAreKept(t *testing.T) {
	t.Parallel()
	said := func(requests, tokens agent.Quota) agent.Response {
		return agent.Response{Usage: agent.Usage{Input: 900, Output: 100}, Limits: agent.Limits{At: time.Now(), Requests: requests, Tokens: tokens}}
	}
	for name, c := range map[string]struct {
		requests, tokens agent.Quota
		sends            int
		want             time.Duration
	}{
		"room":                  {agent.Quota{Limit: 60, Remaining: 59, Full: time.Second}, agent.Quota{Limit: 100_000, Remaining: 99_000, Full: time.Second}, 20, 0},
		"requests":              {agent.Quota{Limit: 60, Remaining: 10, Full: 50 * time.Second}, agent.Quota{}, 20, 10 * time.Second},
		"tokens":                {agent.Quota{}, agent.Quota{Limit: 60_000, Remaining: 10_000, Full: 50 * time.Second}, 20, 10 * time.Second},
		"by the minute":         {agent.Quota{Limit: 60, Remaining: 0}, agent.Quota{}, 5, 5 * time.Second},
		"larger than the limit": {agent.Quota{}, agent.Quota{Limit: 500, Remaining: 500}, 2, 2 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, now := pace.New(pace.Options{}), clock()
			if err := send(t, p, said(c.requests, c.tokens), nil); err != nil {
				t.Fatal(err)
			}
			for range c.sends {
				if err := send(t, p, agent.Response{Usage: agent.Usage{Input: 900, Output: 100}}, nil); err != nil {
					t.Fatal(err)
				}
			}
			if got := now(); got < c.want || got > c.want+100*time.Millisecond {
				t.Errorf("%s: %d sends took %s, want %s", name, c.sends, got, c.want)
			}
		})
	}
}

// What an answer tells is the level when it began: what was sent since is taken off, and what is
// older than what is known says nothing.
func TestLateNewsOfLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, now := pace.New(pace.Options{}), clock()
		enter := func() func(agent.Response, error) error {
			leave, err := p.Enter(t.Context(), "m")
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		slow := enter()
		begun := time.Now()
		time.Sleep(time.Second)
		for range 3 {
			_ = enter()(agent.Response{}, nil)
		}
		_ = slow(agent.Response{Limits: agent.Limits{At: begun, Requests: agent.Quota{Limit: 60, Remaining: 5, Full: 55 * time.Second}}}, nil)
		for range 3 { // 5 were left, 1 came back in the second that has passed, 3 went since
			_ = enter()(agent.Response{}, nil)
		}
		if now() != time.Second {
			t.Errorf("three more took %s", now())
		}
		_ = enter()(agent.Response{Limits: agent.Limits{At: begun.Add(-time.Minute), Requests: agent.Quota{Limit: 60, Remaining: 60}}}, nil)
		if got := now(); got < 1900*time.Millisecond {
			t.Errorf("the fourth went after %s", got)
		}
		before := now()
		_ = enter()(agent.Response{}, nil)
		if now() == before {
			t.Error("old news opened the limits")
		}
	})
}

// The end of a context ends a wait at once: first in line and behind.
func TestCancelEndsAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, now := pace.New(pace.Options{NotBefore: time.Now().Add(time.Minute)}), clock()
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := p.Enter(ctx, "m"); !errors.Is(err, stop) {
					t.Errorf("got %v", err)
				}
			})
		}
		time.Sleep(time.Second)
		cancel(stop)
		all.Wait()
		if now() != time.Second {
			t.Errorf("it took %s", now()-time.Second)
		}
		if _, err := p.Enter(ctx, "m"); !errors.Is(err, stop) {
			t.Errorf("entered after the end: %v", err)
		}
	})
}

// Money and keys: nobody sends any more, those who wait are told at once.
func TestPauseStopsAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, now := pace.New(pace.Options{}), clock()
		_ = send(t, p, agent.Response{}, fail(agent.WaitUntil, time.Minute))
		time.Sleep(time.Minute)
		leave, err := p.Enter(t.Context(), "m")
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				_, err := p.Enter(t.Context(), "m")
				if f := failureOf(t, err); f.Class != agent.PauseBuild || f.Cause != agent.CauseKey || !errors.Is(f, agent.ErrNotSent) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		key := &agent.Failure{Class: agent.PauseBuild, Cause: agent.CauseKey, Message: "revoked"}
		if err := leave(agent.Response{}, key); !errors.Is(err, key) || errors.Is(err, agent.ErrNotSent) {
			t.Errorf("got %v", err)
		}
		all.Wait()
		if now() != time.Minute {
			t.Errorf("it took %s", now())
		}
	})
}

// Errors that are not the provider's, such as a refusal by the budget, count for nothing.
func TestOtherErrorsCountForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(pace.Options{})
		own := errors.New("over the cap")
		for range 20 {
			if err := send(t, p, agent.Response{}, own); !errors.Is(err, own) {
				t.Fatal(err)
			}
		}
		if f := failureOf(t, send(t, p, agent.Response{}, fail(agent.Retry, 0))); f.Class != agent.Retry {
			t.Errorf("got %s", f.Class)
		}
		for range 10 {
			if f := failureOf(t, send(t, p, agent.Response{}, fail(agent.FixRequest, 0))); f.Class != agent.FixRequest {
				t.Errorf("got %s", f.Class)
			}
		}
	})
}

// A model that is out, gone or limited is so by itself: the user's fallback goes on. Money is one.
func TestModelsGoByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, now := pace.New(pace.Options{}), clock()
		other := func(came error) error {
			leave, err := p.Enter(t.Context(), "other")
			if err != nil {
				return err
			}
			return leave(agent.Response{}, came)
		}
		_ = send(t, p, agent.Response{}, fail(agent.WaitUntil, time.Minute))
		if err := other(nil); err != nil || now() != 0 {
			t.Errorf("a limited model holds another up: %v after %s", err, now())
		}
		_ = send(t, p, agent.Response{}, &agent.Failure{Class: agent.PauseBuild, Cause: agent.CauseModel})
		if err := send(t, p, agent.Response{}, nil); !errors.Is(err, agent.ErrNotSent) {
			t.Errorf("a model that is gone is asked: %v", err)
		}
		if err := other(&agent.Failure{Class: agent.PauseBuild, Cause: agent.CauseMoney}); failureOf(t, err).Cause != agent.CauseMoney {
			t.Errorf("got %v", err)
		}
		if err := other(nil); !errors.Is(err, agent.ErrNotSent) {
			t.Errorf("without money the other is asked: %v", err)
		}
		if _, err := p.Enter(t.Context(), "third"); !errors.Is(err, agent.ErrNotSent) {
			t.Errorf("without money a third is asked: %v", err)
		}
	})
}

// What was under way when the door closed neither widens it by an answer nor narrows it by another
// refusal when it is open again.
func TestStragglersChangeNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := pace.New(pace.Options{})
		enter := func() (func(agent.Response, error) error, bool) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			leave, err := p.Enter(ctx, "m")
			return leave, err == nil
		}
		first, _ := enter()
		good, _ := enter()
		bad, _ := enter()
		_ = first(agent.Response{}, fail(agent.WaitUntil, time.Minute))
		_ = good(agent.Response{}, nil)
		time.Sleep(time.Minute)
		one, ok := enter()
		if _, two := enter(); !ok || two {
			t.Fatal("an old answer widened the door")
		}
		_ = one(agent.Response{}, nil)
		_ = bad(agent.Response{}, fail(agent.WaitUntil, time.Millisecond))
		time.Sleep(time.Second)
		one, ok = enter()
		two, both := enter()
		if !ok || !both {
			t.Fatal("an old refusal narrowed the door")
		}
		_ = one(agent.Response{}, nil)
		_ = two(agent.Response{}, nil)
	})
}
