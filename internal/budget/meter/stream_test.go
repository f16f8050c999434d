package meter

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/seed-c331f47d/builder/internal/budget"
)

func TestStreamIsSettledAndHandedOnWhole(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with the end": iotest.DataErrReader,
	} {
		each(t, name, func(t *testing.T, sm sample) {
			seen, rest := sm.seen, sm.rest
			w := newWorld(budget.Caps{USD: budget.Dollar})
			resp, err := w.door(answering(200, sse, wrap(strings.NewReader(seen+rest)))).RoundTrip(sm.request(t.Context(), "http://host"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(iotest.OneByteReader(resp.Body)) // a slow reader
			if err != nil || string(got) != seen+rest {
				t.Errorf("read %d of %d bytes, %v", len(got), len(seen+rest), err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Error(err)
			}
			s := w.only(t)
			answer := s.Answer
			s.Answer = ""
			want := budget.Settlement{
				Op: testCall(1).Op, Fate: budget.Answered, Model: sm.model, Usage: sm.usage, Cost: sm.cost(), ContentType: sse, Status: 200, Stop: sm.stop, RequestID: "req_1",
			}
			if diff := cmp.Diff(want, s); diff != "" {
				t.Error(diff)
			}
			if string(w.blobs[answer]) != seen+rest {
				t.Error("the answer is not among the blobs")
			}
			if len(w.spools) != 0 || len(w.warned) != 0 {
				t.Errorf("left: %v, %v", w.spools, w.warned)
			}
			if diff := cmp.Diff([]string{"intend", "keep", "settle", "remove"}, w.log); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A tool call is never seen before the settlement is durable, and the settlement does not wait for
// the end of the connection. Guards: `withhold` for the stop of a block that is not inert, and end()
// being called at the terminal frame and not at EOF.
func TestToolCallWaitsForTheSettlement(t *testing.T) {
	t.Parallel()
	each(t, "", toolCallWaits)
}

func toolCallWaits(t *testing.T, sm sample) {
	seen, rest := sm.seen, sm.rest
	hold, over := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		rw.Header().Set("Content-Type", sse)
		io.WriteString(rw, seen+rest)
		rw.(http.Flusher).Flush()
		select { // the connection stays open after message_stop
		case <-req.Context().Done():
		case <-over:
		}
	}))
	defer srv.Close()
	defer close(over)
	w := newWorld(budget.Caps{USD: budget.Dollar})
	settling := make(chan struct{})
	w.onSettle = func(budget.Settlement) error {
		close(settling)
		<-hold
		return nil
	}
	resp, err := NewClient(w.door(srv.Client().Transport)).Do(sm.request(t.Context(), srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	early := make([]byte, len(seen))
	if _, err := io.ReadFull(resp.Body, early); err != nil || string(early) != seen {
		t.Fatalf("text does not pass at once: %v", err)
	}
	early = early[:0]
	released := make(chan []byte, len(rest)) // one for each Read
	go func() {
		defer close(released)
		for err := error(nil); err == nil; {
			var n int
			buf := make([]byte, 64)
			n, err = resp.Body.Read(buf)
			released <- buf[:n]
		}
	}()
	within(t, "settlement while the connection is open", settling)
	if len(released) > 0 {
		t.Fatalf("seen before the settlement: %q", <-released)
	}
	close(hold)
	for p := range released {
		early = append(early, p...)
	}
	if string(early) != rest {
		t.Errorf("after the settlement: %q", early)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if s := w.only(t); s.Fate != budget.Answered {
		t.Errorf("%+v", s)
	}
}

// However a stream is cut, and after whichever byte: settled once, as unknown, nothing of a tool
// call released, nothing booked below the truth. Guards cut() and the reset of what is held.
func TestCutAtEveryByte(t *testing.T) {
	t.Parallel()
	for _, sm := range samples() {
		if n := len(sm.seen + sm.rest); n < 4<<10 {
			t.Errorf("the answer of %s has %d bytes only", sm, n)
		}
	}
	cuts := map[string]func(io.Reader) io.Reader{
		"clean end": func(r io.Reader) io.Reader { return r },
		"reset": func(r io.Reader) io.Reader {
			return io.MultiReader(r, iotest.ErrReader(errors.New("connection reset")))
		},
	}
	stride := map[string]int{"clean end": 1, "reset": 3} // the bytes are the same, their end is not
	for name, wrap := range cuts {
		each(t, name, func(t *testing.T, sm sample) {
			all := sm.seen + sm.rest
			for i := 0; i < len(all); i += stride[name] * sparse() {
				w := newWorld(budget.Caps{USD: budget.Dollar})
				resp, err := w.door(answering(200, sse, wrap(strings.NewReader(all[:i])))).RoundTrip(sm.request(t.Context(), "http://host"))
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				if !errors.Is(err, ErrIncomplete) {
					t.Fatalf("cut at %d: %v", i, err)
				}
				checkCut(t, w, i, string(got), sm)
				if err := resp.Body.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	each(t, "reader closes", func(t *testing.T, sm sample) {
		seen, all := sm.seen, sm.seen+sm.rest
		for i := 0; i < len(all)-1; i += 3 * sparse() {
			w := newWorld(budget.Caps{USD: budget.Dollar})
			wire := io.MultiReader(strings.NewReader(all[:i]), iotest.ErrReader(errors.New("not read")))
			resp, err := w.door(answering(200, sse, wire)).RoundTrip(sm.request(t.Context(), "http://host"))
			if err != nil {
				t.Fatal(err)
			}
			n := min(i, len(seen))
			n = strings.LastIndex(seen[:n], "\n\n") + 1 // all whole frames
			got := make([]byte, n)
			if _, err := io.ReadFull(resp.Body, got); err != nil {
				t.Fatalf("cut at %d: %v", i, err)
			}
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
			checkCut(t, w, i, string(got), sm)
		}
	})
}

// sparse is how many bytes a short run goes on at a time where the whole one looks at every byte.
func sparse() int {
	if testing.Short() {
		return 7
	}
	return 1
}

// each runs a test in every dialect.
func each(t *testing.T, name string, test func(*testing.T, sample)) {
	t.Helper()
	for _, sm := range samples() {
		t.Run(strings.TrimSpace(name+" "+sm.String()), func(t *testing.T) {
			t.Parallel()
			test(t, sm)
		})
	}
}

func checkCut(t *testing.T, w *world, i int, got string, sm sample) {
	t.Helper()
	if !strings.HasPrefix(sm.seen, got) {
		t.Fatalf("cut at %d: released %q", i, got)
	}
	s := w.only(t)
	if s.Fate != budget.Unknown || s.Overrun {
		t.Fatalf("cut at %d: settled as %+v", i, s)
	}
	if a := w.guard.Account(budget.Build); a.Unknown < sm.cost() {
		t.Fatalf("cut at %d: booked %d of %d", i, a.Unknown, sm.cost())
	}
	if i > 0 && s.Answer != "" && len(w.blobs[s.Answer]) > i {
		t.Fatalf("cut at %d: kept %d bytes", i, len(w.blobs[s.Answer]))
	}
}

func TestCancelSettlesAsUnknown(t *testing.T) {
	t.Parallel()
	seen, rest := toolAnswer()
	for name, sent := range map[string]string{"in the text": seen, "in a tool call": seen + rest[:len(rest)-30]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
				rw.Header().Set("Content-Type", sse)
				io.WriteString(rw, sent)
				rw.(http.Flusher).Flush()
				select {
				case <-req.Context().Done():
				case <-over:
				}
			}))
			defer srv.Close()
			defer close(over)
			w := newWorld(budget.Caps{USD: budget.Dollar})
			done := make(chan struct{})
			w.onSettle = func(budget.Settlement) error { close(done); return nil }
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			resp, err := NewClient(w.door(srv.Client().Transport)).Do(request(ctx, srv.URL, ask))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, len(seen))); err != nil {
				t.Fatal(err)
			}
			cancel() // and nobody reads or closes
			within(t, "settlement", done)
			if got, err := io.ReadAll(resp.Body); len(got) > 0 || !errors.Is(err, ErrIncomplete) {
				t.Errorf("released after the cancel: %q, %v", got, err)
			}
			resp.Body.Close()
			if s := w.only(t); s.Fate != budget.Unknown {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Guards `b.err = err` after a settlement that failed: the caller must not act on what is not booked.
func TestFailedSettlementReleasesNothing(t *testing.T) {
	t.Parallel()
	seen, rest := toolAnswer()
	boom := errors.New("disk is gone")
	w := newWorld(budget.Caps{USD: budget.Dollar})
	calls := 0
	w.onSettle = func(budget.Settlement) error { calls++; return boom }
	resp, err := w.door(answering(200, sse, strings.NewReader(seen+rest))).RoundTrip(request(t.Context(), "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if string(got) != seen || !errors.Is(err, boom) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	resp.Body.Close()
	if calls != 1 {
		t.Errorf("settled %d times", calls)
	}
	if len(w.spools) != 1 {
		t.Error("the spool is gone: the answer is lost")
	}
}

// An answer that this machine cannot take in is lost when its spool is, and else waits there, held,
// for the next start. Neither is to be asked again as one that the network lost.
func TestAnswerThatCannotBeKept(t *testing.T) {
	t.Parallel()
	seen, rest := toolAnswer()
	full := errors.New("no space")
	for name, set := range map[string]func(*world){"keep": func(w *world) { w.failKeep = full }, "write": func(w *world) { w.failWrite = full }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(budget.Caps{USD: budget.Dollar})
			set(w)
			resp, err := w.door(answering(200, sse, strings.NewReader(seen+rest))).RoundTrip(request(t.Context(), "http://host", ask))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			if !strings.HasPrefix(seen, string(got)) || !errors.Is(err, full) || !errors.Is(err, ErrUnkept) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
			resp.Body.Close()
			if name == "keep" {
				w.waits(t, err)
				return
			}
			if s := w.only(t); s.Fate != budget.Unknown || s.Answer != "" {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestOddStreams(t *testing.T) {
	t.Parallel()
	start, end := messageStart(), messageEnd("end_turn")
	text := textBlock(0, "hello")
	overloaded := sseFrame("error", `"error":{"type":"overloaded_error","message":"Overloaded"}`)
	tests := []struct {
		name, sent, seen string
		fate             budget.Fate
		kind             string
	}{
		{"text only", start + text + end, start + text + end, budget.Answered, ""},
		{"carriage returns", strings.ReplaceAll(start+text+end, "\n", "\r\n"), strings.ReplaceAll(start+text+end, "\n", "\r\n"), budget.Answered, ""},
		{"lone carriage returns", strings.ReplaceAll(start+text+end, "\n", "\r"), "", budget.Unknown, ""},
		{"a carriage return in a line", start + "data: {}\rdata: {}\n\n" + end, start, budget.Unknown, ""},
		{"byte order mark", "\xef\xbb\xbf" + start + text + end, "", budget.Unknown, ""},
		{"comments and data without event", ": hi\n\n" + strings.ReplaceAll(start+text+end, "event: ", ": "), ": hi\n\n" + strings.ReplaceAll(start+text+end, "event: ", ": "), budget.Answered, ""},
		{"data in two lines", strings.Replace(start+text+end, `data: {"type":"message_stop"}`, "data: {\ndata: \"type\":\"message_stop\"}", 1), strings.Replace(start+text+end, `data: {"type":"message_stop"}`, "data: {\ndata: \"type\":\"message_stop\"}", 1), budget.Answered, ""},
		{"what follows the end is dropped", start + text + end + text, start + text + end, budget.Answered, ""},
		{"error event", start + text + overloaded, start + text + overloaded, budget.Unknown, "overloaded_error"},
		{"error event after a tool call", start + text + toolOpen(1, "{}") + toolStop(1) + overloaded, start + text + toolOpen(1, "{}") + overloaded, budget.Unknown, "overloaded_error"},
		{"error event at once", overloaded, overloaded, budget.Unknown, "overloaded_error"},
		{"no usage in the delta", start + text + sseFrame("message_delta", `"delta":{"stop_reason":"end_turn"}`) + sseFrame("message_stop", ""), start + text, budget.Unknown, ""},
		{"usage is null", start + text + sseFrame("message_delta", `"delta":{"stop_reason":"end_turn"},"usage":null`) + sseFrame("message_stop", ""), start + text, budget.Unknown, ""},
		{"usage is negative", start + text + sseFrame("message_delta", `"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":-1}`) + sseFrame("message_stop", ""), start + text, budget.Unknown, ""},
		{"usage is huge", start + text + sseFrame("message_delta", `"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9007199254740993}`) + sseFrame("message_stop", ""), start + text, budget.Unknown, ""},
		{"usage is no number", start + text + sseFrame("message_delta", `"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1e99}`) + sseFrame("message_stop", ""), start + text, budget.Unknown, ""},
		{"no start", text + end, text, budget.Unknown, ""},
		{"no stop reason", start + text + sseFrame("message_stop", ""), start + text, budget.Unknown, ""},
		{"stop without delta's reason", start + text + sseFrame("message_delta", `"delta":{"stop_reason":null},"usage":{"output_tokens":3}`) + sseFrame("message_stop", ""), start + text, budget.Unknown, ""},
		{"name and type differ", start + "event: ping\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n" + end, start, budget.Unknown, ""},
		{"an event without data", start + "event: message_stop\n\n", start, budget.Unknown, ""},
		{"not JSON", start + "data: [DONE]\n\n", start, budget.Unknown, ""},
		{"a tool without a start", start + toolStop(7), start, budget.Unknown, ""},
		{"an unknown block", start + strings.ReplaceAll(toolOpen(1), "tool_use", "future_tool") + toolStop(1), start + strings.ReplaceAll(toolOpen(1), "tool_use", "future_tool"), budget.Unknown, ""},
		{"the provider's own tools pass", start + strings.ReplaceAll(toolOpen(1), "tool_use", "server_tool_use") + toolStop(1), start + strings.ReplaceAll(toolOpen(1), "tool_use", "server_tool_use") + toolStop(1), budget.Unknown, ""},
		{"unknown events wait", start + sseFrame("message_done", "") + text, start, budget.Unknown, ""},
		{"nothing", "", "", budget.Unknown, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(budget.Caps{USD: budget.Dollar})
			resp, err := w.door(answering(200, sse, strings.NewReader(tc.sent))).RoundTrip(request(t.Context(), "http://host", ask))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			if diff := cmp.Diff(tc.seen, string(got)); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (tc.fate == budget.Answered) {
				t.Error(err)
			}
			resp.Body.Close()
			if s := w.only(t); s.Fate != tc.fate || s.ErrorType != tc.kind {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestCacheWritesWithoutTimeToLive(t *testing.T) {
	t.Parallel()
	sent := sseFrame("message_start", `"message":{"model":"m","usage":{"input_tokens":10,"cache_creation_input_tokens":300,"output_tokens":1}}`) + messageEnd("end_turn")
	for body, want := range map[string]budget.Usage{
		ask: {Input: 10, CacheWrite1h: 300, Output: 42},
		strings.Replace(ask, `"hi"`, `[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]`, 1):            {Input: 10, CacheWrite5m: 300, Output: 42},
		strings.Replace(ask, `"hi"`, `[{"type":"text","text":"hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]`, 1): {Input: 10, CacheWrite1h: 300, Output: 42},
	} {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		resp, err := w.door(answering(200, sse, strings.NewReader(sent))).RoundTrip(request(t.Context(), "http://host", body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		if diff := cmp.Diff(want, w.only(t).Usage); diff != "" {
			t.Error(body, diff)
		}
	}
}

// Text of any length passes in bounded memory; what is withheld, and a single frame, are bounded by
// an error.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	word := sseFrame("content_block_delta", `"index":0,"delta":{"type":"text_delta","text":"`+strings.Repeat("x", 1000)+`"}`)
	const n = 10 << 10 // frames of more than 1000 bytes: over 10 MB
	open := sseFrame("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`)
	w := newWorld(budget.Caps{USD: budget.Dollar})
	wire := io.MultiReader(strings.NewReader(messageStart()+open), repeat(word, n), strings.NewReader(toolStop(0)+messageEnd("end_turn")))
	resp, err := w.door(answering(200, sse, wire)).RoundTrip(request(t.Context(), "http://host", ask))
	if err != nil {
		t.Fatal(err)
	}
	b := resp.Body.(*body)
	read, most := 0, 0
	buf := make([]byte, 32<<10)
	for err == nil {
		var k int
		k, err = b.Read(buf)
		read += k
		most = max(most, cap(b.frames.buf)+b.ready.Cap()+b.held.Cap())
	}
	if !errors.Is(err, io.EOF) || read < 10<<20 {
		t.Fatalf("read %d, %v", read, err)
	}
	if most > 256<<10 {
		t.Errorf("buffered %d bytes", most)
	}
	resp.Body.Close()

	limits := map[string]func(*Transport) string{
		"withheld": func(d *Transport) string {
			d.withheldLimit = 10 << 10
			return messageStart() + toolOpen(1) + toolStop(1) + strings.Repeat(word, 20)
		},
		"frame": func(d *Transport) string { d.frameLimit = 500; return messageStart() + word },
		"line, no end": func(d *Transport) string {
			d.frameLimit = 500
			return messageStart() + "data: " + strings.Repeat("x", 100_000)
		},
		"many comments": func(d *Transport) string { d.frameLimit = 500; return messageStart() + strings.Repeat(": x\n", 10_000) },
	}
	for name, set := range limits {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		door := w.door(nil)
		sent := set(door)
		door.Base = answering(200, sse, strings.NewReader(sent+messageEnd("tool_use")))
		resp, err := door.RoundTrip(request(t.Context(), "http://host", ask))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); !errors.Is(err, ErrIncomplete) || strings.Contains(string(got), "message_stop") {
			t.Errorf("%s: %v", name, err)
		}
		resp.Body.Close()
		if s := w.only(t); s.Fate != budget.Unknown {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// repeat reads s n times.
func repeat(s string, n int) io.Reader {
	r := bytes.NewReader(nil)
	return readerFunc(func(p []byte) (int, error) {
		if r.Len() == 0 {
			if n == 0 {
				return 0, io.EOF
			}
			n--
			r.Reset([]byte(s))
		}
		return r.Read(p)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
