package anthropic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/endpoint"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// DefaultBaseURL is the provider's own address.
const DefaultBaseURL = "https://api.anthropic.com"

// Config says how to reach the provider.
type Config struct {
	// HTTPClient sends; it MUST be set, as every model call passes the meter in its transport. It
	// is not changed; its redirect policy is not used, as redirects are never followed.
	HTTPClient *http.Client
	BaseURL    string       // "" means DefaultBaseURL; https, or http on loopback
	Key        endpoint.Key // the zero value sends none
	// Lost says that an error of HTTPClient's transport means that the answer was lost on the way,
	// besides what is known as a network failure. Nil means none. All other errors of the transport
	// are its own (a refusal, a journal that cannot write) and are returned as they are.
	Lost func(error) bool
	Now  func() time.Time // for dates in failures; nil means time.Now
}

// Client asks one provider. It is safe for concurrent use.
type Client struct {
	api  sdk.Client
	http *http.Client
	hide *strings.Replacer // takes key and address out of texts
	lost func(error) bool
	now  func() time.Time
}

var (
	_ agent.Model    = (*Client)(nil)
	_ agent.Replayer = (*Client)(nil)
)

// New checks c and makes a client. It connects to nothing.
func New(c Config) (*Client, error) {
	if c.HTTPClient == nil {
		return nil, errors.New("make anthropic client: no HTTP client")
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if err := endpoint.Check(c.BaseURL); err != nil {
		return nil, fmt.Errorf("make anthropic client: %w", err)
	}
	if err := endpoint.CheckKey(c.Key); err != nil {
		return nil, fmt.Errorf("make anthropic client: %w", err)
	}
	client := *c.HTTPClient
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	opts := []option.RequestOption{
		option.WithoutEnvironmentDefaults(), option.WithoutOpenTelemetry(), option.WithMaxRetries(0),
		option.WithBaseURL(c.BaseURL), option.WithHTTPClient(&client),
	}
	if key := c.Key.Reveal(); key != "" {
		opts = append(opts, option.WithAPIKey(key))
	}
	if c.Lost == nil {
		c.Lost = func(error) bool { return false }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{api: sdk.NewClient(opts...), http: &client, hide: endpoint.Hide(c.BaseURL, c.Key), lost: c.Lost, now: c.Now}, nil
}

// Complete implements [agent.Model]. It sends once, streamed, and returns when the stream's last
// event has come.
func (c *Client) Complete(ctx context.Context, req agent.Request) (agent.Response, error) {
	params, err := encode(req)
	if err != nil {
		return agent.Response{}, fmt.Errorf("encode model call: %w", err)
	}
	return c.send(ctx, params, c.http)
}

// send makes one request over client and reads the answer.
func (c *Client) send(ctx context.Context, params sdk.MessageNewParams, client *http.Client) (agent.Response, error) {
	body, err := streamed(params)
	if err != nil {
		return agent.Response{}, fmt.Errorf("encode model call: %w", err)
	}
	var raw *http.Response
	if err := c.api.Post(ctx, "v1/messages", nil, &raw, option.WithRequestBody("application/json", body), option.WithHTTPClient(client)); err != nil {
		return agent.Response{}, c.failed(ctx, failure.BeforeResponse, err)
	}
	limits := failure.Limits(raw.Header, c.now())
	answer := &tracked{ReadCloser: raw.Body}
	raw.Body = answer
	resp, err := read(raw)
	_ = answer.Close() // an answer that is complete stays so, and one that is not has its own error
	switch {
	case err == nil:
		resp.Limits = limits
		return resp, nil
	case answer.err != nil:
		return agent.Response{}, c.failed(ctx, failure.MidStream, answer.err)
	default:
		return agent.Response{}, c.failed(ctx, failure.MidStream, err)
	}
}
