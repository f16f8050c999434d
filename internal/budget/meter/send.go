package meter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// send carries out an admitted call. Whatever happens below, the hold is settled when it returns, or
// the body of the answer has taken that over.
func (t *Transport) send(req *http.Request, d dialect, q question, hold budget.Hold) (resp *http.Response, err error) {
	fl := newFlight(context.WithoutCancel(req.Context()), t, hold)
	fl.mask = secrets(req.Header)
	handed := false
	defer func() {
		if handed {
			return
		}
		// This counts only when something below panics.
		if counted, serr := fl.settle(unknown(hold, "the call was given up")); counted {
			err = errors.Join(err, serr)
		}
	}()
	if hold.MaxTokens < 1 || hold.MaxTokens > q.maxTokens {
		return nil, fl.give(unsent(hold, "the hold does not fit the call"), unmetered("hold of %d for %d output tokens", hold.MaxTokens, q.maxTokens))
	}
	if err := fl.open(); err != nil {
		return nil, fl.give(unsent(hold, "no spool"), err)
	}
	out, once := outgoing(req, q.shrunk(hold.MaxTokens))
	faultpoint.Pass("send.before_write")
	resp, err = t.base().RoundTrip(out)
	faultpoint.Pass("send.after_write")
	if err != nil {
		s := unknown(hold, clean(err.Error(), fl.mask...))
		if !once.seal() {
			s.Fate = budget.Free
		}
		return nil, fl.give(s, fmt.Errorf("send %s: %w", hold.Op, err))
	}
	if resp.Header == nil {
		resp.Header = http.Header{}
	}
	kind := label(resp)
	fl.heard(resp)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return fl.failure(d, resp)
	case resp.Header.Get("Content-Encoding") != "" && resp.Header.Get("Content-Encoding") != "identity":
		err := fmt.Errorf("read answer of %s: it is packed: %w", hold.Op, ErrIncomplete)
		return nil, errors.Join(fl.give(unknown(hold, "the answer is packed"), err), resp.Body.Close())
	case kind == eventStream:
		resp.Body = newBody(req.Context(), fl, resp.Body, d.stream(hold.Cache))
		resp.ContentLength = -1
		resp.Header.Del("Content-Length")
		handed = true
		return resp, nil
	}
	return fl.whole(d, resp)
}

// whole takes in an answer that is not streamed. Nothing of it is seen before it is settled.
func (fl *flight) whole(d dialect, resp *http.Response) (*http.Response, error) {
	var body bytes.Buffer
	taken := false
	defer func() { // a panic came before it was taken in, and what is spooled may be all of it
		if !taken && fl.spooled() == int64(body.Len()) {
			_, err := fl.settle(settlement(fl.hold, d.whole(body.Bytes(), fl.hold.Cache)))
			fl.t.warn(err)
		}
	}()
	n, err := io.Copy(io.MultiWriter(&body, fl), io.LimitReader(resp.Body, maxAnswer+1))
	err = errors.Join(err, resp.Body.Close())
	taken = true
	if err == nil && n > maxAnswer {
		err = fmt.Errorf("more than %d bytes", maxAnswer)
	}
	s := settlement(fl.hold, d.whole(body.Bytes(), fl.hold.Cache))
	if err != nil && (s.Fate != budget.Answered || n > maxAnswer || fl.spooled() != int64(body.Len())) { // else only the end of the connection is missing
		return nil, fl.give(unknown(fl.hold, clean(err.Error())), fmt.Errorf("read answer of %s: %w: %w", fl.hold.Op, ErrIncomplete, err))
	}
	if s.Fate != budget.Answered && !noAnswer(d, body.Bytes()) {
		return nil, fl.give(s, fmt.Errorf("read answer of %s: %s: %w", fl.hold.Op, s.Error, ErrIncomplete))
	}
	if _, err := fl.settle(s); err != nil {
		return nil, err
	}
	return withBody(resp, body.Bytes()), nil
}

// noAnswer says whether a body is none of an answer, nor the beginning of one: a page, a text, or an
// error object under status 200. Nobody can act on it, and what it says is why there is no answer.
func noAnswer(d dialect, body []byte) bool {
	text := bytes.TrimSpace(body)
	if len(text) == 0 || text[0] != '{' {
		return true
	}
	_, _, shaped := d.failure(text)
	return shaped
}

// failure takes in an answer with an error status, or a redirect, and hands it on once it is settled.
func (fl *flight) failure(d dialect, resp *http.Response) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxFailure))
	err = errors.Join(err, resp.Body.Close())
	kind, message, shaped := d.failure(body)
	if message == "" {
		message = http.StatusText(resp.StatusCode)
	}
	s := budget.Settlement{
		Op: fl.hold.Op, Fate: failureFate(resp.StatusCode, shaped), ErrorType: clean(kind), Error: clean(message, fl.mask...),
		RetryAfterMS: retryAfter(resp.Header, fl.t.now()).Milliseconds(),
	}
	fl.keepFailure(resp, body, &s)
	if _, err := fl.settle(s); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("read answer of %s, status %d: %w", fl.hold.Op, resp.StatusCode, err)
	}
	return withBody(resp, body), nil
}

func withBody(resp *http.Response, body []byte) *http.Response {
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return resp
}

func unknown(h budget.Hold, why string) budget.Settlement {
	return budget.Settlement{Op: h.Op, Fate: budget.Unknown, Error: why}
}

func unsent(h budget.Hold, why string) budget.Settlement {
	return budget.Settlement{Op: h.Op, Fate: budget.Free, Error: why}
}
