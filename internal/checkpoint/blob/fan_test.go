package blob

import (
	"crypto/rand"
	"testing"
)

// A new fan-out folder costs a sync of the folder above: sixteen share one, so that a young build
// does not pay it with each blob.
func TestFansAreMadeTogether(t *testing.T) {
	t.Parallel()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		if _, err := s.Put(t.Context(), []byte(rand.Text())); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.made); n%16 != 0 || n == 0 {
		t.Errorf("%d folders were made, want whole groups of 16", n)
	}
}
