package anthropic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/agenttest"
	"github.com/seed-c331f47d/builder/internal/agent/anthropic"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "sk-ant-canary-0123456789"

func client(t testing.TB, base string, change ...func(*anthropic.Config)) *anthropic.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	conf := anthropic.Config{HTTPClient: &http.Client{Transport: transport}, BaseURL: base, Key: endpoint.Secret(secret)}
	for _, c := range change {
		c(&conf)
	}
	c, err := anthropic.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestModelPromise(t *testing.T) {
	t.Parallel()
	agenttest.RunModel(t, agenttest.Adapter{
		New: func(t *testing.T, turns ...agenttest.Turn) (agent.Model, func() int) {
			s := agenttest.Serve(t, turns...)
			return client(t, s.URL), func() int { return len(s.Requests()) }
		},
		Recording: func(turn agenttest.Turn) (string, []byte) { return agenttest.Stream(turn, 0, "test-model") },
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	ok := &http.Client{}
	for name, conf := range map[string]anthropic.Config{
		"no client":          {BaseURL: "https://x"},
		"plain http":         {HTTPClient: ok, BaseURL: "http://example.com"},
		"user in the URL":    {HTTPClient: ok, BaseURL: "https://me:secret@example.com"},
		"query":              {HTTPClient: ok, BaseURL: "https://example.com?key=secret"},
		"other scheme":       {HTTPClient: ok, BaseURL: "file:///etc/passwd"},
		"no host":            {HTTPClient: ok, BaseURL: "https://"},
		"unreadable":         {HTTPClient: ok, BaseURL: "https://secret\x7f"},
		"loopback look-like": {HTTPClient: ok, BaseURL: "http://127.0.0.1.example.com"},
		"key with a space":   {HTTPClient: ok, Key: endpoint.Secret("sk ant")},
		"key with a break":   {HTTPClient: ok, Key: endpoint.Secret("sk\r\nX-Evil: 1")},
	} {
		_, err := anthropic.New(conf)
		if err == nil {
			t.Errorf("%s: want an error", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error repeats a secret: %v", name, err)
		}
	}
	for _, base := range []string{"", "https://example.com/tok", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "http://offline.localhost"} {
		if _, err := anthropic.New(anthropic.Config{HTTPClient: ok, BaseURL: base}); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
}

func TestKeyNeverShows(t *testing.T) {
	t.Parallel()
	key := endpoint.Secret(secret)
	holder := struct {
		K      endpoint.Key
		hidden endpoint.Key
	}{key, key}
	raw, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown := string(raw)
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%X", "%d", "%t", "%p", "%5.2s"} {
		shown += fmt.Sprintf(verb, key) + fmt.Sprintf(verb, holder) + fmt.Sprintf(verb, []endpoint.Key{key})
	}
	shown += fmt.Sprint(key, holder, map[endpoint.Key]int{key: 1})
	if strings.Contains(shown, "canary") || strings.Contains(shown, fmt.Sprintf("%x", "canary")) {
		t.Errorf("the key shows: %s", shown)
	}
	c := client(t, "https://example.com")
	if s := fmt.Sprintf("%+v", *c); strings.Contains(s, "canary") {
		t.Error("a printed client shows its key")
	}
}

// Neither variables nor profile files choose key, address or headers.
func TestEnvironmentIsIgnored(t *testing.T) {
	home := t.TempDir()
	elsewhere := agenttest.Serve(t, agenttest.Say("wrong"))
	for name, value := range map[string]string{
		"ANTHROPIC_API_KEY": "sk-env", "ANTHROPIC_AUTH_TOKEN": "token-env", "ANTHROPIC_BASE_URL": elsewhere.URL,
		"ANTHROPIC_CUSTOM_HEADERS": "X-Env: 1", "ANTHROPIC_PROFILE": "env", "ANTHROPIC_CONFIG_DIR": home, "HOME": home, "XDG_CONFIG_HOME": home,
	} {
		t.Setenv(name, value)
	}
	if err := os.WriteFile(filepath.Join(home, "env.json"), []byte(`{"api_key":"sk-file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{secret, ""} {
		s := agenttest.Serve(t, agenttest.Say("right"))
		resp, err := client(t, s.URL, func(c *anthropic.Config) { c.Key = endpoint.Secret(k) }).Complete(t.Context(), agenttest.Ask())
		if err != nil || resp.Message.Words() != "right" {
			t.Fatalf("%+v, %v", resp, err)
		}
		h := s.Requests()[0].Header
		if h.Get("X-Env") != "" || strings.Contains(fmt.Sprint(h), "-env") {
			t.Errorf("headers are %v", h)
		}
		if want := strings.TrimSuffix("Bearer "+k, "Bearer "); h.Get("Authorization") != want {
			t.Errorf("authorization is %q", h.Get("Authorization"))
		}
	}
	if len(elsewhere.Requests()) != 0 {
		t.Error("the environment's address was asked")
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
		c := client(t, s.URL, func(c *anthropic.Config) { c.HTTPClient.CheckRedirect = nil })
		_, err := c.Complete(t.Context(), agenttest.Ask())
		var f *agent.Failure
		if !errors.As(err, &f) || f.Class != agent.PauseBuild || hits.Load() != 0 {
			t.Errorf("%d: %v, %d hits elsewhere", status, err, hits.Load())
		}
	}
}

// own is an error of the transport itself, as the meter gives: a refusal by the budget.
type own struct{ scope string }

func (o *own) Error() string { return "cap of " + o.scope + " reached" }

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func with(rt http.RoundTripper) func(*anthropic.Config) {
	return func(c *anthropic.Config) { c.HTTPClient = &http.Client{Transport: rt} }
}

// respond answers with a body that ends in err.
func respond(body string, err error) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		read := io.MultiReader(strings.NewReader(body), errReader{err})
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(read), Request: r}, nil
	})
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// What the transport says for itself comes back as it is; what the network did is a failure.
func TestErrorsOfTheTransport(t *testing.T) {
	t.Parallel()
	disk := &os.PathError{Op: "write", Path: "journal.db", Err: syscall.ENOSPC}
	lost := errors.New("answer is incomplete")
	refusal := &own{"build"}
	_, whole := agenttest.Stream(agenttest.Say("hello"), 0, "m")
	half := string(whole[:len(whole)/2])
	fails := func(err error) http.RoundTripper {
		return transportFunc(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	tests := []struct {
		name string
		rt   http.RoundTripper
		own  error // found with errors.Is; nil: a failure
	}{
		{"refusal", fails(fmt.Errorf("reserve: %w", refusal)), refusal},
		{"full disk", fails(fmt.Errorf("intend: %w", disk)), disk},
		{"journal in the middle", respond(half, fmt.Errorf("settle: %w", disk)), disk},
		{"journal at the start", respond("", disk), disk},
		{"reset", fails(&url.Error{Op: "Post", URL: "http://x/secret-token", Err: syscall.ECONNRESET}), nil},
		{"reset in the middle", respond(half, syscall.ECONNRESET), nil},
		{"unexpected end", respond(half, io.ErrUnexpectedEOF), nil},
		{"clean end in the middle", respond(half, io.EOF), nil},
		{"lost", respond(half, fmt.Errorf("read answer: %w", lost)), nil},
		{"untyped", fails(errors.New("net/http: HTTP/1.x transport connection broken: malformed HTTP status code")), nil},
		{"http2", fails(fmt.Errorf("send: %w", errors.New("http2: server sent GOAWAY and closed the connection"))), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, "https://example.com/secret-token", with(tt.rt), func(c *anthropic.Config) {
				c.Lost = func(err error) bool { return errors.Is(err, lost) }
			})
			_, err := c.Complete(t.Context(), agenttest.Ask())
			var f *agent.Failure
			failure := errors.As(err, &f)
			if tt.own == nil {
				if !failure || f.Class != agent.Retry || strings.Contains(f.Error(), "secret-token") {
					t.Errorf("got %v, want a failure of class retry without the address", err)
				}
				return
			}
			if failure || !errors.Is(err, tt.own) {
				t.Errorf("got %v, want %v as it is", err, tt.own)
			}
			var o *own
			if errors.Is(tt.own, refusal) && !errors.As(err, &o) {
				t.Error("the refusal is not found")
			}
		})
	}
}

// A whole answer counts although the connection stays open, and although closing it fails.
func TestAnswerIsCompleteAtMessageStop(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := agenttest.Serve(t, agenttest.Turn{Text: "done", Fault: &agenttest.Fault{Hold: hold}})
	resp, err := client(t, s.URL).Complete(t.Context(), agenttest.Ask())
	close(hold)
	if err != nil || resp.Message.Words() != "done" {
		t.Errorf("%+v, %v", resp, err)
	}
	_, body := agenttest.Stream(agenttest.Say("hello"), 0, "m")
	rt := respond(string(body), errors.New("must not be read"))
	if _, err := client(t, "https://example.com", with(rt)).Complete(t.Context(), agenttest.Ask()); err != nil {
		t.Errorf("reading went on beyond message_stop: %v", err)
	}
}
