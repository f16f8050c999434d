package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Patience is an http.RoundTripper that gives up on a provider that says nothing any more, or never
// comes to an end. Streams of models that think, and local servers that read a long prompt, may be
// silent for minutes; a connection that died without a word is silent for ever.
//
// The rules are:
//   - silence is time in which somebody waits for the next byte and none comes: before the head, and
//     while the body is read; a reader that takes its time is not silence;
//   - an answer as a whole has its time, too, whatever keeps coming;
//   - giving up cancels the request, and the error is a time-out of the network.
type Patience struct {
	Base    http.RoundTripper // nil means http.DefaultTransport
	Silence time.Duration     // 0 means 10 minutes
	Total   time.Duration     // 0 means 2 hours
}

// GaveUp is the error of a request that took too long. It is a net.Error.
type GaveUp struct{ what string }

// Error says what took too long.
func (g *GaveUp) Error() string { return g.what }

// Timeout implements net.Error.
func (g *GaveUp) Timeout() bool { return true }

// Temporary implements net.Error.
func (g *GaveUp) Temporary() bool { return true }

// RoundTrip implements [http.RoundTripper].
func (p Patience) RoundTrip(req *http.Request) (*http.Response, error) {
	base, silence, total := p.Base, p.Silence, p.Total
	if base == nil {
		base = http.DefaultTransport
	}
	if silence == 0 {
		silence = 10 * time.Minute
	}
	if total == 0 {
		total = 2 * time.Hour
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &watch{ctx: ctx, cancel: cancel, silence: silence}
	w.end = time.AfterFunc(total, func() { cancel(&GaveUp{fmt.Sprintf("no end of the answer in %s", total)}) })
	w.quiet = time.AfterFunc(silence, func() { cancel(&GaveUp{fmt.Sprintf("no byte for %s", silence)}) })
	resp, err := base.RoundTrip(req.WithContext(ctx))
	w.quiet.Stop()
	if err != nil {
		w.over()
		return nil, w.why(err)
	}
	if resp.Body != nil {
		w.body = resp.Body
		resp.Body = w
	}
	return resp, nil
}

// watch is the body of an answer under watch.
type watch struct {
	ctx     context.Context //nolint:containedctx // of one request, to tell why it was cancelled
	cancel  context.CancelCauseFunc
	silence time.Duration
	quiet   *time.Timer
	end     *time.Timer
	body    io.ReadCloser
}

// Read implements [io.Reader].
func (w *watch) Read(p []byte) (int, error) {
	w.quiet.Reset(w.silence)
	n, err := w.body.Read(p)
	w.quiet.Stop()
	if err != nil {
		w.end.Stop()
		err = w.why(err)
	}
	return n, err
}

// Close implements [io.Closer].
func (w *watch) Close() error {
	err := w.body.Close()
	w.over()
	return err
}

func (w *watch) over() {
	w.quiet.Stop()
	w.end.Stop()
	w.cancel(nil)
}

// why is err, or that the request was given up.
func (w *watch) why(err error) error {
	var gave *GaveUp
	if !errors.Is(err, io.EOF) && errors.As(context.Cause(w.ctx), &gave) {
		return gave
	}
	return err
}
