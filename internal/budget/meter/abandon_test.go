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

// waiting is an answer of which seen has come, and whose reader waits for the wire, another goroutine in a
// bubble of synctest. What ends the reader comes from ended.
func (w *world) waiting(ctx context.Context, t *testing.T, seen string) (answer io.ReadCloser, server *io.PipeWriter, ended <-chan error) {
	t.Helper()
	wire, server := io.Pipe()
	resp, err := w.door(answering(200, sse, wire)).RoundTrip(request(ctx, "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan error, 1)
	go func() {
		_, err := io.ReadAll(resp.Body)
		end <- err
	}()
	io.WriteString(server, seen)
	synctest.Wait()
	return resp.Body, server, end
}

// A reader who waits for the wire keeps nobody from abandoning the answer.
func TestAbandonedWhileTheWireIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, _ := toolAnswer()
		w := newWorld(budget.Caps{USD: budget.Dollar})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		answer, server, read := w.waiting(ctx, t, seen)
		cancel()
		synctest.Wait()
		if s := w.only(t); s.Fate != budget.Unknown || !strings.Contains(s.Error, "cancelled") || string(w.blobs[s.Answer]) != seen {
			t.Errorf("%+v", s)
		}
		server.Close()
		if err := <-read; !errors.Is(err, ErrIncomplete) {
			t.Errorf("read on: %v", err)
		}
		answer.Close()
	})
}

// Between looking for an end and settling without one, nobody who reads comes in: what it spooled there
// would be whole and booked as unknown.
func TestNobodyReadsWhileAnAnswerIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, rest := toolAnswer()
		w := newWorld(budget.Caps{USD: budget.Dollar})
		answer, server, read := w.waiting(t.Context(), t, seen)
		b := answer.(*body)
		b.fl.mu.Lock() // the settlement has to wait
		go b.Close()
		synctest.Wait()
		select {
		case b.mu <- struct{}{}:
			t.Error("a reader could come in")
			b.mu.Unlock()
		default:
		}
		go func() {
			io.WriteString(server, rest)
			server.Close()
		}()
		b.fl.mu.Unlock()
		if err := <-read; !errors.Is(err, ErrIncomplete) {
			t.Errorf("read on: %v", err)
		}
		if s := w.only(t); s.Fate != budget.Unknown || string(w.blobs[s.Answer]) != seen {
			t.Errorf("%+v", s)
		}
	})
}

// The same by chance: whatever comes first, what is whole in the spool is booked.
func TestAbandonedAsTheEndComes(t *testing.T) {
	seen, rest := toolAnswer()
	for i := range 500 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(budget.Caps{USD: budget.Dollar})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answer, server, _ := w.waiting(ctx, t, seen)
			go func() {
				io.WriteString(server, rest)
				server.Close()
			}()
			if i%2 == 0 {
				cancel()
			} else {
				go answer.Close()
			}
			synctest.Wait()
			if s := w.only(t); s.Fate == budget.Unknown && string(w.blobs[s.Answer]) == seen+rest {
				t.Fatalf("round %d: whole in its spool, and booked as %+v", i, s)
			}
		})
	}
}

// What an incomplete answer has counted already shows an overrun, whoever ends it.
func TestAbandonedOverrun(t *testing.T) {
	t.Parallel()
	start := strings.Replace(messageStart(), `"input_tokens":10`, `"input_tokens":1000000`, 1)
	w := newWorld(budget.Caps{USD: budget.Dollar})
	resp, err := w.door(answering(200, sse, io.MultiReader(strings.NewReader(start+textBlock(0, "a", "b")), strings.NewReader("more")))).RoundTrip(request(t.Context(), "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resp.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if s := w.only(t); s.Fate != budget.Unknown || !s.Overrun {
		t.Errorf("%+v", s)
	}
}

// A sync that fails on the last bytes takes none of them out of the spool: the answer is whole there.
func TestWholeAnswerWhoseSyncFails(t *testing.T) {
	t.Parallel()
	seen, rest := toolAnswer()
	before := seen + ":" + strings.Repeat(".", syncEvery-4-len(seen)) + "\n\n" // one byte less than what is synced
	blank := strings.Repeat(" ", syncEvery-len(whole))
	for name, answer := range map[string]struct{ kind, before, end string }{
		"streamed": {sse, before, rest},
		"whole":    {"application/json", blank, whole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(budget.Caps{USD: budget.Dollar})
			w.failSync = errors.New("sync failed")
			wire := io.MultiReader(strings.NewReader(answer.before), strings.NewReader(answer.end))
			resp, err := w.door(answering(200, answer.kind, wire)).RoundTrip(request(t.Context(), "http://host", ask))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(resp.Body); string(got) != answer.before+answer.end || err != nil {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
			resp.Body.Close()
			if s := w.only(t); s.Fate != budget.Answered || string(w.blobs[s.Answer]) != answer.before+answer.end {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A panic below, when the connection is closed, does not take an answer that is whole.
func TestWholeAnswerWhoseCloseFails(t *testing.T) {
	t.Parallel()
	w := newWorld(budget.Caps{USD: budget.Dollar})
	wire := roundTrip(func(req *http.Request) (*http.Response, error) {
		resp, err := answering(200, "application/json", strings.NewReader(whole))(req)
		resp.Body = panicOnClose{resp.Body}
		return resp, err
	})
	func() {
		defer func() { recover() }()
		w.door(wire).RoundTrip(request(t.Context(), "http://host", ask))
	}()
	if s := w.only(t); s.Fate != budget.Answered || string(w.blobs[s.Answer]) != whole {
		t.Errorf("%+v", s)
	}
}

type panicOnClose struct{ io.Reader }

func (panicOnClose) Close() error { panic("close") }

// A stream whose type was lost on the way is a stream all the same: nothing of it that anybody would act
// on is seen before it is settled.
func TestStreamUnderAnotherType(t *testing.T) {
	t.Parallel()
	seen, rest := toolAnswer()
	for _, kind := range []string{"", "text/plain; charset=utf-8", "application/json", "application/octet-stream"} {
		for begin, extra := range map[string]string{"event": "", "comment": ": hello\n\n", "data": "data: {\"type\":\"ping\"}\n\n"} {
			w := newWorld(budget.Caps{USD: budget.Dollar})
			resp, err := w.door(answering(200, kind, iotest.OneByteReader(strings.NewReader(extra+seen+rest)))).RoundTrip(request(t.Context(), "http://host", ask))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if s := w.only(t); s.Fate != budget.Answered || s.ContentType != "text/event-stream" || string(got) != extra+seen+rest || err != nil || resp.Header.Get("Content-Type") != s.ContentType {
				t.Errorf("%q, %s: %+v, read %d bytes, %v", kind, begin, s, len(got), err)
			}
		}
	}
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
