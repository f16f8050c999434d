package main

import (
	"net/http"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
)

// What goes wrong between the gateway and the provider, seen by a build whose engine is the real Claude
// Code: what passes is got over, what stays pauses the build or fails the task with a word for it, every
// send is settled, and no hold is left.
func TestRealClaudeFaults(t *testing.T) {
	after := func(seconds string) http.Header { return http.Header{"Retry-After": {seconds}} }
	for name, tc := range map[string]struct {
		fault *agenttest.Fault
		stays bool   // every answer is like that
		exit  int    // of the build
		says  string // in its last lines
	}{
		"rate, once":        {fault: &agenttest.Fault{Status: 429, Type: "rate_limit_error", Message: "slow down", Header: after("1")}},
		"rate, a long wait": {fault: &agenttest.Fault{Status: 429, Type: "rate_limit_error", Message: "slow down", Header: after("120")}, stays: true, exit: exitPaused, says: "builder: E_PROVIDER: "},
		"overloaded, once":  {fault: &agenttest.Fault{Status: 529, Type: "overloaded_error", Message: "busy"}},
		"server, once":      {fault: &agenttest.Fault{Status: 500, Type: "api_error", Message: "oops"}},
		"key":               {fault: &agenttest.Fault{Status: 401, Type: "authentication_error", Message: "invalid x-api-key"}, stays: true, exit: exitPaused, says: "builder: E_PROVIDER_AUTH: "},
		"forbidden":         {fault: &agenttest.Fault{Status: 403, Type: "permission_error", Message: "not yours"}, stays: true, exit: exitPaused, says: "builder: E_PROVIDER_AUTH: "},
		"credit":            {fault: &agenttest.Fault{Status: 400, Type: "invalid_request_error", Message: "Your credit balance is too low to access the Anthropic API."}, stays: true, exit: exitPaused, says: "builder: E_PROVIDER_CREDIT: "},
		"model":             {fault: &agenttest.Fault{Status: 404, Type: "not_found_error", Message: "model: claude-sonnet-4-5"}, stays: true, exit: exitPaused, says: "builder: E_MODEL_GONE: "},
		"cut in mid-stream": {fault: &agenttest.Fault{Reset: true}},
		"cut cleanly":       {fault: &agenttest.Fault{Cut: true}},
		"error in stream":   {fault: &agenttest.Fault{MidError: "overloaded_error"}},
		"not JSON":          {fault: &agenttest.Fault{Status: 502, Body: "<html>bad gateway</html>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(n int, req agenttest.Request) agenttest.Turn {
				turn := agenttest.Use(agenttest.Call("Bash", map[string]string{"command": "echo hello > hello.txt", "description": "write"}))
				if n > 1 {
					turn = agenttest.Use(agenttest.Call("mcp__builder__finish", map[string]string{"summary": "wrote it"}))
				}
				turn.Usage = agent.Usage{Input: int64(len(req.Body)) / 4, Output: 100}
				if n == 0 || tc.stays {
					turn = agenttest.Turn{Text: "I begin by", Usage: turn.Usage, Fault: tc.fault}
				}
				return turn
			})
			s.useClaude()
			out := s.wants(tc.exit, s.args("--engine", "claude-code", "--model", "claude-sonnet-4-5")...)
			has(t, out, tc.says)
			st := s.status("app")
			if st.Budget.Held != 0 {
				t.Errorf("held %s", budget.Micro(st.Budget.Held))
			}
			s.neverAbove(t, "app")
			t.Logf("%d requests, %d calls, %s spent, %s unknown", len(s.srv.Requests()), st.Calls, budget.Micro(st.Budget.Spent), budget.Micro(st.Budget.Unknown))
		})
	}
}
