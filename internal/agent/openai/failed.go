package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// Types of failures that are this client's own words.
const (
	// TypeAdapted means that the server refused a part of the request that need not be there. The same
	// question, asked again by the same client, comes without it.
	TypeAdapted = "adapted"
	// TypeTools means that the server, or the model behind it, takes no tools.
	TypeTools = "tools_unsupported"
)

// question is what was asked, and how.
type question struct {
	req    agent.Request
	traits traits
}

// failed turns an error of a send into what [agent.Model] promises: a *agent.Failure when the
// provider or the wire failed, the cause when ctx ended, and any other error as it is. raw is the head
// of the response, nil when none came.
func (c *Client) failed(ctx context.Context, q question, raw *http.Response, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("model call: %w: %w", ctx.Err(), context.Cause(ctx))
	}
	err = failure.Strip(err)
	f := failure.Fault{At: failure.BeforeResponse, Type: failure.TypeConnection, Err: err, Now: c.now()}
	if raw != nil {
		f.At, f.Header, f.RequestID = failure.MidStream, raw.Header, raw.Header.Get("X-Request-Id")
	}
	var refused *refusedError
	var odd *protocolError
	switch {
	case errors.As(err, &refused):
		return c.refused(q, failure.Read(raw.StatusCode, raw.Header, refused.body, c.now()))
	case errors.As(err, &odd):
		f.Type, f.At = failure.TypeProtocol, odd.at
	case !failure.Network(err) && !c.lost(err):
		return fmt.Errorf("model call: %w", err)
	}
	return f.Failure(c.hide)
}

// refused makes a failure of what the provider refused. A part of the request that this server does
// not take is left out from now on: the next send, which is the caller's to make, has a chance.
func (c *Client) refused(q question, f failure.Fault) error {
	out := f.Failure(c.hide)
	switch {
	case f.At != failure.AtHead || !fixable(out):
	case len(q.req.Tools) > 0 && noTools(f):
		out.Class, out.Cause, out.Type = agent.PauseBuild, agent.CauseModel, TypeTools
		out.Message = failure.Clean("the server or its model takes no tools; choose a model that does, or start the server with them: "+f.Message, c.hide)
	case c.habits.learn(q, f):
		out.Class, out.Type, out.Cause = agent.Retry, TypeAdapted, agent.CauseRequest
	}
	return out
}

// fixable says whether a refusal may be about a part of the request.
func fixable(f *agent.Failure) bool {
	return f.Class == agent.FixRequest || f.Status == http.StatusNotFound || f.Status >= 500
}
