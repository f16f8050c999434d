package agenttest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
)

func (s *site) finishes() {
	var there error
	s.foreman.Seen = func() { _, there = os.Stat(filepath.Join(s.job.Dir, "heron.txt")) }
	s.play(s.write(), s.finish())
	r := s.ends(agent.Accepted)
	if r.Summary != "it is written" || r.Turns != 2 || there != nil {
		s.t.Errorf("got %+v, file: %v", r, there)
	}
	if got := s.foreman.Summaries(); !slices.Equal(got, []string{"it is written"}) {
		s.t.Errorf("verified %q", got)
	}
	if asked := s.script.requests(); len(asked) != 2 || s.way.Calls() != 2 {
		s.t.Errorf("%d calls, want 2; the last says %s", s.way.Calls(), clipped(asked[len(asked)-1].Said()))
	}
	s.said(0, "You are an engineer.")
	s.said(0, "Write the heron.")
}

func (s *site) isRefused() {
	s.foreman.Verdicts = []agent.Verdict{{Feedback: "the heron has no legs", Signature: "legs"}, {Accepted: true}}
	s.play(s.finish(), s.finish())
	s.ends(agent.Accepted)
	s.said(1, "the heron has no legs")
	if got := s.foreman.Summaries(); len(got) != 2 {
		s.t.Errorf("verified %q", got)
	}
}

func (s *site) goesInCircles() {
	s.foreman.Verdicts = []agent.Verdict{{Feedback: "no legs", Signature: "legs"}}
	s.play(s.finish(), s.finish(), s.finish(), s.finish())
	r := s.ends(agent.Stuck)
	if !strings.Contains(r.Evidence, "no legs") || len(s.foreman.Summaries()) != 3 {
		s.t.Errorf("got %+v after %d verdicts", r, len(s.foreman.Summaries()))
	}
}

// repeatsItself: who makes the same call over and over is told so, and is stuck in the end; a busy machine
// sees some turns late.
func (s *site) repeatsItself() {
	s.play(slices.Repeat([]Turn{Use(s.program.Run("false"))}, 9)...)
	s.ends(agent.Stuck)
	asked := s.script.requests()
	if len(asked) > 8 || !strings.Contains(asked[len(asked)-1].Said(), "same call was made 3 times") {
		s.t.Errorf("%d requests, the last says %s", len(asked), clipped(asked[len(asked)-1].Said()))
	}
}

func (s *site) stopsWithoutFinish() {
	s.play(Say("all is done"), s.write(), Say("all is done now"), Say("really"), Say("too late"))
	r := s.ends(agent.Stuck)
	if len(s.foreman.Summaries()) != 0 || s.way.Calls() != 4 || !strings.Contains(r.Evidence, "really") {
		s.t.Errorf("got %+v after %d calls", r, s.way.Calls())
	}
	s.said(1, "finish")
}

func (s *site) isBlocked() {
	s.play(s.blocked(""))
	if r := s.ends(agent.Blocked); r.Reason != "the spec says both" || r.Evidence != "lines 3 and 4" || s.way.Calls() != 1 {
		s.t.Errorf("got %+v after %d calls", r, s.way.Calls())
	}
}

// asks: a question without an answer leaves the attempt open; the next process goes on with the answer.
func (s *site) asks() {
	s.play(s.blocked("Grey or white?"), s.finish())
	if r := s.ends(agent.Asked); r.Reason != "Grey or white?" || s.way.Calls() != 1 {
		s.t.Errorf("got %+v after %d calls", r, s.way.Calls())
	}
	s.job.Begun, s.job.Said = true, []string{"Grey, of course."}
	s.ends(agent.Accepted)
	s.said(1, "Grey, of course.")
}

