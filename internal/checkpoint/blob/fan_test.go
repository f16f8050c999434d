package blob

import (
	"crypto/rand"
	"testing"
)

// A new fan-out folder costs a sync of the folder above: four share one, so that a young build
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
	if n := len(s.made); n%4 != 0 || n == 0 {
		t.Errorf("%d folders were made, want whole groups of 4", n)
	}
}
