package offline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// errClosed is what the handler's context says once the reader has closed the answer.
var errClosed = errors.New("the answer's reader closed it")

// NewTransport answers requests by calling h in this process, without a socket. The answer streams
// through a pipe as h writes it. Body.Close ends h's context and returns when h has; a cancelled
// request ends the same way, its body reading as the cancel's cause. Nothing outlives a closed body.
func NewTransport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	in := req.Clone(ctx)
	in.Body, in.RequestURI = body, req.URL.RequestURI()
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	pr, pw := io.Pipe()
	x := &exchange{header: http.Header{}, pipe: pw, begun: make(chan struct{}), ended: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { pw.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer close(x.ended)
		defer stop()
		defer func() { _ = body.Close() }() // its error concerns the sender, who has it
		x.run(t.handler, in)
	}()
	select {
	case <-x.begun:
	case <-ctx.Done():
		cancel(nil)
		<-x.ended
		return nil, context.Cause(ctx)
	}
	out := &answerBody{PipeReader: pr, cancel: cancel, ended: x.ended}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", x.status, http.StatusText(x.status)), StatusCode: x.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: x.sent, Body: out, ContentLength: -1, Request: req,
	}, nil
}

// exchange is the http.ResponseWriter of one call.
type exchange struct {
	header http.Header
	pipe   *io.PipeWriter
	begun  chan struct{} // closed once status and sent are set
	ended  chan struct{} // closed once the handler has returned

	once   sync.Once
	status int
	sent   http.Header
}

// run calls the handler and closes the pipe behind it. A panic ends the answer in the middle, as
// net/http's server does, and not the process.
func (x *exchange) run(h http.Handler, req *http.Request) {
	end := io.ErrUnexpectedEOF
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // recovered values are compared as net/http does
			end = fmt.Errorf("answer in process: handler panicked: %v", p)
		}
		x.WriteHeader(http.StatusOK)
		_ = x.pipe.CloseWithError(end) // never fails
	}()
	h.ServeHTTP(x, req)
	end = context.Cause(req.Context())
}

// Header implements http.ResponseWriter.
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader implements http.ResponseWriter; the first call counts.
func (x *exchange) WriteHeader(status int) {
	x.once.Do(func() {
		x.status, x.sent = status, x.header.Clone()
		close(x.begun)
	})
}

// Write implements http.ResponseWriter.
func (x *exchange) Write(p []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	return x.pipe.Write(p)
}

// Flush implements http.Flusher: every write is passed on at once.
func (x *exchange) Flush() { x.WriteHeader(http.StatusOK) }

// answerBody is the body of an answer in process.
type answerBody struct {
	*io.PipeReader
	cancel context.CancelCauseFunc
	ended  <-chan struct{}
}

// Close ends the handler and waits for it.
func (b *answerBody) Close() error {
	b.cancel(errClosed)
	err := b.PipeReader.Close()
	<-b.ended
	return err
}
