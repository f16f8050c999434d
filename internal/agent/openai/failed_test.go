package openai_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/failure/failuretest"
	"github.com/seed-c331f47d/builder/internal/agent/openai"
)

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func with(rt http.RoundTripper) func(*openai.Config) {
	return func(c *openai.Config) { c.HTTPClient = &http.Client{Transport: rt} }
}

// half is how an answer begins, up to some content.
func half(t testing.TB, api openai.API) []byte {
	t.Helper()
	_, whole := agenttest.StreamAt(apis[api], agenttest.Say("half an answer"), 0, "m")
	end := map[openai.API]string{openai.Chat: `data: {"choices":[{"delta":{},`, openai.Responses: "event: response.output_item.done"}[api]
	return whole[:bytes.Index(whole, []byte(end))]
}

// Every row of the golden table comes through this adapter in its class, sent once.
func TestFailureRows(t *testing.T) {
	t.Parallel()
	for api := range apis {
		start := half(t, api)
		for _, r := range failuretest.Rows(t, "openai") {
			t.Run(string(api)+"/"+r.Name, func(t *testing.T) {
				t.Parallel()
				if !r.OnWire() {
					t.Skip("shown by the classifier's own test")
				}
				if api == openai.Chat && strings.Contains(r.Body, "'max_completion_tokens' instead") {
					t.Skip("this adapter knows what to do: TestServersThatTakeLess")
				}
				sends := 0
				rt := transportFunc(func(req *http.Request) (*http.Response, error) {
					sends++
					return r.Respond(t, "openai", start, req)
				})
				c := client(t, "https://example.com", api, with(rt), func(c *openai.Config) {
					c.Now = failuretest.Noon
					c.Lost = func(err error) bool { return errors.Is(err, failuretest.ErrLost) }
				})
				req := agenttest.Ask()
				req.Tools = nil // rows about tools are of TestServersWithoutTools
				_, err := c.Complete(t.Context(), req)
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
}

// A server, or a model, that takes no tools is said to be one, and the build waits for another.
func TestServersWithoutTools(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		status int
		body   string
	}{
		"Ollama":     {400, `{"error":{"message":"registry.ollama.ai/library/gemma:2b does not support tools","type":"api_error","param":null,"code":null}}`},
		"vLLM":       {400, `{"object":"error","message":"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set","type":"BadRequestError","param":null,"code":400}`},
		"llama.cpp":  {500, `{"error":{"code":500,"message":"tools param requires --jinja flag","type":"server_error"}}`},
		"OpenRouter": {404, `{"error":{"message":"No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs","code":404}}`},
		"OpenAI":     {400, `{"error":{"message":"Unsupported parameter: 'tools' is not supported with this model.","type":"invalid_request_error","param":"tools","code":"unsupported_parameter"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault := agenttest.Fault{Status: r.status, Body: r.body, Header: http.Header{"Content-Type": {"application/json"}}}
			s := agenttest.Serve(t, agenttest.Turn{Fault: &fault})
			_, err := client(t, s.URL, openai.Chat).Complete(t.Context(), agenttest.Ask())
			var f *agent.Failure
			if !errors.As(err, &f) || f.Class != agent.PauseBuild || f.Type != openai.TypeTools || !strings.HasPrefix(f.Message, "the server or its model takes no tools; choose") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What a server does not take and nobody needs is left out of the next send, which is the caller's.
func TestServersThatTakeLess(t *testing.T) {
	t.Parallel()
	refuse := func(message string) agenttest.Turn {
		return agenttest.Fail(400, "invalid_request_error", message)
	}
	for name, tt := range map[string]struct {
		api              openai.API
		refusals         []string
		first, then, not string // in the bodies of the first send and the next
	}{
		"the limit's new name": {openai.Chat, []string{"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}, `"max_tokens":1000`, `"max_completion_tokens":1000`, `"max_tokens"`},
		"stream options":       {openai.Chat, []string{"Unrecognized request argument supplied: stream_options"}, `"stream_options":{"include_usage":true}`, `"stream_options":null`, "include_usage"},
		"structured output":    {openai.Chat, []string{"This model does not support response_format json_schema"}, `"response_format":{"type":"json_schema"`, "Answer with one JSON value", "response_format"},
		"structured, other":    {openai.Responses, []string{"Unknown parameter: 'text.format'"}, `"text":{"format"`, "Answer with one JSON value", `"text":{`},
		"encrypted reasoning":  {openai.Responses, []string{"Encrypted content is not supported with this model."}, `"include":["reasoning.encrypted_content"]`, `"store":false`, `"include"`},
		"two at once":          {openai.Chat, []string{"extra fields not permitted: stream_options", "json schema is not supported"}, `include_usage`, `"stream_options":null`, "response_format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			turns := []agenttest.Turn{}
			for _, m := range tt.refusals {
				turns = append(turns, refuse(m))
			}
			s := agenttest.Serve(t, append(turns, agenttest.Say(`{"a":1}`))...)
			c := client(t, s.URL, tt.api)
			req := agenttest.Ask()
			req.Schema = []byte(`{"type":"object"}`)
			for range tt.refusals {
				_, err := c.Complete(t.Context(), req)
				var f *agent.Failure
				if !errors.As(err, &f) || f.Class != agent.Retry || f.Type != openai.TypeAdapted {
					t.Fatalf("got %v, want a failure that may be sent again", err)
				}
			}
			if _, err := c.Complete(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			all := s.Requests()
			first, then := string(all[0].Body), string(all[len(all)-1].Body)
			if !strings.Contains(first, tt.first) || !strings.Contains(then, tt.then) || strings.Contains(then, tt.not) {
				t.Errorf("sent\n%s\n%s", first, then)
			}
		})
	}
}

// A server that goes on refusing is not asked for ever.
func TestLearningEnds(t *testing.T) {
	t.Parallel()
	s := agenttest.ServeFunc(t, func(int, agenttest.Request) agenttest.Turn {
		return agenttest.Fail(400, "invalid_request_error", "unsupported: max_tokens, max_completion_tokens, stream_options, response_format, encrypted content")
	})
	c := client(t, s.URL, openai.Chat)
	req := agenttest.Ask()
	req.Schema = []byte(`{"type":"object"}`)
	for range 20 {
		_, err := c.Complete(t.Context(), req)
		var f *agent.Failure
		if errors.As(err, &f) && f.Class == agent.FixRequest {
			return
		}
	}
	t.Error("each refusal of 20 was taken for something to learn from")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	ok := &http.Client{}
	for name, conf := range map[string]openai.Config{
		"no client":         {BaseURL: "https://x"},
		"plain http":        {HTTPClient: ok, BaseURL: "http://example.com"},
		"user in the URL":   {HTTPClient: ok, BaseURL: "https://me:secret@example.com"},
		"query":             {HTTPClient: ok, BaseURL: "https://example.com?key=secret"},
		"unreadable":        {HTTPClient: ok, BaseURL: "https://secret\x7f"},
		"key with a break":  {HTTPClient: ok, Key: endpoint.Secret("sk\r\nX-Evil: 1")},
		"wire that is none": {HTTPClient: ok, API: "completions"},
	} {
		_, err := openai.New(conf)
		if err == nil {
			t.Errorf("%s: want an error", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error repeats a secret: %v", name, err)
		}
	}
}

func TestPrintedClientHidesItsKey(t *testing.T) {
	t.Parallel()
	c := client(t, "https://example.com", openai.Chat)
	if shown := fmt.Sprintf("%+v %#v", *c, *c); strings.Contains(shown, "canary") {
		t.Error("a printed client shows its key")
	}
}

// The address decides the wire and the path; the key goes to it as a bearer, and nothing of the
// environment does.
func TestAddresses(t *testing.T) {
	for _, name := range []string{"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_CUSTOM_HEADERS"} {
		t.Setenv(name, "from-env")
	}
	for base, want := range map[string]string{
		"":                                    "https://api.openai.com/v1/responses",
		"https://eu.api.openai.com":           "https://eu.api.openai.com/v1/responses",
		"https://API.OpenAI.com":              "https://API.OpenAI.com/v1/responses",
		"https://api.openai.com/v1":           "https://api.openai.com/v1/responses",
		"https://api.openai.com.evil.example": "https://api.openai.com.evil.example/v1/chat/completions",
		"http://127.0.0.1:11434":              "http://127.0.0.1:11434/v1/chat/completions",
		"http://localhost:1234/v1/":           "http://localhost:1234/v1/chat/completions",
		"https://openrouter.ai/api/v1":        "https://openrouter.ai/api/v1/chat/completions",
		"https://generativelanguage.googleapis.com/v1beta/openai/": "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
	} {
		var got *http.Request
		rt := transportFunc(func(r *http.Request) (*http.Response, error) {
			got = r
			return nil, syscall.ECONNREFUSED
		})
		_, err := client(t, base, "", with(rt)).Complete(t.Context(), agenttest.Ask())
		var f *agent.Failure
		if !errors.As(err, &f) || got.URL.String() != want || got.Header.Get("Authorization") != "Bearer "+secret || got.GetBody != nil {
			t.Errorf("%q: %v, asked %s with %v", base, err, got.URL, got.Header)
		}
		if strings.Contains(fmt.Sprint(got.Header), "from-env") {
			t.Errorf("%q: %v", base, got.Header)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var hits atomic.Int32
		thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
		t.Cleanup(thief.Close)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, status) }))
		t.Cleanup(s.Close)
		c := client(t, s.URL, openai.Chat, func(c *openai.Config) { c.HTTPClient.CheckRedirect = nil })
		_, err := c.Complete(t.Context(), agenttest.Ask())
		var f *agent.Failure
		if !errors.As(err, &f) || f.Class != agent.PauseBuild || hits.Load() != 0 {
			t.Errorf("%d: %v, %d hits elsewhere", status, err, hits.Load())
		}
	}
}

// What the transport says for itself comes back as it is, also from the middle of an answer.
func TestErrorsOfTheTransport(t *testing.T) {
	t.Parallel()
	disk := &os.PathError{Op: "write", Path: "journal.db", Err: syscall.ENOSPC}
	for api := range apis {
		for name, rt := range map[string]http.RoundTripper{
			"at once": transportFunc(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("intend: %w", disk) }),
			"in the middle": transportFunc(func(r *http.Request) (*http.Response, error) {
				body := io.MultiReader(bytes.NewReader(half(t, api)), errReader{fmt.Errorf("settle: %w", disk)})
				return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(body), Request: r}, nil
			}),
		} {
			_, err := client(t, "https://example.com", api, with(rt)).Complete(t.Context(), agenttest.Ask())
			var f *agent.Failure
			if errors.As(err, &f) || !errors.Is(err, disk) {
				t.Errorf("%s %s: got %v, want the transport's own error", api, name, err)
			}
		}
	}
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// A whole answer counts although the connection stays open.
func TestAnswerIsCompleteAtItsLastEvent(t *testing.T) {
	t.Parallel()
	for api := range apis {
		hold := make(chan struct{})
		s := agenttest.Serve(t, agenttest.Turn{Text: "done", Fault: &agenttest.Fault{Hold: hold}})
		resp, err := client(t, s.URL, api).Complete(t.Context(), agenttest.Ask())
		close(hold)
		if err != nil || resp.Message.Words() != "done" {
			t.Errorf("%s: %+v, %v", api, resp, err)
		}
	}
}

// Usage that is not said is the zero value, which no answer has.
func TestUsageThatIsNotSaid(t *testing.T) {
	t.Parallel()
	for api := range apis {
		s := agenttest.Serve(t, agenttest.Turn{Text: "x", Fault: &agenttest.Fault{NoUsage: true}})
		resp, err := client(t, s.URL, api).Complete(t.Context(), agenttest.Ask())
		if err != nil || resp.Usage != (agent.Usage{}) {
			t.Errorf("%s: %+v, %v", api, resp, err)
		}
	}
}

// Rate limits come with answers, too.
func TestLimitsOfAnAnswer(t *testing.T) {
	t.Parallel()
	_, whole := agenttest.StreamAt(apis[openai.Chat], agenttest.Say("x"), 0, "m")
	rt := transportFunc(func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"text/event-stream"}}
		h.Set("X-Ratelimit-Limit-Requests", "50")
		h.Set("X-Ratelimit-Remaining-Requests", "7")
		h.Set("X-Ratelimit-Reset-Requests", "1m2s")
		return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(bytes.NewReader(whole)), Request: r}, nil
	})
	resp, err := client(t, "https://example.com", openai.Chat, with(rt), func(c *openai.Config) { c.Now = failuretest.Noon }).Complete(t.Context(), agenttest.Ask())
	want := agent.Limits{At: failuretest.Noon(), Requests: agent.Quota{Limit: 50, Remaining: 7, Full: 62 * time.Second}}
	if err != nil || resp.Limits != want {
		t.Errorf("got %+v, %v", resp.Limits, err)
	}
}
