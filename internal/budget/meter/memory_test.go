package meter

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/budget"
)

// void is a ledger and spools that keep nothing, so that what is measured is the meter's own.
type void struct{ *world }

func (v void) Create(string) (Spool, error) { return voidSpool{}, nil }

func (v void) Put(context.Context, []byte) (string, error) { return "", nil }

type voidSpool struct{}

func (voidSpool) Write(p []byte) (int, error)          { return len(p), nil }
func (voidSpool) Sync() error                          { return nil }
func (voidSpool) Keep(context.Context) (string, error) { return "x", nil }
func (voidSpool) Close() error                         { return nil }

// long are the parts of a long answer in a dialect.
type long struct {
	sm                     sample
	begin, word, ping, end string // of text
	open, piece, last      string // of a tool call: of its pieces the last completes it
	whole                  [2]string
}

func longs() []long {
	const kb = 1000
	x := strings.Repeat("x", kb)
	m, c, r := messagesSample(), chatSample(), responsesSample()
	split := func(s string) [2]string {
		before, after, _ := strings.Cut(s, `"model":"m-1"`)
		return [2]string{before + `"filler":"`, `","model":"m-1"` + after}
	}
	return []long{
		{
			sm: m, begin: messageStart() + sseFrame("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`),
			word: sseFrame("content_block_delta", `"index":0,"delta":{"type":"text_delta","text":"`+x+`"}`), ping: sseFrame("ping", ""), end: toolStop(0) + messageEnd("end_turn"),
			open: messageStart() + toolOpen(1, "{}") + toolStop(1), piece: toolOpen(2, x) + toolStop(2), last: messageEnd("tool_use"), whole: split(m.whole),
		},
		{
			sm: c, begin: chatText("a"), word: chatFrame(`"content":"`+x+`"`, ""), ping: ": ping\n\n", end: chatEnd("stop"),
			open: chatTool(0, "a", "{}"), piece: chatTool(1, "b", x), last: chatEnd("tool_calls"), whole: split(c.whole),
		},
		{
			sm: r, begin: responsesStart(), word: sseFrame("response.output_text.delta", `"delta":"`+x+`"`), ping: sseFrame("keepalive", ""), end: sseFrame("response.completed", `"response":`+responsesWhole),
			open: responsesStart() + responseOpen(1) + responseClose(1), piece: responseOpen(2, x) + responseClose(2), last: sseFrame("response.completed", `"response":`+responsesWhole), whole: split(r.whole),
		},
	}
}

// peak is the largest heap seen so far, garbage included.
type peak struct{ base, most uint64 }

func (p *peak) look() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.most = max(p.most, m.HeapAlloc)
}

const tenMB = 10 << 20

