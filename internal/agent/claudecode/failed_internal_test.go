package claudecode

import (
	"slices"
	"strings"
	"testing"
	"time"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
)

// What the CLI prints of a failed call, word for word, is put into the class that the API's own words would have.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		r     cli.Result
		class agent.Class
		cause agent.Cause
		words string
	}{
		{"not logged in", cli.Result{Text: "Not logged in · Please run /login", AssistantError: "authentication_failed"}, agent.PauseBuild, agent.CauseKey, "Not logged in"},
		{"key", cli.Result{Text: "Invalid API key · Fix external API key", APIErrorStatus: 401, AssistantError: "authentication_failed"}, agent.PauseBuild, agent.CauseKey, "Invalid API key"},
		{"forbidden", cli.Result{Text: "Failed to authenticate. API Error: 403 no", APIErrorStatus: 403, AssistantError: "authentication_failed"}, agent.PauseBuild, agent.CauseKey, "403"},
		{"organisation", cli.Result{Text: "Your organization may not", AssistantError: "oauth_org_not_allowed", APIErrorStatus: 403}, agent.PauseBuild, agent.CauseKey, "organization"},
		{"credit", cli.Result{Text: "Credit balance is too low", APIErrorStatus: 400, AssistantError: "billing_error"}, agent.PauseBuild, agent.CauseMoney, "Credit"},
		{"rate", cli.Result{Text: "API Error: Request rejected (429) · slow down", APIErrorStatus: 429, AssistantError: "rate_limit"}, agent.WaitUntil, agent.CauseRate, "slow down"},
		{"rate in JSON", cli.Result{Text: `API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"slow"},"request_id":"req_1"}`, APIErrorStatus: 429}, agent.WaitUntil, agent.CauseRate, "slow"},
		{"overloaded", cli.Result{Text: "API Error: 529 Overloaded. This is a server-side issue", APIErrorStatus: 529, AssistantError: "overloaded"}, agent.Retry, agent.CauseLoad, "Overloaded"},
		{"model", cli.Result{Text: "There's an issue with the selected model (x).", APIErrorStatus: 404, AssistantError: "model_not_found"}, agent.PauseBuild, agent.CauseModel, "selected model"},
		{"server", cli.Result{Text: "API Error: 500 oops", APIErrorStatus: 500, AssistantError: "server_error"}, agent.Retry, agent.CauseLoad, "oops"},
		{"refused", cli.Result{Text: "API Error: Unable to connect to API (ConnectionRefused)", AssistantError: "server_error"}, agent.Retry, agent.CauseNetwork, "Unable to connect"},
		{"lost", cli.Result{Text: "API Error: Connection to the API was lost (ECONNRESET)", AssistantError: "unknown"}, agent.Retry, agent.CauseNetwork, "was lost"},
		{"long", cli.Result{Text: "Prompt is too long", APIErrorStatus: 400, TerminalReason: "prompt_too_long", AssistantError: "invalid_request", IsError: true, Header: cli.Header{Subtype: "success"}}, agent.FixRequest, agent.CauseSize, "Prompt"},
		{"malformed", cli.Result{Text: `API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"messages: no"}}`, APIErrorStatus: 400}, agent.FixRequest, agent.CauseRequest, "messages: no"},
		{"no words", cli.Result{Header: cli.Header{Subtype: "error_during_execution"}}, agent.Retry, agent.CauseNetwork, "error_during_execution"},
		{"errors", cli.Result{Errors: []string{"one", "two"}}, agent.Retry, agent.CauseNetwork, "one; two"},
	} {
		f := faultOf(&c.r, time.Now()).Failure(nil)
		if f.Class != c.class || f.Cause != c.cause || !strings.Contains(f.Message, c.words) || strings.HasPrefix(f.Message, "API Error") {
			t.Errorf("%s: got %s, %s, %q", c.name, f.Class, f.Cause, f.Message)
		}
	}
}

// A quota is told when it changes; where it is used up, the failure says when it is there again.
func TestQuota(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var told []string
	p := &Program{conf: Config{Now: func() time.Time { return now }, Tell: func(task, line string) { told = append(told, task+" "+line) }}}
	a := &attempt{engine: &engine{program: p}, task: agent.Task{ID: "t"}}
	half := cli.RateLimitInfo{Status: "allowed_warning", Type: "five_hour", Utilization: 0.5, ResetsAt: float64(now.Add(2 * time.Hour).Unix())}
	used := half
	used.Status, used.Utilization = "rejected", 1
	for _, q := range []cli.RateLimitInfo{half, half, used} {
		a.tellQuota(q)
	}
	want := []string{
		"t quota of the subscription (five hour): allowed warning, 50 % used, new at 2026-11-29 14:00 UTC",
		"t quota of the subscription (five hour): rejected, 100 % used, new at 2026-11-29 14:00 UTC",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
	err := a.failure(&cli.ResultError{Result: &cli.Result{Text: "You've hit your limit", APIErrorStatus: 429, AssistantError: "rate_limit"}})
	f, ok := err.(*agent.Failure)
	if !ok || f.Class != agent.WaitUntil || f.After != 2*time.Hour {
		t.Errorf("got %v, after %v", err, f.After)
	}
}

func TestSameModel(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"claude-sonnet-4-5", "claude-sonnet-4-5-20250929"}, {"claude-opus-4-8", "claude-opus-4-8[1m]"}, {"x", "anthropic/x"}, {"m-latest", "m"}} {
		if !sameModel(pair[0], pair[1]) {
			t.Errorf("%s is not %s", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"claude-opus-4-1", "claude-opus-4-8"}, {"claude-haiku-4-5", "claude-haiku-4"}, {"a", ""}} {
		if sameModel(pair[0], pair[1]) {
			t.Errorf("%s is %s", pair[0], pair[1])
		}
	}
}

// The words told to models have a version that changes with them; each is there and says something.
func TestPrompts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rules", "finish", "blocked", "note", "plan", "budget", "reminder", "cut", "again", "lost"} {
		if len(words(name)) < 20 {
			t.Errorf("%s says nothing", name)
		}
	}
	if v := PromptVersion(); len(v) != 12 || v != PromptVersion() {
		t.Errorf("got %q", v)
	}
	task := agent.Task{System: []string{"one", "two"}}
	if got := system(task); !strings.HasPrefix(got, "one\n\ntwo\n\n") || len(got)-len("one\n\ntwo\n\n") > 2000 {
		t.Errorf("got %d bytes: %s", len(got), got)
	}
}
