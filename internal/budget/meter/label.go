package meter

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"net/http"
)

const eventStream = "text/event-stream"

// label gives a stream of events its type back where something on the way has lost it: its beginning tells
// what it is. Read as anything else it would be handed on before it is settled. It returns the media type.
func label(resp *http.Response) string {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // "" is none
	if resp.StatusCode < 200 || resp.StatusCode > 299 || resp.Body == nil || kind == eventStream {
		return kind
	}
	const least = len("data:")
	start := bufio.NewReaderSize(resp.Body, 16) // the smallest there is: it is not in the spool yet
	head, err := start.Peek(least)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{start, resp.Body}
	if err == nil && (bytes.HasPrefix(head, []byte("event")) || bytes.HasPrefix(head, []byte("data:")) || head[0] == ':') {
		resp.Header.Set("Content-Type", eventStream)
		return eventStream
	}
	return kind
}
