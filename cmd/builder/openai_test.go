package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// openModel is priced as OpenAI's, which cached input and long prompts make no simple multiple.
const openModel = "gpt-6-sol"

// openCost is what a usage costs at openModel's price.
func openCost(t *testing.T, calls ...agent.Usage) budget.Micro {
	t.Helper()
	table, err := budget.LoadTable(budget.OpenAI)
	if err != nil {
		t.Fatal(err)
	}
	price, err := table.Lookup(openModel, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var sum budget.Micro
	for _, u := range calls {
		sum += price.Cost(budget.Usage{Input: u.Input, CacheRead: u.CacheRead, Output: u.Output})
	}
	return sum
}

// openSite is a site whose scripted model is asked over one of OpenAI's wires.
type openSite struct {
	*site
	api string
}

func newOpenSite(t *testing.T, api string, next func(n int, req agenttest.Request) agenttest.Turn) openSite {
	t.Helper()
	s := newSite(t, next)
	s.env = append(s.env, "OPENAI_API_KEY="+openKey)
	return openSite{s, api}
}

const openKey = "sk-proj-test-key-0123456789"

func (s openSite) args(more ...string) []string {
	return append([]string{"build", "--plan", "plan.yaml", "-o", "app", "--provider", "openai", "--api", s.api, "--base-url", s.srv.URL, "--model", openModel}, more...)
}

// Faults of a provider end as the taxonomy says over OpenAI's wires, too: what may work again is asked
// again, what cannot is not; what was cut, and what does not say its usage, is booked as unknown.
func TestOpenAIFaults(t *testing.T) {
	t.Parallel()
	both := []string{"chat", "responses"}
	for name, c := range map[string]struct {
		first   agenttest.Turn
		code    int
		calls   int // that arrive in all, with those of a resume after a pause
		unknown bool
		says    []string
		apis    []string
	}{
		"busy":     {agenttest.Fail(503, "server_error", "overloaded"), 0, 3, false, nil, both[:1]},
		"cut":      {agenttest.Turn{Text: "half", Fault: &agenttest.Fault{Cut: true}}, 0, 3, true, nil, both[1:]},
		"cut call": {agenttest.Turn{Calls: []agent.ToolCall{agenttest.Write("hello.txt", "evil")}, Fault: &agenttest.Fault{Cut: true}}, 0, 3, true, nil, both},
		"no usage": {agenttest.Turn{Calls: []agent.ToolCall{agenttest.Write("notes.txt", "x")}, Fault: &agenttest.Fault{NoUsage: true}}, 0, 3, true, nil, both},
		"key":      {agenttest.Fail(401, "invalid_request_error", "Incorrect API key provided: sk-proj-****"), 75, 3, false, []string{"builder: E_PROVIDER", "Incorrect API key", "OPENAI_API_KEY"}, both[1:]},
		"no tools": {agenttest.Fail(400, "api_error", "gemma:2b does not support tools"), 75, 3, false, []string{"builder: E_", "takes no tools"}, both[:1]},
		"adapted":  {agenttest.Fail(400, "invalid_request_error", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead. Encrypted content is not supported."), 0, 3, false, nil, both},
	} {
		for _, api := range c.apis {
			t.Run(name+"/"+api, func(t *testing.T) {
				t.Parallel()
				s := newOpenSite(t, api, script(append([]agenttest.Turn{c.first}, honest()...)...))
				has(t, s.wants(c.code, s.args()...), c.says...)
				if st := s.status("app"); (st.Budget.Unknown > 0) != c.unknown || st.Budget.Held != 0 {
					t.Errorf("budget %+v", st.Budget)
				}
				if c.code == 75 {
					s.wants(2, "resume", "app", "--api", map[string]string{"chat": "responses", "responses": "chat"}[api])
					s.wants(0, "resume", "app")
				}
				if n := len(s.srv.Requests()); n != c.calls {
					t.Errorf("%d calls, want %d", n, c.calls)
				}
				s.verified()
			})
		}
	}
}

// Law L3 over OpenAI's wires: for caps from too little to ample, what is spent, unknown and held never
// passes the cap, and what is spent is what the other side billed.
func TestOpenAICaps(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"chat", "responses"} {
		for _, limit := range []string{"0.01", "0.05", "5"} {
			t.Run(api+"/"+limit, func(t *testing.T) {
				t.Parallel()
				used := agent.Usage{Input: 1200, CacheRead: 700, Output: 900}
				s := newOpenSite(t, api, func(n int, _ agenttest.Request) agenttest.Turn {
					turn := honest()[min(n, 1)]
					turn.Usage = used
					return turn
				})
				out, code := s.run(s.args("--max-cost", limit)...)
				calls := s.srv.Requests()
				if len(calls) == 0 && code != 0 {
					return // nothing was asked: refused before, or paused at the first call
				}
				st := s.status("app")
				caps, err := budget.ParseUSD(limit)
				if err != nil {
					t.Fatal(err)
				}
				b := st.Budget
				if budget.Micro(b.Spent+b.Unknown+b.Held) > caps || b.Held != 0 {
					t.Errorf("cap %s passed: %+v", caps, b)
				}
				if want := openCost(t, used) * budget.Micro(len(calls)); budget.Micro(b.Spent) != want {
					t.Errorf("spent %d, the other side billed %s", b.Spent, want)
				}
				if done := code == 0; done != (st.State == phases.DoneState) || limit == "5" && !done {
					t.Errorf("exit %d, state %s:\n%s", code, st.State, out)
				}
			})
		}
	}
}

// The key goes to the provider as a bearer and is kept nowhere.
func TestOpenAIKeyIsKeptNowhere(t *testing.T) {
	t.Parallel()
	s := newOpenSite(t, "chat", script(honest()...))
	s.wants(0, s.args()...)
	for _, r := range s.srv.Requests() {
		if got := r.Header.Get("Authorization"); got != "Bearer "+openKey || r.Header.Get("X-Api-Key") != "" {
			t.Errorf("authorization %q", got)
		}
	}
	for name, text := range s.kept() {
		if strings.Contains(text, openKey) {
			t.Errorf("%s holds the key", name)
		}
	}
}

// How a provider is chosen, and what is said when it cannot be asked.
func TestOpenAISettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env   []string
		flags limitFlags
		want  string // provider model api address, or the code of the fault
	}{
		"by its key":        {[]string{"OPENAI_API_KEY=k"}, limitFlags{}, "openai gpt-6-sol responses https://api.openai.com"},
		"two keys":          {[]string{"OPENAI_API_KEY=k", "ANTHROPIC_API_KEY=k"}, limitFlags{}, "anthropic claude-sonnet-5-5  https://api.anthropic.com"},
		"no key":            {nil, limitFlags{provider: "openai"}, "E_PROVIDER_AUTH"},
		"local":             {nil, limitFlags{provider: "openai", baseURL: "http://127.0.0.1:11434/v1", model: "qwen", price: "0"}, "openai qwen chat http://127.0.0.1:11434/v1"},
		"local, no model":   {nil, limitFlags{provider: "openai", baseURL: "http://127.0.0.1:11434"}, "E_MODEL_UNKNOWN"},
		"local, no price":   {nil, limitFlags{provider: "openai", baseURL: "http://127.0.0.1:11434", model: "qwen"}, "E_PRICE_UNKNOWN"},
		"asked otherwise":   {[]string{"OPENAI_API_KEY=k"}, limitFlags{provider: "openai", api: "chat"}, "openai gpt-6-sol chat https://api.openai.com"},
		"a wire for nobody": {nil, limitFlags{provider: "offline", api: "chat"}, "E_USAGE"},
		"no such wire":      {[]string{"OPENAI_API_KEY=k"}, limitFlags{api: "completions"}, "E_CONFIG_RANGE"},
		"over http":         {[]string{"OPENAI_API_KEY=k"}, limitFlags{baseURL: "http://example.com", model: "x"}, "E_BASE_URL_INSECURE"},
		"a key with spaces": {[]string{"OPENAI_API_KEY=a b"}, limitFlags{}, "E_KEY_FORMAT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			a := &app{env: append([]string{"HOME=" + dir}, c.env...)}
			s, err := a.settings(c.flags, dir)
			got := fmt.Sprintf("%s %s %s %s", s.Provider, s.Model, s.API, s.BaseURL)
			if err != nil {
				got = linesOf(explain(err))[0].code
			}
			if got != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}
