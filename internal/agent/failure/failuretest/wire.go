package failuretest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// ErrNoWire means that a row cannot be shown over a wire of this family.
var ErrNoWire = errors.New("not shown on the wire")

// Respond does to a request what the row says, in process. start is how an answer of the family
// begins, up to some content: rows in mid-stream go on from there. What fails while dialing leaves
// the request unread; everything else reads it.
func (r Row) Respond(t testing.TB, family string, start []byte, req *http.Request) (*http.Response, error) {
	t.Helper()
	err := r.Error(t)
	if _, dials := dialing()[r.Err]; !dials && req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
	}
	switch {
	case r.At == failure.BeforeResponse:
		return nil, err
	case r.Err == "protocol" && r.At != failure.MidStream:
		return nil, ErrNoWire
	case r.Err == "protocol":
		return answer(req, 200, stream(), strings.NewReader(string(start)+"event: content_block_delta\ndata: {broken\n\n")), nil
	case err != nil:
		return answer(req, 200, stream(), io.MultiReader(strings.NewReader(string(start)), broken{err})), nil
	case r.At == failure.MidStream:
		name := ""
		if family == "anthropic" {
			name = "event: error\n"
		}
		return answer(req, 200, stream(), strings.NewReader(string(start)+name+"data: "+r.Body+"\n\n")), nil
	}
	return answer(req, r.Status, r.Head(), strings.NewReader(r.Body)), nil
}

// OnWire says whether Respond can show the row.
func (r Row) OnWire() bool { return r.Err != "protocol" || r.At == failure.MidStream }

func stream() http.Header { return http.Header{"Content-Type": {"text/event-stream"}} }

func answer(req *http.Request, status int, h http.Header, body io.Reader) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, ContentLength: -1, Body: io.NopCloser(body), Request: req,
	}
}

// broken is a body that breaks off.
type broken struct{ err error }

// Read implements [io.Reader].
func (b broken) Read([]byte) (int, error) { return 0, b.err }
