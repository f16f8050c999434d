package anthropic_test

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/failure/failuretest"
)

// Every row of the golden table comes through this adapter in its class, sent once.
func TestFailureRows(t *testing.T) {
	t.Parallel()
	_, whole := agenttest.Stream(agenttest.Say("half an answer"), 0, "m")
	start := whole[:bytes.Index(whole, []byte("event: content_block_stop"))]
	for _, r := range failuretest.Rows(t, "anthropic") {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			if !r.OnWire() {
				t.Skip("shown by the classifier's own test")
			}
			sends := 0
			rt := transportFunc(func(req *http.Request) (*http.Response, error) {
				sends++
				return r.Respond(t, "anthropic", start, req)
			})
			c := client(t, "https://example.com", with(rt), func(c *anthropic.Config) {
				c.Now = failuretest.Noon
				c.Lost = func(err error) bool { return errors.Is(err, failuretest.ErrLost) }
			})
			_, err := c.Complete(t.Context(), agenttest.Ask())
			var got *agent.Failure
			if !errors.As(err, &got) || sends != 1 {
				t.Fatalf("got %v in %d sends, want a failure in one", err, sends)
			}
			if got.Class != r.Class || got.Cause != r.Cause || got.After != r.Wait(t) || got.Tries != r.Tries {
				t.Errorf("got %s of %s after %s, %d tries; want %s of %s after %s, %d tries\n%v", got.Class, got.Cause, got.After, got.Tries, r.Class, r.Cause, r.Wait(t), r.Tries, got)
			}
		})
	}
}

// Rate limits come with answers, too.
func TestLimitsOfAnAnswer(t *testing.T) {
	t.Parallel()
	_, whole := agenttest.Stream(agenttest.Say("x"), 0, "m")
	rt := transportFunc(func(req *http.Request) (*http.Response, error) {
		resp, err := respond(string(whole), nil).RoundTrip(req)
		resp.Header.Set("Anthropic-Ratelimit-Requests-Limit", "50")
		resp.Header.Set("Anthropic-Ratelimit-Requests-Remaining", "7")
		resp.Header.Set("Anthropic-Ratelimit-Requests-Reset", "2026-11-24T12:00:52Z")
		return resp, err
	})
	c := client(t, "https://example.com", with(rt), func(c *anthropic.Config) { c.Now = failuretest.Noon })
	resp, err := c.Complete(t.Context(), agenttest.Ask())
	want := agent.Limits{At: failuretest.Noon(), Requests: agent.Quota{Limit: 50, Remaining: 7, Full: 52 * time.Second}}
	if err != nil || resp.Limits != want {
		t.Errorf("got %+v, %v", resp.Limits, err)
	}
}