func (s *site) isAnswered() {
	s.foreman.Replies = []string{"White, please."}
	s.play(s.blocked("Grey or white?"), s.finish())
	s.ends(agent.Accepted)
	s.said(1, "White, please.")
	if q := s.foreman.Questions(); len(q) != 1 || q[0].Text != "Grey or white?" || q[0].Reason == "" {
		s.t.Errorf("asked %+v", q)
	}
}

func (s *site) takesNotes() {
	s.script.at = map[int]func(){1: func() { s.foreman.Hear("mind the reeds") }, 2: func() { s.foreman.Hear("and the fish") }}
	s.play(Use(s.own("note", "text", "herons are shy")), Use(s.own("plan"), s.own("budget")), s.write(), s.finish())
	s.ends(agent.Accepted)
	if got := s.foreman.Kept(); !slices.Equal(got, []string{"herons are shy"}) {
		s.t.Errorf("kept %q", got)
	}
	for _, text := range []string{"the plan has one task", "half of it is left", "mind the reeds"} {
		s.said(2, text)
	}
	s.said(3, "and the fish") // it came while a tool of the program's own ran
}

func (s *site) modelRefuses() {
	s.play(slices.Repeat([]Turn{{Text: "I will not.", Stop: agent.StopRefusal}}, 9)...) // some ask again
	s.ends(agent.Declined)
}

// isCutOff: an answer whose stream ends without a reason is none; the work goes on.
func (s *site) isCutOff() {
	s.play(Turn{Text: "Now I wri", Fault: &Fault{Cut: true}}, s.finish())
	s.ends(agent.Accepted)
	if n := len(s.script.requests()); n != 2 {
		s.t.Errorf("%d requests", n)
	}
}

// busy is a turn with a command that runs until it is killed; started is read from when it runs.
func (s *site) busy(text string) (turn Turn, started func()) {
	s.t.Helper()
	pipe := filepath.Join(s.job.Dir, "pipe")
	if err := mkfifo(pipe); err != nil {
		s.t.Skip(err)
	}
	turn = Use(s.program.Run("echo started > " + pipe + "; sleep 1000"))
	turn.Text = text
	return turn, func() {
		s.t.Helper()
		read := make(chan error, 1)
		go func() {
			_, err := os.ReadFile(pipe)
			read <- err
		}()
		// Whoever waits for a command that never comes is let go by the other end.
		select {
		case err := <-read:
			if err != nil {
				s.t.Error(err)
			}
			return
		case <-time.After(patience):
			s.t.Error("the command does not start")
		case <-s.t.Context().Done(): // the run is over without it
		}
		if f, err := os.OpenFile(pipe, os.O_RDWR, 0); err == nil {
			f.Close()
		}
	}
}

// meanwhile runs fn beside the case, and has it end with that.
func (s *site) meanwhile(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	s.t.Cleanup(func() { <-done })
}

func (s *site) isCancelled() {
	turn, started := s.busy("")
	s.play(turn)
	ctx, cancel := context.WithCancelCause(s.t.Context())
	defer cancel(nil)
	why := errors.New("the user has gone home")
	s.meanwhile(func() { started(); cancel(why) })
	if r, err := s.run(ctx); !errors.Is(err, why) {
		s.t.Errorf("got %+v, %v", r, err)
	}
}

func (s *site) isKilled() {
	turn, started := s.busy("Remember the reeds.")
	s.play(turn, s.finish())
	s.meanwhile(func() { started(); s.program.Keeps(s.t, "Remember the reeds."); kill(Processes(s.way.Secret)) })
	s.ends(agent.Accepted)
	s.said(1, "Write the heron.")
	s.said(1, "Remember the reeds.")
}

// goesOn: a process that is told that the attempt began goes on in its session.
func (s *site) goesOn() {
	turn, started := s.busy("Remember the reeds.")
	s.play(turn, s.finish())
	ctx, cancel := context.WithCancelCause(s.t.Context())
	defer cancel(nil)
	s.meanwhile(func() { started(); cancel(errors.New("later")) })
	if _, err := s.run(ctx); err == nil {
		s.t.Error("a cancelled run has no error")
	}
	s.job.Begun = true
	s.ends(agent.Accepted)
	s.said(1, "Write the heron.")
	s.said(1, "Remember the reeds.")
}

