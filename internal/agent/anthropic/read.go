package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/packages/ssestream"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// mostWhole bounds an answer that is not streamed, in bytes.
const mostWhole = 64 << 20

// protocolError is an answer that is not what the API promises.
type protocolError struct {
	what   string
	at     failure.Position
	status int // of the response, where it matters
	header http.Header
}

// Error says what is wrong with it.
func (e *protocolError) Error() string { return e.what }

// protocol is a fault of what came after the head of an answer.
func protocol(format string, args ...any) error {
	return &protocolError{what: fmt.Sprintf(format, args...), at: failure.MidStream}
}

// ended is a fault of an answer that came to its end.
func ended(format string, args ...any) error {
	return &protocolError{what: fmt.Sprintf(format, args...), at: failure.AfterEnd}
}

// read reads a response of status below 400: streamed, or whole as some gateways answer.
func read(raw *http.Response) (agent.Response, error) {
	media, _, err := mime.ParseMediaType(raw.Header.Get("Content-Type"))
	odd := &protocolError{at: failure.AtHead, status: raw.StatusCode, header: raw.Header}
	switch {
	case raw.StatusCode >= 300: // never followed: the key would go with it
		odd.what = "the address points elsewhere; that is not followed"
	case raw.StatusCode != http.StatusOK:
		odd.what = fmt.Sprintf("status %d where an answer was expected", raw.StatusCode)
	case err == nil && media == "text/event-stream":
		return readStream(raw)
	case err == nil && media == "application/json":
		return readWhole(raw)
	default:
		odd.what = fmt.Sprintf("an answer of type %q", raw.Header.Get("Content-Type"))
	}
	return agent.Response{}, odd
}

// readStream reads events up to message_stop and not beyond: the connection may stay open.
func readStream(raw *http.Response) (agent.Response, error) {
	stream := ssestream.NewStream[sdk.MessageStreamEventUnion](ssestream.NewDecoder(raw), nil)
	var a answer
	for stream.Next() {
		if err := a.take(stream.Current()); err != nil {
			return agent.Response{}, err
		}
		if a.stopped {
			return a.response()
		}
	}
	var api *sdk.Error
	switch err := stream.Err(); {
	case errors.As(err, &api):
		return agent.Response{}, err
	case err != nil:
		return agent.Response{}, protocol("the stream cannot be read: %v", err)
	}
	return agent.Response{}, protocol("the stream ended before the answer was complete")
}

func readWhole(raw *http.Response) (agent.Response, error) {
	body, err := io.ReadAll(io.LimitReader(raw.Body, mostWhole))
	if err != nil {
		return agent.Response{}, err // the tracked body knows it, too
	}
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return agent.Response{}, ended("the answer is no JSON: %v", err)
	}
	switch kind.Type {
	case "error":
		api := &sdk.Error{Response: raw, StatusCode: raw.StatusCode, RequestID: raw.Header.Get("Request-Id")}
		if err := api.UnmarshalJSON(body); err != nil {
			return agent.Response{}, ended("the error cannot be read: %v", err)
		}
		return agent.Response{}, api
	case "message":
		a := answer{stopped: true}
		if err := json.Unmarshal(body, &a.message); err != nil {
			return agent.Response{}, ended("the answer cannot be read: %v", err)
		}
		return a.response()
	}
	return agent.Response{}, ended("the answer has the type %q", kind.Type)
}
