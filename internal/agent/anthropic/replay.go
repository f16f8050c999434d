package anthropic

import (
	"bytes"
	"context"
	"io"
	"net/http"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Replay implements [agent.Replayer]: it reads a kept body exactly as Complete reads one that
// arrives, through a transport that answers in this process. Nothing is sent. What the body says
// does not depend on the question, so the question is not encoded again.
func (c *Client) Replay(ctx context.Context, req agent.Request, contentType string, body []byte) (agent.Response, error) {
	params := sdk.MessageNewParams{Model: req.Model, MaxTokens: 1}
	return c.send(ctx, params, &http.Client{Transport: recorded{contentType, body}})
}

// recorded answers any request with one kept answer.
type recorded struct {
	contentType string
	body        []byte
}

// RoundTrip implements [http.RoundTripper].
func (r recorded) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close() // it is not read
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {r.contentType}}, ContentLength: int64(len(r.body)),
		Body: io.NopCloser(bytes.NewReader(r.body)), Request: req,
	}, nil
}
