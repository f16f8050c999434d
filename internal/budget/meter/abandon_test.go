package meter

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// The end of the answer stands in the spool, its reader has not looked at it yet, and in this moment
// the call is cancelled, or somebody else closes the body: the answer is paid, whole and kept.
func TestAbandonedBetweenSpoolAndReader(t *testing.T) {
	for name, abandon := range map[string]func(context.CancelFunc, io.Closer){
		"cancel": func(cancel context.CancelFunc, _ io.Closer) { cancel() },
		"close":  func(_ context.CancelFunc, body io.Closer) { body.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { abandonedBetween(t, abandon) })
		})
	}
}

func abandonedBetween(t *testing.T, abandon func(context.CancelFunc, io.Closer)) {
	seen, rest := toolAnswer()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	release := make(chan struct{})
	w.onWrite = func(spooled []byte) {
		if bytes.HasSuffix(spooled, []byte(rest)) {
			<-release
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, err := w.door(answering(200, sse, iotest.OneByteReader(strings.NewReader(seen+rest)))).RoundTrip(request(ctx, "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	type end struct {
		got string
		err error
	}
	read := make(chan end, 1)
	go func() {
		got, err := io.ReadAll(resp.Body)
		read <- end{string(got), err}
	}()
	synctest.Wait() // the reader is held
	go abandon(cancel, resp.Body)
	synctest.Wait() // whoever abandons the answer has come as far as it comes
	close(release)
	if e := <-read; e.got != seen+rest || e.err != nil {
		t.Errorf("read %d bytes of %d, %v", len(e.got), len(seen+rest), e.err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if s := w.only(t); s.Fate != budget.Answered || string(w.blobs[s.Answer]) != seen+rest {
		t.Errorf("%+v", s)
	}
}

// A reader who waits for the wire keeps nobody from abandoning the answer.
func TestAbandonedWhileTheWireIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, _ := toolAnswer()
		w := newWorld(budget.Caps{USD: budget.Dollar})
		wire, server := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		resp, err := w.door(answering(200, sse, wire)).RoundTrip(request(ctx, "http://host", ask))
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(resp.Body)
			read <- err
		}()
		io.WriteString(server, seen)
		synctest.Wait()
		cancel()
		synctest.Wait()
		if s := w.only(t); s.Fate != budget.Unknown || !strings.Contains(s.Error, "cancelled") || string(w.blobs[s.Answer]) != seen {
			t.Errorf("%+v", s)
		}
		server.Close()
		if err := <-read; !errors.Is(err, ErrIncomplete) {
			t.Errorf("read on: %v", err)
		}
		resp.Body.Close()
	})
}

// An answer that is not streamed may be whole though its connection ends badly, or the call is cancelled before that end.
func TestWholeAnswerWithoutAnEnd(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{context.Canceled, io.ErrUnexpectedEOF} {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		wire := io.MultiReader(strings.NewReader(whole), iotest.ErrReader(cause))
		resp, err := w.door(answering(200, "application/json", wire)).RoundTrip(request(t.Context(), "http://host", strings.Replace(ask, `"stream":true,`, "", 1)))
		if s := w.only(t); s.Fate != budget.Answered || s.Usage != billed {
			t.Errorf("%v: %+v", cause, s)
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != whole || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}
