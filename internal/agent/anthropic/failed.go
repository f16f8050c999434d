package anthropic

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"

	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// failed turns an error of a send into what [agent.Model] promises: a *agent.Failure when the
// provider or the wire failed, the cause when ctx ended, and any other error as it is. at is how far
// the send had come.
func (c *Client) failed(ctx context.Context, at failure.Position, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("model call: %w: %w", ctx.Err(), context.Cause(ctx))
	}
	err = failure.Strip(err)
	var api *sdk.Error
	var odd *protocolError
	switch {
	case errors.As(err, &api):
		return c.refused(api)
	case errors.As(err, &odd):
		return odd.fault(c).Failure(c.hide)
	case failure.Network(err) || c.lost(err):
		return failure.Fault{At: at, Type: failure.TypeConnection, Err: err, Now: c.now()}.Failure(c.hide)
	}
	return fmt.Errorf("model call: %w", err)
}

// refused makes a failure of an error response or an error event. The SDK's error is not kept: it
// holds the request with its key.
func (c *Client) refused(api *sdk.Error) error {
	var h http.Header
	if api.Response != nil {
		h = api.Response.Header
	}
	f := failure.Read(api.StatusCode, h, []byte(api.RawJSON()), c.now())
	if f.RequestID == "" {
		f.RequestID = api.RequestID
	}
	return f.Failure(c.hide)
}

// fault is what the classifier is told of an answer that is none.
func (e *protocolError) fault(c *Client) failure.Fault {
	return failure.Fault{At: e.at, Status: e.status, Type: failure.TypeProtocol, Message: e.what, Header: e.header, Err: e, Now: c.now()}
}
