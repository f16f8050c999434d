package openai

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// Most bytes of an answer that is not streamed, and of an error.
const (
	mostWhole   = 64 << 20
	mostRefusal = 1 << 20
)

// protocolError is an answer that is not what the API promises.
type protocolError struct {
	what string
	at   failure.Position
}

// Error says what is wrong with it.
func (e *protocolError) Error() string { return e.what }

// protocol is an answer that broke the API's rules before its end.
func protocol(format string, args ...any) error {
	return &protocolError{fmt.Sprintf(format, args...), failure.MidStream}
}

// foreign is a head of an answer that is none of the API's.
func foreign(format string, args ...any) error {
	return &protocolError{fmt.Sprintf(format, args...), failure.AtHead}
}

// incomplete is an answer that came to its end and is none all the same.
func incomplete(format string, args ...any) error {
	return &protocolError{fmt.Sprintf(format, args...), failure.AfterEnd}
}

// refusedError is an error in the words of the provider: the body of an error status, or an event or
// object that carries an error.
type refusedError struct{ body []byte }

// Error says what it is; the words are read by package failure.
func (e *refusedError) Error() string { return "the provider answered with an error" }

// gatherer collects the events of one answer.
type gatherer interface {
	// take adds an event; done says that it was the last one. What is not known is left out.
	take(e event) (done bool, err error)
	// response is the answer as neutral words, after the last event.
	response() (agent.Response, error)
}

// read reads a response and closes it.
func (c *Client) read(req agent.Request, raw *http.Response) (resp agent.Response, err error) {
	defer func() { _ = raw.Body.Close() }() // an answer that is complete stays so, and one that is not has its own error
	media, _, err := mime.ParseMediaType(raw.Header.Get("Content-Type"))
	switch {
	case raw.StatusCode >= 300:
		body, err := io.ReadAll(io.LimitReader(raw.Body, mostRefusal))
		if err != nil && len(body) == 0 {
			return resp, err
		}
		return resp, &refusedError{body}
	case raw.StatusCode != http.StatusOK:
		return resp, foreign("status %d where an answer was expected", raw.StatusCode)
	case err == nil && media == "text/event-stream":
		resp, err = c.readStream(raw.Body)
	case err == nil && media == "application/json":
		resp, err = c.readWhole(raw.Body)
	default:
		return resp, foreign("an answer of type %q", raw.Header.Get("Content-Type"))
	}
	if err == nil && len(req.Schema) > 0 {
		unwrap(&resp.Message)
	}
	return resp, err
}

// readStream reads events up to the last one of an answer and not beyond: the connection may stay
// open.
func (c *Client) readStream(body io.Reader) (agent.Response, error) {
	stream, answer := newEvents(body), c.wire.stream()
	for {
		e, err := stream.next()
		if errors.Is(err, io.EOF) {
			return agent.Response{}, protocol("the stream ended before the answer was complete")
		}
		if err != nil {
			return agent.Response{}, err
		}
		done, err := answer.take(e)
		if err != nil {
			return agent.Response{}, err
		}
		if done {
			return answer.response()
		}
	}
}

func (c *Client) readWhole(body io.Reader) (agent.Response, error) {
	raw, err := io.ReadAll(io.LimitReader(body, mostWhole))
	if err != nil {
		return agent.Response{}, err
	}
	return c.wire.whole(raw)
}
