package control

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Version is that of the protocol. Fields are only ever added; a message of another version, or with
// a field that is not known here, is refused.
const Version = 1

// MaxLine is the longest line of either side, in bytes, its end included.
const MaxLine = 64 << 10

// Greeting is the first line on every connection, from the build.
type Greeting struct {
	Version int    `json:"version"`
	Build   string `json:"build"`
	Folder  string `json:"folder"`
	PID     int    `json:"pid"`
}

// Look is the verb of a request that orders nothing: it is answered with how the build stands.
const Look = "look"

// Request is an order as it comes over the wire. Which fields count depends on Verb.
type Request struct {
	Version   int    `json:"version"`
	ID        string `json:"id,omitempty"` // chosen by the client; the same id is the same order
	Verb      string `json:"verb"`         // pause | continue | stop | cap | note | answer | look
	MaxCost   string `json:"max_cost,omitempty"`
	MaxTokens *int64 `json:"max_tokens,omitempty"`
	Phase     string `json:"phase,omitempty"`
	Task      string `json:"task,omitempty"`
	Text      string `json:"text,omitempty"`
	Wait      bool   `json:"wait,omitempty"` // of pause: a second reply comes when nothing is in flight; the connection then ends
}

// Reply answers a request.
type Reply struct {
	Version int        `json:"version"`
	ID      string     `json:"id,omitempty"`
	Verb    string     `json:"verb,omitempty"`
	Seq     uint64     `json:"seq,omitempty"`   // number of the order's record
	Point   string     `json:"point,omitempty"` // of the build at which it takes effect
	Time    *time.Time `json:"time,omitempty"`  // of the record
	Reached bool       `json:"reached,omitempty"`
	Look    *Standing  `json:"look,omitempty"`
	Error   *Fault     `json:"error,omitempty"`
}

// Standing is how a running build stands.
type Standing struct {
	State     string `json:"state"`
	Held      bool   `json:"held"`      // paused by an order
	Flying    int    `json:"flying"`    // calls and effects that are going on
	Questions int    `json:"questions"` // that wait for answers
	Seq       uint64 `json:"seq"`       // of the newest record
}

// Fault says why a request was not taken. Codes are stable; texts are for people and must be made
// safe before a terminal shows them.
type Fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error says code and message.
func (f *Fault) Error() string { return f.Code + ": " + f.Message }

// Codes of this room.
const (
	CodeSyntax = "E_CONTROL_SYNTAX" // not one JSON object of this version a line; the connection ends
	CodeLong   = "E_CONTROL_LONG"   // a line of more than MaxLine bytes; the connection ends
	CodeBusy   = "E_CONTROL_BUSY"   // too many connections at the same time; the connection ends
)

// errLong is a line that is longer than MaxLine.
var errLong = errors.New("line is too long")

// readLine reads one line of at most MaxLine bytes from r, whose buffer has that size. io.EOF means
// that there is none; a last line without an end is none either.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errLong
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	return bytes.TrimSpace(line), nil
}

// decode reads one strict JSON object.
func decode(line []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if len(line) == 0 || line[0] != '{' {
		return errors.New("a line is one JSON object")
	}
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("decode line: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the JSON object")
	}
	return nil
}

// readRequest reads the next request; the fault is what the client did wrong.
func readRequest(r *bufio.Reader) (Request, *Fault, error) {
	var req Request
	line, err := readLine(r)
	switch {
	case errors.Is(err, errLong):
		return req, &Fault{Code: CodeLong, Message: fmt.Sprintf("a line may have %d bytes", MaxLine)}, nil
	case err != nil:
		return req, nil, err
	}
	if err := decode(line, &req); err != nil {
		return req, &Fault{Code: CodeSyntax, Message: err.Error(), Hint: "see docs/control.md"}, nil
	}
	if req.Version != Version {
		return req, &Fault{Code: CodeSyntax, Message: fmt.Sprintf("version %d is not spoken here, version %d is", req.Version, Version), Hint: "use the builder that runs the build"}, nil
	}
	return req, nil, nil
}
