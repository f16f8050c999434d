package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// Faults of a provider end as the taxonomy says: what may work again is asked again, what cannot is
// not, and what was cut is booked as unknown.
func TestProviderFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first   agenttest.Turn
		code    int
		calls   int // that arrive in all, with those of a resume after a pause
		unknown bool
		says    []string
	}{
		"busy":      {agenttest.Fail(529, "overloaded_error", "busy"), 0, 3, false, nil},
		"cut":       {agenttest.Turn{Text: "half", Fault: &agenttest.Fault{Cut: true}}, 0, 3, true, nil},
		"reset":     {agenttest.Turn{Text: "half", Fault: &agenttest.Fault{Reset: true}}, 0, 3, true, nil},
		"key":       {agenttest.Fail(401, "authentication_error", "invalid x-api-key"), 75, 3, false, []string{"builder: E_PROVIDER_AUTH: ", "invalid x-api-key", "hint: ", "ANTHROPIC_API_KEY"}},
		"malformed": {agenttest.Fail(400, "invalid_request_error", "messages: too odd"), 1, 1, false, []string{"too odd", "failed: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns := append([]agenttest.Turn{c.first}, honest()...)
			if name == "malformed" {
				turns = turns[:1]
			}
			s := newSite(t, script(turns...))
			has(t, s.wants(c.code, s.args()...), c.says...)
			st := s.status("app")
			if (st.Budget.Unknown > 0) != c.unknown || st.Budget.Held != 0 {
				t.Errorf("budget %+v", st.Budget)
			}
			if c.code == 75 {
				if st.State != phases.PausedState {
					t.Errorf("state %s", st.State)
				}
				s.wants(0, "resume", "app")
			}
			if n := len(s.srv.Requests()); n < c.calls || name != "malformed" && n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
			if c.code != 1 {
				s.verified()
			}
		})
	}
}

// A redirect is not followed: the key would go with it.
func TestProviderRedirects(t *testing.T) {
	t.Parallel()
	thief := agenttest.Serve(t, honest()...)
	gate := httptest.NewServer(http.RedirectHandler(thief.URL+"/v1/messages", http.StatusTemporaryRedirect))
	defer gate.Close()
	s := newSite(t, script(honest()...))
	c, out := s.command("build", "--plan", "plan.yaml", "-o", "app", "--provider", "anthropic", "--base-url", gate.URL)
	if err := c.Run(); c.ProcessState == nil || c.ProcessState.ExitCode() != 75 {
		t.Errorf("%v:\n%s", err, out)
	}
	has(t, out.String(), "builder: E_PROVIDER_PROTOCOL: ", "--base-url")
	if s.status("app").Calls > 1 {
		t.Error("it was tried again")
	}
	if n := len(thief.Requests()); n != 0 {
		t.Errorf("%d requests with the key went elsewhere", n)
	}
}

// Law L1: what an answer asks for is done when its settlement is durable, and then at once: the file
// is there while the provider still holds the connection open.
func TestActsBeforeTheStreamEnds(t *testing.T) {
	t.Parallel()
	open := make(chan struct{})
	second := make(chan struct{})
	s := newSite(t, func(n int, _ agenttest.Request) agenttest.Turn {
		turn := honest()[min(n, 1)]
		if n == 0 {
			turn.Fault = &agenttest.Fault{Hold: open}
		} else {
			close(second)
		}
		return turn
	})
	run := s.start(s.args()...)
	select { // the second call carries the result of the first one's tool
	case <-second:
	case <-t.Context().Done():
	}
	close(open)
	run.end(0)
	s.verified()
}

// Law L1: an answer that cannot be made durable is not acted on.
func TestNothingIsDoneWithoutJournal(t *testing.T) {
	t.Parallel()
	gate, started := make(chan struct{}), make(chan struct{})
	s := newSite(t, slowFirst(gate, started))
	run := s.start(s.args("--build-id", "b-blind")...)
	<-started
	blobs := s.path("app/.builder/blobs")
	if err := os.Rename(blobs, blobs+".gone"); err != nil { // answers cannot be kept any more
		t.Fatal(err)
	}
	if err := os.WriteFile(blobs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	close(gate)
	out := run.end(74)
	has(t, out, "builder: E_")
	if n := len(s.srv.Requests()); n != 1 {
		t.Errorf("%d calls: it went on without its records", n)
	}
	if s.exists("cache/builder/b-blind/main.hello.1/hello.txt") {
		t.Error("the tool ran before its answer was durable")
	}
	if err := os.Remove(blobs); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(blobs+".gone", blobs); err != nil {
		t.Fatal(err)
	}
	s.wants(0, "resume", "app")
	s.verified()
}

// A wait of days is a pause that says when it ends. A resume before asks nobody, one with --now does.
func TestLongWait(t *testing.T) {
	t.Parallel()
	week := agenttest.Fail(429, "rate_limit_error", "weekly limit")
	week.Fault.Header = http.Header{"Retry-After": {"604800"}}
	s := newSite(t, script(append([]agenttest.Turn{week}, honest()...)...))
	has(t, s.wants(75, s.args()...), "builder: E_PROVIDER: ", "weekly limit", "hint: after 20", "builder resume ")
	st := s.status("app")
	if st.State != phases.PausedState || st.Reason == nil || st.Reason.NotBefore.IsZero() || st.Budget.Unknown != 0 {
		t.Errorf("got %+v", st)
	}
	has(t, s.wants(75, "resume", "app"), "builder: E_PROVIDER: ", "no call before 20", "--now")
	if n := len(s.srv.Requests()); n != 1 {
		t.Errorf("%d calls: the provider was asked before its time", n)
	}
	s.wants(0, "resume", "app", "--now")
	s.verified()
}
