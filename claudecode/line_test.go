package claudecode_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed-c331f47d/builder/claudecode"
)

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000)
	for _, c := range []struct {
		name, in, want, rest string
		limit                int
		err                  error
	}{
		{name: "T21 several in one read", in: "a\nb\n\nc\n", want: "a|b||c"},
		{name: "T23 long", in: long + "\nb\n", want: long + "|b"},
		{name: "T22 spaces stay", in: " a \nb\t\n", want: " a |b\t"},
		{name: "T26 last line without line break", in: "a\nb", want: "a", rest: "b"},
		{name: "T24 as long as allowed", in: "aaaa\nb\n", want: "aaaa|b", limit: 4},
		{name: "T24 one more", in: "aaaa\nbbbbb\n", want: "aaaa", limit: 4, rest: "bbbb", err: claudecode.ErrLineTooLong},
		{name: "T24 never ends", in: long, limit: 100_000, rest: long[:100_000], err: claudecode.ErrLineTooLong},
		{name: "nothing"},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
			limit := c.limit
			if limit == 0 {
				limit = 1 << 20
			}
			lines, rest, err := claudecode.Lines(r, limit)
			if got := strings.Join(lines, "|"); got != c.want || rest != c.rest || !errors.Is(err, c.err) {
				t.Errorf("%s: got %.50q, rest %.50q, %v", c.name, got, rest, err)
			}
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"type\":\"user\"}\n\nnoise\n{\"a\":\"\\n\"}"), 20, uint8(3))
	f.Add([]byte("\n\r\n\x00"), 1, uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, limit int, chunk uint8) {
		limit = max(1, limit%1000)
		lines, rest, err := claudecode.Lines(&chunks{in, int(chunk)%7 + 1}, limit)
		parts := strings.Split(string(in), "\n")
		for i, want := range parts {
			last := i == len(parts)-1
			if len(want) > limit {
				if !errors.Is(err, claudecode.ErrLineTooLong) || rest != want[:limit] || len(lines) != i {
					t.Fatalf("got %q, rest %q, %v; line %d of %q is too long for %d", lines, rest, err, i, in, limit)
				}
				return
			}
			if last && rest != want || !last && (i >= len(lines) || lines[i] != want) {
				t.Fatalf("got %q, rest %q; want %q at %d", lines, rest, want, i)
			}
		}
		if err != nil || len(lines) != len(parts)-1 {
			t.Fatalf("got %q, %v of %q", lines, err, in)
		}
	})
}

// chunks gives its bytes in small pieces.
type chunks struct {
	left []byte
	n    int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.left[:min(c.n, len(c.left))])
	c.left = c.left[n:]
	return n, nil
}

// Nothing that a line may hold makes the parser panic or forget the line.
func FuzzParseMessage(f *testing.F) {
	for _, c := range messages {
		f.Add([]byte(c.line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := claudecode.ParseMessage(line)
		if m == nil {
			if err == nil {
				t.Fatal("neither a message nor an error")
			}
			return
		}
		h := m.Head()
		if !bytes.Equal(h.Raw, bytes.TrimSpace(line)) || h.Type == "" || (err != nil) != (h.Misfit != nil) {
			t.Fatalf("got %+v, %v", h, err)
		}
		if r, ok := m.(*claudecode.Result); ok && r.Err() != nil && r.Err().Error() == "" {
			t.Fatal("an error that says nothing")
		}
	})
}

var fakeFraming = script("framing", func(f *fake) {
	f.initialize()
	f.print("[SandboxDebug] noise", "", `  {"type":"system","subtype":"x"}  `, "more noise {", `{"type":"new_kind","n":1}`, `{"type":"keep_alive"}`)
	f.print(`{"type":"system","subtype":"long","text":"` + strings.Repeat("y", 300_000) + `"}`)
	fmt.Print(`{"type":"system","subtype":"last"}`)
})

var fakeTorn = script("torn", func(f *fake) {
	f.initialize()
	fmt.Print(`{"type":"system","subtype":"whole"}` + "\n" + `{"type":"system","sub`)
})

var fakeBroken = script("broken", func(f *fake) {
	f.initialize()
	f.print(`{"type":"system","subtype":"whole"}`, `{"type":"system",`)
	f.end()
})

var fakeEndless = script("endless", func(f *fake) {
	f.initialize()
	fmt.Print(`{"type":"` + strings.Repeat("z", 5000))
	f.end()
})

func TestFraming(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, fake, want string
		limit            int
		err              error
	}{
		{name: "T21 T23 T25 T26 T51 noise, blanks, long lines, unknown kinds, no last line break", fake: fakeFraming, want: "system/x new_kind system/long system/last"},
		{name: "T26 torn end", fake: fakeTorn, want: "system/whole"},
		{name: "T26 broken line", fake: fakeBroken, want: "system/whole", err: new(claudecode.ProtocolError)},
		{name: "T24 too long", fake: fakeEndless, limit: 1000, err: claudecode.ErrLineTooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := options(c.fake)
			o.MaxLine = c.limit
			s := start(t, o)
			ms, err := collect(s)
			if got := kinds(ms); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			var protocol *claudecode.ProtocolError
			if (err != nil) != (c.err != nil) || c.err != nil && !errors.As(err, &protocol) || c.err == claudecode.ErrLineTooLong && !errors.Is(err, c.err) {
				t.Errorf("got error %v, want %v", err, c.err)
			}
		})
	}
}