func (s *site) wayIsClosed() {
	why := errors.New("the money is spent")
	s.script.at = map[int]func(){0: func() { s.way.Stop(why) }}
	s.play(s.write(), s.finish())
	r, err := s.run(s.t.Context())
	if !errors.Is(err, why) || s.way.Calls() != 1 {
		s.t.Errorf("got %+v, %v after %d calls", r, err, s.way.Calls())
	}
	if r, err = s.run(s.t.Context()); !errors.Is(err, why) || s.way.Calls() != 1 {
		s.t.Errorf("again: got %+v, %v after %d calls", r, err, s.way.Calls())
	}
}

func (s *site) keepsSecrets() {
	s.play(Use(s.program.Run("env > env.txt; tr '\\0' '\\n' < /proc/self/environ >> env.txt")), Use(s.program.Run("cat env.txt")), s.finish())
	r := s.ends(agent.Accepted)
	env, err := os.ReadFile(filepath.Join(s.job.Dir, "env.txt"))
	if err != nil || !strings.Contains(string(env), "PATH=") {
		s.t.Fatalf("the environment was not written: %v, %s", err, env)
	}
	places := append([]string{string(env), r.Reason, r.Evidence}, s.program.Told()...)
	for _, asked := range s.script.requests() {
		places = append(places, string(asked.Body))
		for name, values := range asked.Header {
			places = append(places, name, strings.Join(values, " "))
		}
	}
	for _, place := range places {
		if strings.Contains(place, canaryValue) || strings.Contains(place, Canary) {
			s.t.Errorf("the canary is in %s", clipped(place))
		}
	}
}

// providerFails: every failure is of the class that the native clients would say.
func (s *site) providerFails() {
	for _, c := range []struct {
		name  string
		turn  Turn
		class agent.Class
		cause agent.Cause
	}{
		{"key", Fail(401, "authentication_error", "invalid x-api-key"), agent.PauseBuild, agent.CauseKey},
		{"forbidden", Fail(403, "permission_error", "not for you"), agent.PauseBuild, agent.CauseKey},
		{"credit", Fail(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."), agent.PauseBuild, agent.CauseMoney},
		{"model", Fail(404, "not_found_error", "model: claude-sonnet-4-5"), agent.PauseBuild, agent.CauseModel},
		{"rate", Fail(429, "rate_limit_error", "slow down"), agent.WaitUntil, agent.CauseRate},
		{"overloaded", Fail(529, "overloaded_error", "busy"), agent.Retry, agent.CauseLoad},
		{"broken", Fail(500, "api_error", "oops"), agent.Retry, agent.CauseLoad},
		{"portal", Turn{Fault: &Fault{Status: 502, Body: "<html><title>Bad gateway</title></html>"}}, agent.Retry, agent.CauseLoad},
		{"size", Fail(413, "request_too_large", "Request exceeds the maximum size"), agent.FixRequest, agent.CauseSize},
		{"window", Fail(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), agent.FixRequest, agent.CauseSize},
		{"malformed", Fail(400, "invalid_request_error", "messages: no"), agent.FixRequest, agent.CauseRequest},
	} {
		s.t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one := newSite(t, s.program)
			turns := make([]Turn, 8)
			for i := range turns {
				turns[i] = c.turn
			}
			one.play(turns...)
			r, err := one.run(t.Context())
			var f *agent.Failure
			if !errors.As(err, &f) {
				t.Fatalf("got %+v, %v, want a failure", r, err)
			}
			if f.Class != c.class || f.Cause != c.cause {
				t.Errorf("got %s, %s (%v), want %s, %s", f.Class, f.Cause, f, c.class, c.cause)
			}
		})
	}
}
