package openai

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// DefaultBaseURL is OpenAI's own address.
const DefaultBaseURL = "https://api.openai.com"

// API is one of the two wires.
type API string

// The wires.
const (
	Responses API = "responses" // POST /v1/responses
	Chat      API = "chat"      // POST /v1/chat/completions
)

// APIOf is the wire that suits an address: Responses for OpenAI's own hosts, Chat for all others. The
// empty address is [DefaultBaseURL].
func APIOf(base string) API {
	if own(base) {
		return Responses
	}
	return Chat
}

// own says whether base is OpenAI's own.
func own(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return base == "" || host == "api.openai.com" || strings.HasSuffix(host, ".api.openai.com")
}

// Config says how to reach the provider.
type Config struct {
	// HTTPClient sends; it MUST be set, as every model call passes the meter in its transport. It
	// is not changed; its redirect policy is not used, as redirects are never followed.
	HTTPClient *http.Client
	// BaseURL is the address: https, or http on loopback. One with a path is complete, as in
	// OpenAI's own clients (…/v1, …/v1beta/openai); to one without, /v1 is added. "" means
	// DefaultBaseURL.
	BaseURL string
	API     API          // "" means APIOf(BaseURL)
	Key     endpoint.Key // the zero value sends none
	// Lost says that an error of HTTPClient's transport means that the answer was lost on the way,
	// besides what is known as a network failure. Nil means none. All other errors of the transport
	// are its own (a refusal, a journal that cannot write) and are returned as they are.
	Lost func(error) bool
	Now  func() time.Time // for dates in failures; nil means time.Now
}

// Client asks one provider. It is safe for concurrent use.
type Client struct {
	http   *http.Client
	url    string
	key    endpoint.Key
	wire   wire
	habits *habits
	hide   *strings.Replacer // takes key and address out of texts
	lost   func(error) bool
	now    func() time.Time
}

var (
	_ agent.Model    = (*Client)(nil)
	_ agent.Replayer = (*Client)(nil)
)

// wire is one of the two dialects.
type wire interface {
	path() string
	encode(req agent.Request, t traits) ([]byte, error)
	stream() gatherer
	whole(body []byte) (agent.Response, error)
}

// New checks c and makes a client. It connects to nothing.
func New(c Config) (*Client, error) {
	if c.HTTPClient == nil {
		return nil, errors.New("make openai client: no HTTP client")
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if err := errors.Join(endpoint.Check(c.BaseURL), endpoint.CheckKey(c.Key)); err != nil {
		return nil, fmt.Errorf("make openai client: %w", err)
	}
	if c.API == "" {
		c.API = APIOf(c.BaseURL)
	}
	var w wire
	switch c.API {
	case Responses:
		w = responsesWire{}
	case Chat:
		w = chatWire{}
	default:
		return nil, fmt.Errorf("make openai client: no wire %q", c.API)
	}
	if c.Lost == nil {
		c.Lost = func(error) bool { return false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	client := *c.HTTPClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		http: &client, url: address(c.BaseURL) + w.path(), key: c.Key, wire: w, habits: newHabits(own(c.BaseURL), c.API),
		hide: endpoint.Hide(c.BaseURL, c.Key), lost: c.Lost, now: c.Now,
	}, nil
}

// address is the base that paths are added to.
func address(base string) string {
	base = strings.TrimRight(base, "/")
	if u, err := url.Parse(base); err == nil && u.Path == "" {
		return base + "/v1"
	}
	return base
}

// Complete implements [agent.Model]. It sends once, streamed, and returns when the stream's last
// event has come.
func (c *Client) Complete(ctx context.Context, req agent.Request) (agent.Response, error) {
	traits := c.habits.now()
	body, err := c.wire.encode(req, traits)
	if err != nil {
		return agent.Response{}, fmt.Errorf("encode model call: %w", err)
	}
	raw, err := c.post(ctx, body)
	if err != nil {
		return agent.Response{}, c.failed(ctx, question{req, traits}, nil, err)
	}
	limits := failure.Limits(raw.Header, c.now())
	resp, err := c.read(req, raw)
	if err != nil {
		return agent.Response{}, c.failed(ctx, question{req, traits}, raw, err)
	}
	resp.Limits = limits
	return resp, nil
}

// post sends a body.
func (c *Client) post(ctx context.Context, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the address cannot be asked") // the error would repeat it
	}
	req.GetBody = nil // nobody sends it again
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream, application/json")
	req.Header.Set("User-Agent", "builder")
	if key := c.key.Reveal(); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	return c.http.Do(req)
}
