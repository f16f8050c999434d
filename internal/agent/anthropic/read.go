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
)

// mostWhole bounds an answer that is not streamed, in bytes.
const mostWhole = 64 << 20

// protocolError is an answer that is not what the API promises.
type protocolError struct {
	what     string
	redirect int // the status of an answer that points elsewhere, which is never followed: the key would go with it
}

// Error says what is wrong with it.
func (e *protocolError) Error() string { return e.what }

func protocol(format string, args ...any) error {
	return &protocolError{what: fmt.Sprintf(format, args...)}
}

// read reads a response of status below 400: streamed, or whole as some gateways answer.
func read(raw *http.Response) (agent.Response, error) {
	media, _, err := mime.ParseMediaType(raw.Header.Get("Content-Type"))
	switch {
	case raw.StatusCode >= 300:
		return agent.Response{}, &protocolError{what: "the address points elsewhere; that is not followed", redirect: raw.StatusCode}
	case raw.StatusCode != http.StatusOK:
		return agent.Response{}, protocol("status %d where an answer was expected", raw.StatusCode)
	case err == nil && media == "text/event-stream":
		return readStream(raw)
	case err == nil && media == "application/json":
		return readWhole(raw)
	}
	return agent.Response{}, protocol("an answer of type %q", raw.Header.Get("Content-Type"))
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
		return agent.Response{}, protocol("the answer is no JSON: %v", err)
	}
	switch kind.Type {
	case "error":
		api := &sdk.Error{Response: raw, StatusCode: raw.StatusCode, RequestID: raw.Header.Get("Request-Id")}
		if err := api.UnmarshalJSON(body); err != nil {
			return agent.Response{}, protocol("the error cannot be read: %v", err)
		}
		return agent.Response{}, api
	case "message":
		a := answer{stopped: true}
		if err := json.Unmarshal(body, &a.message); err != nil {
			return agent.Response{}, protocol("the answer cannot be read: %v", err)
		}
		return a.response()
	}
	return agent.Response{}, protocol("the answer has the type %q", kind.Type)
}
