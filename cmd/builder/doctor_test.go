package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
)

// doctor runs builder doctor against an address and returns its findings by name.
func doctor(t *testing.T, url string, args ...string) (code int, found map[string]finding) {
	t.Helper()
	home := t.TempDir()
	if !slices.Contains(args, "--provider") {
		args = append(args, "--provider", "anthropic")
	}
	env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "XDG_CACHE_HOME=" + sharedCache(t), "ANTHROPIC_API_KEY=test-key-0123456789", "OPENAI_API_KEY=test-key-0123456789"}
	var out, errw bytes.Buffer
	code = Main(append([]string{"builder", "doctor", "--json", "--base-url", url}, args...), env, strings.NewReader(""), &out, &errw)
	if strings.Contains(out.String()+errw.String(), "test-key-0123456789") {
		t.Errorf("the key is shown: %s%s", out.String(), errw.String())
	}
	var told struct{ Findings []finding }
	if err := json.Unmarshal(out.Bytes(), &told); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), errw.String())
	}
	found = map[string]finding{}
	for _, f := range told.Findings {
		found[f.Name] = f
	}
	return code, found
}

// What is asked for nothing tells whether the key, the address and the model are right.
func TestDoctorLooksAtTheProvider(t *testing.T) {
	t.Parallel()
	list := func(ids ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/models" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("Anthropic-Ratelimit-Requests-Limit", "50")
			w.Header().Set("Anthropic-Ratelimit-Requests-Remaining", "49")
			var models []string
			for _, id := range ids {
				models = append(models, fmt.Sprintf(`{"id":%q}`, id))
			}
			fmt.Fprintf(w, `{"data":[%s]}`, strings.Join(models, ","))
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example")
			w.WriteHeader(code)
		}
	}
	for name, tc := range map[string]struct {
		h           http.HandlerFunc
		state, says string
		fix         string
		code        int
	}{
		"listed":     {list("claude-opus-5-5", "claude-sonnet-5-5"), "ok", "2 models, claude-sonnet-5-5 among them", "", 0},
		"not listed": {list("claude-sonnet-5-4"), "warn", "not of claude-sonnet-5-5", "the nearest is claude-sonnet-5-4", 0},
		"no list":    {status(404), "warn", "does not tell which models it has", "--probe", 0},
		"garbage":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>\x1b[2J") }, "warn", "does not tell", "", 0},
		"key":        {status(401), "bad", "does not take the key", "make a new key", 2},
		"forbidden":  {status(403), "bad", "does not let this key in", "", 2},
		"redirect":   {status(302), "bad", "sends elsewhere", "--base-url", 2},
		"busy":       {status(429), "warn", "rate limit", "", 0},
		"trouble":    {status(503), "warn", "status 503", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tc.h)
			t.Cleanup(srv.Close)
			code, found := doctor(t, srv.URL)
			f := found["provider"]
			if f.State != tc.state || !strings.Contains(f.Detail, tc.says) || !strings.Contains(f.Fix, tc.fix) {
				t.Errorf("got %+v, want %s: %s (%s)", f, tc.state, tc.says, tc.fix)
			}
			if bad := found["sandbox"].State == "bad"; code != tc.code && !bad {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			if name == "listed" && found["rate limits"].Detail != "49 of 50 requests are left" {
				t.Errorf("rate limits: %+v", found["rate limits"])
			}
			if name == "listed" && (found["price"].State == "" || !strings.Contains(found["ANTHROPIC_API_KEY"].Detail, "set, 19 characters")) {
				t.Errorf("price %+v, key %+v", found["price"], found["ANTHROPIC_API_KEY"])
			}
			if _, probed := found["tools"]; probed {
				t.Error("a model was asked without --probe")
			}
		})
	}
	at := "" // the address of an OpenAI wire with a path is complete
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at = r.URL.Path + " " + r.Header.Get("Authorization")
		fmt.Fprint(w, `{"data":[{"id":"models/gemini-3.5-flash"}]}`)
	}))
	t.Cleanup(srv.Close)
	if _, found := doctor(t, srv.URL+"/v1beta/openai", "--provider", "openai", "--model", "gemini-3.5-flash", "--price", "1.5/9"); found["provider"].State != "ok" || at != "/v1beta/openai/models Bearer test-key-0123456789" {
		t.Errorf("asked %q: %+v", at, found["provider"])
	}
	gone := httptest.NewServer(status(200))
	gone.Close()
	if code, found := doctor(t, gone.URL); code != 2 || !strings.Contains(found["provider"].Detail, "cannot be reached") {
		t.Errorf("exit code %d, %+v", code, found["provider"])
	}
}

