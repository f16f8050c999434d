package anthropic

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Types of failures that are not the provider's words.
const (
	typeConnection = "connection" // the network failed, or the answer was lost on the way
	typeProtocol   = "protocol"   // something answered that does not speak the API
)

// failed turns an error of a send into what [agent.Model] promises: a *agent.Failure when the
// provider or the wire failed, the cause when ctx ended, and any other error as it is.
func (c *Client) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("model call: %w: %w", ctx.Err(), context.Cause(ctx))
	}
	for {
		away, ok := err.(*url.Error) //nolint:errorlint // only the outermost: others may be joined inside
		if !ok {
			break
		}
		err = away.Err // without the address, which may hold a token
	}
	var api *sdk.Error
	var odd *protocolError
	switch {
	case errors.As(err, &api):
		return c.refused(api)
	case errors.As(err, &odd) && odd.redirect != 0:
		return &agent.Failure{Class: agent.PauseBuild, Status: odd.redirect, Type: typeProtocol, Message: c.clean(odd.what)}
	case errors.As(err, &odd):
		return &agent.Failure{Class: agent.Retry, Type: typeProtocol, Message: c.clean(odd.what)}
	case network(err) || c.lost(err):
		return &agent.Failure{Class: agent.Retry, Type: typeConnection, Message: c.clean(err.Error()), Err: err}
	}
	return fmt.Errorf("model call: %w", err)
}

// refused makes a failure of an error response or an error event. The SDK's error is not kept: it
// holds the request with its key.
func (c *Client) refused(api *sdk.Error) *agent.Failure {
	f := fault{status: api.StatusCode, kind: string(api.Type()), code: string(api.ErrorCode()), message: api.Message, now: c.now()}
	if api.Response != nil {
		f.header = api.Response.Header
	}
	id := api.RequestID
	if id == "" {
		id = bodyID(api.RawJSON())
	}
	if f.message == "" {
		f.message = api.RawJSON()
	}
	class, after := f.classify()
	kind := f.kind
	if kind == "" {
		kind = typeProtocol
	}
	return &agent.Failure{Class: class, Status: api.StatusCode, Type: c.clean(kind), Message: c.clean(f.message), RequestID: c.clean(id), After: after}
}

// bodyID is the request id that an error object carries, "" without one.
func bodyID(raw string) string {
	var body struct {
		RequestID string `json:"request_id"`
	}
	if json.Unmarshal([]byte(raw), &body) != nil {
		return ""
	}
	return body.RequestID
}

// network says whether err is of the network rather than of the transport's own making.
func network(err error) bool {
	var (
		op     *net.OpError
		dns    *net.DNSError
		record tls.RecordHeaderError
		alert  tls.AlertError
		cert   *tls.CertificateVerificationError
		slow   net.Error
	)
	switch {
	case errors.As(err, &op), errors.As(err, &dns), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &cert):
		return true
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNREFUSED):
		return true
	case errors.As(err, &slow) && slow.Timeout():
		return true
	}
	return httpOwn(err)
}

// httpOwn knows the errors of net/http that have no type, by how they begin.
func httpOwn(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		for _, prefix := range []string{"net/http: ", "http2: ", "http: server ", "tls: ", "x509: ", "stream error: ", "connection error: ", "malformed HTTP ", "proxyconnect "} {
			if strings.HasPrefix(err.Error(), prefix) {
				return true
			}
		}
	}
	return false
}

// clean makes foreign text fit for a line of a terminal and a log: no control, invisible or
// direction characters, neither key nor address, at most 500 bytes.
func (c *Client) clean(text string) string {
	const most = 500
	text = c.hide.Replace(text)
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return text
	}
	cut := most
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
