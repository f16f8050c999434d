package meter

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cutAll feeds s in pieces of at most n bytes and returns the frames and what made it stop.
func cutAll(s []byte, n int, size func(int) int) (frames []frame, err error) {
	c := cutter{max: 1 << 20}
	for len(s) > 0 {
		k := min(len(s), 1+size(n))
		c.feed(s[:k])
		s = s[k:]
		for {
			f, ok, err := c.next()
			if err != nil {
				return frames, err
			}
			if !ok {
				break
			}
			frames = append(frames, frame{raw: bytes.Clone(f.raw), event: f.event, data: bytes.Clone(f.data)})
		}
	}
	return frames, nil
}

func TestCutter(t *testing.T) {
	t.Parallel()
	type ev struct{ Event, Data string }
	for in, want := range map[string][]ev{
		"event: a\ndata: 1\n\ndata: 2\n\n":             {{"a", "1"}, {"", "2"}},
		"event:a\r\ndata:1\r\n\r\n":                    {{"a", "1"}},
		"data: 1\ndata: 2\ndata:  3\n\n":               {{"", "1\n2\n 3"}},
		"data\n\n":                                     {{"", ""}},
		": hi\n\n\n":                                   {{"", "-"}, {"", "-"}},
		"id: 3\nretry: 5\nevent: x\n\n":                {{"x", "-"}},
		"data: 1\n":                                    nil,
		"data: 1\r\n\r":                                nil,
		"data: a:b\n\n":                                {{"", "a:b"}},
		"Data: 1\nDATA: 2\n\n":                         {{"", "-"}},
		"event: a\nevent: b\ndata: 1\n\n":              {{"b", "1"}},
		strings.Repeat("data: x\n", 3) + "\n":          {{"", "x\nx\nx"}},
		"data: " + strings.Repeat("y", 70000) + "\n\n": {{"", strings.Repeat("y", 70000)}},
	} {
		frames, err := cutAll([]byte(in), 3, func(n int) int { return n - 1 })
		if err != nil {
			t.Errorf("%.40q: %v", in, err)
		}
		var got []ev
		for _, f := range frames {
			data := string(f.data)
			if f.data == nil {
				data = "-"
			}
			got = append(got, ev{f.event, data})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.40q: %s", in, diff)
		}
	}
	for _, in := range []string{"data: 1\rdata: 2\n\n", "\xef\xbb\xbfdata: 1\n\n", "data: 1\r\r\n\n", "\rdata: 1\n\n"} {
		if frames, err := cutAll([]byte(in), 1, func(int) int { return 0 }); err == nil {
			t.Errorf("%q: cut into %v", in, frames)
		}
	}
}

// However the bytes arrive, the frames are the same; put together they are the stream, as far as
// it has frames; and only an empty line ends one.
func FuzzCutter(f *testing.F) {
	seen, rest := toolAnswer()
	f.Add([]byte(seen+rest), uint64(1))
	f.Add([]byte("data: 1\r\n\r\n: x\n\ndata\n\n\r"), uint64(2))
	f.Fuzz(func(t *testing.T, s []byte, seed uint64) {
		at, errAt := cutAll(s, len(s), func(n int) int { return n })
		rnd := rand.New(rand.NewPCG(seed, 1))
		in, errIn := cutAll(s, 7, rnd.IntN)
		if (errAt == nil) != (errIn == nil) {
			t.Fatalf("%v, %v", errAt, errIn)
		}
		if diff := cmp.Diff(at, in, cmp.AllowUnexported(frame{})); diff != "" {
			t.Fatal(diff)
		}
		var all []byte
		for _, fr := range at {
			if !bytes.HasSuffix(fr.raw, []byte("\n")) {
				t.Fatalf("frame %q", fr.raw)
			}
			all = append(all, fr.raw...)
		}
		if !bytes.HasPrefix(s, all) {
			t.Fatalf("frames %q are not the stream %q", all, s)
		}
	})
}
