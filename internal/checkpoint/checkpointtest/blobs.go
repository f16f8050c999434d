package checkpointtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// contents are blobs of all shapes: empty, small, repetitive, and random beyond any window.
func contents() map[string][]byte {
	random := make([]byte, 3<<20)
	for i, src := 0, rand.New(rand.NewPCG(1, 2)); i < len(random); i++ {
		random[i] = byte(src.Uint32())
	}
	return map[string][]byte{
		"empty": {}, "small": []byte("x"), "text": bytes.Repeat([]byte("the same line\n"), 300_000), "random": random,
	}
}

// RunBlobs checks the promise of [checkpoint.Blobs]. damage changes or cuts the kept form of a
// blob; nil where it cannot be done.
func RunBlobs(t *testing.T, open func(t *testing.T) checkpoint.Blobs, damage func(t *testing.T, b checkpoint.Blobs, h checkpoint.Hash)) {
	for name, content := range contents() {
		t.Run("comes back/"+name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			h, err := b.Put(t.Context(), content)
			must(t, err)
			if h != checkpoint.HashOf(content) {
				t.Fatalf("got hash %s", h)
			}
			holds(t, b, h, content)
			again, err := b.Put(t.Context(), content)
			must(t, err)
			if again != h {
				t.Errorf("got %s the second time", again)
			}
			if damage == nil || len(content) == 0 {
				return
			}
			damage(t, b, h)
			_, err = b.Get(t.Context(), h)
			want(t, err, checkpoint.ErrCorrupt)
			_, err = readAll(t, b, h)
			want(t, err, checkpoint.ErrCorrupt)
			_, err = b.Put(t.Context(), content)
			must(t, err)
			holds(t, b, h, content)
		})
	}
	t.Run("what is not there", func(t *testing.T) { t.Parallel(); lost(t, open(t)) })
	t.Run("many at once", func(t *testing.T) { t.Parallel(); manyBlobs(t, open(t)) })
}

func readAll(t *testing.T, b checkpoint.Blobs, h checkpoint.Hash) ([]byte, error) {
	r, err := b.Open(t.Context(), h)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(r)
	must(t, r.Close())
	return got, err
}

func holds(t *testing.T, b checkpoint.Blobs, h checkpoint.Hash, content []byte) {
	t.Helper()
	got, err := b.Get(t.Context(), h)
	must(t, err)
	streamed, err := readAll(t, b, h)
	must(t, err)
	ok, err := b.Has(t.Context(), h)
	must(t, err)
	if !bytes.Equal(got, content) || !bytes.Equal(streamed, content) || !ok {
		t.Fatalf("blob %s: got %d and %d bytes, want %d; has: %t", h, len(got), len(streamed), len(content), ok)
	}
}

func lost(t *testing.T, b checkpoint.Blobs) {
	h := checkpoint.HashOf([]byte("never put"))
	_, err := b.Get(t.Context(), h)
	want(t, err, checkpoint.ErrNotFound)
	_, err = b.Open(t.Context(), h)
	want(t, err, checkpoint.ErrNotFound)
	ok, err := b.Has(t.Context(), h)
	must(t, err)
	if ok {
		t.Error("has what was never put")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.Put(ctx, []byte("late"))
	want(t, err, context.Canceled)
}

func manyBlobs(t *testing.T, b checkpoint.Blobs) {
	var batch [][]byte
	for i := range 60 {
		batch = append(batch, bytes.Repeat([]byte{byte(i % 40)}, 100+i%40)) // some twice
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			hashes, err := checkpoint.PutAll(t.Context(), b, batch)
			if err != nil || len(hashes) != len(batch) {
				t.Errorf("got %d hashes, %v", len(hashes), err)
			}
		})
	}
	wg.Wait()
	for _, content := range batch {
		holds(t, b, checkpoint.HashOf(content), content)
	}
}

// RunSpools checks the promise of [checkpoint.Spools]: open gives an empty set of spools and the
// blobs that they are kept among.
func RunSpools(t *testing.T, open func(t *testing.T) (checkpoint.Spools, checkpoint.Blobs)) {
	for name, check := range map[string]func(*testing.T, checkpoint.Spools, checkpoint.Blobs){
		"a kept spool is a blob":       keptSpool,
		"an unkept spool can be found": foundSpool,
		"names":                        spoolNames,
		"what is kept is there twice":  keptTwice,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := open(t)
			check(t, s, b)
		})
	}
}

func writeSpool(t *testing.T, s checkpoint.Spools, name string, parts ...string) checkpoint.Spool {
	t.Helper()
	sp, err := s.Create(name)
	must(t, err)
	for _, p := range parts {
		_, err := io.WriteString(sp, p)
		must(t, err)
		must(t, sp.Sync())
	}
	return sp
}

func keptSpool(t *testing.T, s checkpoint.Spools, b checkpoint.Blobs) {
	sp := writeSpool(t, s, "b.t.1", "data: one\n", "data: two\n")
	h, err := sp.Keep(t.Context())
	must(t, err)
	whole := []byte("data: one\ndata: two\n")
	holds(t, b, h, whole)
	_, err = io.WriteString(sp, "late")
	want(t, err, checkpoint.ErrClosed)
	again, err := sp.Keep(t.Context())
	must(t, err)
	if again != h {
		t.Errorf("kept again as %s, want %s", again, h)
	}
	left, err := s.Read("b.t.1") // it stays until Remove
	must(t, err)
	if !bytes.Equal(left, whole) {
		t.Errorf("spool holds %q", left)
	}
	must(t, s.Remove("b.t.1"))
	must(t, s.Remove("b.t.1"))
	holds(t, b, h, whole)
	_, err = s.Read("b.t.1")
	want(t, err, checkpoint.ErrNotFound)
	must(t, sp.Close())
}

func foundSpool(t *testing.T, s checkpoint.Spools, b checkpoint.Blobs) {
	must(t, writeSpool(t, s, "op-2", "paid for").Close())
	must(t, writeSpool(t, s, "op-1").Close())
	names, err := s.List()
	must(t, err)
	if !slices.Equal(names, []string{"op-1", "op-2"}) {
		t.Fatalf("got %v", names)
	}
	h, err := s.Copy(t.Context(), "op-2")
	must(t, err)
	holds(t, b, h, []byte("paid for"))
	_, err = s.Copy(t.Context(), "op-3")
	want(t, err, checkpoint.ErrNotFound)
}

func spoolNames(t *testing.T, s checkpoint.Spools, _ checkpoint.Blobs) {
	must(t, writeSpool(t, s, "taken", "x").Close())
	_, err := s.Create("taken")
	want(t, err, checkpoint.ErrExists)
	got, err := s.Read("taken")
	must(t, err)
	if string(got) != "x" {
		t.Errorf("a second Create left %q", got)
	}
	for _, name := range []string{"", ".", "..", "../x", "a/b", ".hidden", "a b", "a\x00", strings.Repeat("a", 201)} {
		if _, err := s.Create(name); !errors.Is(err, checkpoint.ErrInvalidName) {
			t.Errorf("%q: got %v, want ErrInvalidName", name, err)
		}
	}
}

func keptTwice(t *testing.T, s checkpoint.Spools, b checkpoint.Blobs) {
	content := []byte(strings.Repeat("the same answer ", 100))
	want, err := b.Put(t.Context(), content)
	must(t, err)
	for _, name := range []string{"one", "two"} {
		h, err := writeSpool(t, s, name, string(content)).Keep(t.Context())
		must(t, err)
		if h != want {
			t.Errorf("%s: got %s, want %s", name, h, want)
		}
	}
	holds(t, b, want, content)
}