// An answer of 10 MB, in whichever form, costs less than 64 MiB above what was there, garbage included;
// text that is handed on costs next to nothing. Not parallel: it measures the whole heap.
func TestMemoryOfTenMegabytes(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much data")
	}
	for _, l := range longs() {
		times := func(s string) io.Reader { return repeat(s, tenMB/len(s)+1) }
		flood := func() io.Reader { return repeat(l.ping, 2<<20/len(l.ping)) }
		forms := []struct {
			name, kind string
			wire       func() io.Reader
			bound      uint64
		}{
			{"text", sse, func() io.Reader {
				return io.MultiReader(strings.NewReader(l.begin), times(l.word), strings.NewReader(l.end))
			}, 16 << 20},
			{"withheld calls", sse, func() io.Reader {
				return io.MultiReader(strings.NewReader(l.open), times(l.piece), strings.NewReader(l.last))
			}, 64 << 20},
			{"pings", sse, func() io.Reader {
				return io.MultiReader(strings.NewReader(l.begin), flood(), strings.NewReader(l.end))
			}, 16 << 20},
			{"pings behind a call", sse, func() io.Reader {
				return io.MultiReader(strings.NewReader(l.open), flood(), strings.NewReader(l.last))
			}, 16 << 20},
			{"one frame", sse, func() io.Reader {
				head, tail, _ := strings.Cut(l.word, strings.Repeat("x", 1000))
				return io.MultiReader(strings.NewReader(l.begin+head), times(strings.Repeat("x", 16<<10)), strings.NewReader(tail+l.end))
			}, 64 << 20},
			{"not streamed", "application/json", func() io.Reader {
				return io.MultiReader(strings.NewReader(l.whole[0]), times(strings.Repeat("x", 16<<10)), strings.NewReader(l.whole[1]))
			}, 64 << 20},
		}
		for _, f := range forms {
			t.Run(l.sm.String()+" "+f.name, func(t *testing.T) {
				w := newWorld(budget.Caps{USD: budget.Dollar})
				var p peak
				runtime.GC()
				p.look()
				p.base = p.most
				door := w.door(answering(200, f.kind, &lookingReader{r: f.wire(), p: &p}))
				door.Spools, door.Blobs = void{w}, void{w}
				resp, err := door.RoundTrip(l.sm.request(t.Context(), "http://host"))
				if err != nil {
					t.Fatal(err)
				}
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, make([]byte, 1<<10))
				if err != nil || n < tenMB && !strings.HasPrefix(f.name, "pings") {
					t.Fatalf("read %d, %v", n, err)
				}
				p.look()
				resp.Body.Close()
				if s := w.only(t); s.Fate != budget.Answered {
					t.Errorf("%+v", s)
				}
				if got := p.most - min(p.base, p.most); got > f.bound {
					t.Errorf("%d MiB above what was there", got>>20)
				}
			})
		}
	}
}

// lookingReader looks at the heap every now and then.
type lookingReader struct {
	r io.Reader
	p *peak
	n int
}

func (l *lookingReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.n += n; l.n > 256<<10 {
		l.n = 0
		l.p.look()
	}
	return n, err
}

// Who reads slowly slows the wire: what is taken from it is what was read, and a little. Guards the
// pull in Read.
func TestASlowReaderSlowsTheWire(t *testing.T) {
	t.Parallel()
	for _, l := range longs() {
		for name, frame := range map[string]string{"text": l.word, "pings": l.ping} {
			t.Run(l.sm.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				pulled := 0
				wire := readerFunc(func(p []byte) (int, error) {
					n := copy(p, frame)
					pulled += n
					return n, nil
				})
				w := newWorld(budget.Caps{USD: budget.Dollar})
				door := w.door(answering(200, sse, io.MultiReader(strings.NewReader(l.begin), wire)))
				resp, err := door.RoundTrip(l.sm.request(t.Context(), "http://host"))
				if err != nil {
					t.Fatal(err)
				}
				for read := len(l.begin); read < 1<<20; read += 1 << 10 {
					if _, err := io.ReadFull(resp.Body, make([]byte, 1<<10)); err != nil {
						t.Fatal(err)
					}
					if ahead := pulled - read; ahead > 64<<10 {
						t.Fatalf("%d bytes ahead of the reader", ahead)
					}
				}
				if b := resp.Body.(*body); cap(b.frames.buf)+b.ready.Cap()+b.held.Cap() > 256<<10 {
					t.Errorf("buffers of %d, %d, %d", cap(b.frames.buf), b.ready.Cap(), b.held.Cap())
				}
				resp.Body.Close()
				if s := w.only(t); s.Fate != budget.Unknown {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

// Pings pass while a finished tool call waits: who is waiting sees that the provider is there.
func TestPingsDoNotWait(t *testing.T) {
	t.Parallel()
	for _, l := range longs() {
		w := newWorld(budget.Caps{USD: budget.Dollar})
		sent := l.open + strings.Repeat(l.ping, 3)
		resp, err := w.door(answering(200, sse, strings.NewReader(sent))).RoundTrip(l.sm.request(t.Context(), "http://host"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if !errors.Is(err, ErrIncomplete) || !strings.HasSuffix(string(got), strings.Repeat(l.ping, 3)) {
			t.Errorf("%s: %q, %v", l.sm, got, err)
		}
		resp.Body.Close()
	}
}