// The probe's calls pass the meter: they are paid from a cap of their own, and one that does not fit
// is not sent.
func TestDoctorProbes(t *testing.T) {
	t.Parallel()
	usage := agent.Usage{Input: 100, Output: 10}
	call := agenttest.Turn{Calls: []agent.ToolCall{{ID: "t1", Name: "report", Input: json.RawMessage(`{"ok":true}`)}}, Usage: usage}
	answer := agenttest.Turn{Text: `{"ok":true}`, Usage: usage}
	openAI := func(api string) []string {
		return []string{"--provider", "openai", "--api", api, "--model", "gpt-6-sol"}
	}
	for name, tc := range map[string]struct {
		turns  []agenttest.Turn
		args   []string
		want   map[string]string // states by name
		asked  int
		detail string // of the cost
	}{
		"works":     {[]agenttest.Turn{call, answer}, nil, map[string]string{"tools": "ok", "streaming": "ok", "structured answers": "ok", "usage": "ok"}, 2, "$0.000600 spent, $0.00 unknown, of a cap of $0.05"},
		"no tools":  {[]agenttest.Turn{{Text: "I would report", Usage: usage}, answer}, nil, map[string]string{"tools": "bad", "structured answers": "ok"}, 2, "spent"},
		"no schema": {[]agenttest.Turn{call, {Text: "well", Usage: usage}}, nil, map[string]string{"tools": "ok", "structured answers": "warn"}, 2, "spent"},
		"refused":   {[]agenttest.Turn{agenttest.Fail(401, "authentication_error", "bad key"), answer}, nil, map[string]string{"model call": "bad"}, 2, "spent"},
		"cap":       {nil, []string{"--max-cost", "0.0001"}, map[string]string{"model call": "bad", "structured answers": "bad"}, 0, "$0.00 spent, $0.00 unknown"},
		"chat":      {[]agenttest.Turn{call, answer}, openAI("chat"), map[string]string{"tools": "ok", "structured answers": "ok", "usage": "ok"}, 2, "$0.000600 spent"},
		"responses": {[]agenttest.Turn{call, answer}, openAI("responses"), map[string]string{"tools": "ok", "structured answers": "ok", "usage": "ok"}, 2, "$0.000600 spent"},
		"own model": {[]agenttest.Turn{call, answer}, []string{"--provider", "openai", "--api", "chat", "--model", "house-1", "--price", "0"}, map[string]string{"tools": "ok", "price": "ok"}, 2, "$0.00 spent"},
		"cut":       {[]agenttest.Turn{{Text: "half", Fault: &agenttest.Fault{Cut: true}}, answer}, nil, map[string]string{"model call": "bad", "usage": "warn"}, 2, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := agenttest.Serve(t, tc.turns...)
			_, found := doctor(t, srv.URL, append([]string{"--probe"}, tc.args...)...)
			if found["sandbox"].State == "bad" {
				t.Skip("this machine has no sandbox: nothing is probed before that is mended")
			}
			for what, state := range tc.want {
				if found[what].State != state {
					t.Errorf("%s: got %+v, want %s", what, found[what], state)
				}
			}
			if n := len(srv.Requests()); n != tc.asked {
				t.Errorf("%d calls, want %d", n, tc.asked)
			}
			if !strings.Contains(found["cost of the probe"].Detail, tc.detail) {
				t.Errorf("cost: %+v", found["cost of the probe"])
			}
		})
	}
}
