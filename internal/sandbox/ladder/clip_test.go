package ladder

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// A clip keeps the first and the last bytes, however they come in.
func TestClip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 40).Draw(t, "limit")
		c := newClip(int64(limit))
		var all []byte
		for _, part := range rapid.SliceOf(rapid.SliceOfN(rapid.Byte(), 0, 60)).Draw(t, "parts") {
			if n, err := c.Write(part); n != len(part) || err != nil {
				t.Fatalf("wrote %d, %v", n, err)
			}
			all = append(all, part...)
		}
		want := all
		if len(all) > limit {
			want = append(append([]byte{}, all[:limit/2]...), all[len(all)-(limit-limit/2):]...)
		}
		if got := c.Bytes(); !bytes.Equal(got, want) {
			t.Fatalf("kept %v of %v, want %v", got, all, want)
		}
		if c.Dropped() != int64(len(all)-len(want)) {
			t.Fatalf("dropped %d of %d", c.Dropped(), len(all))
		}
	})
}
