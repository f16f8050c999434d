package openai

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Replay implements [agent.Replayer]: it reads a kept body exactly as Complete reads one that arrives.
// Nothing is sent.
func (c *Client) Replay(ctx context.Context, req agent.Request, contentType string, body []byte) (agent.Response, error) {
	raw := &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {contentType}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
	resp, err := c.read(req, raw)
	if err != nil {
		return agent.Response{}, c.failed(ctx, question{req: req, traits: c.habits.now()}, raw, err)
	}
	return resp, nil
}
