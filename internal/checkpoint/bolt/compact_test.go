package bolt

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// grown is a journal that was written in many transactions, closed.
func grown(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Create(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(60) {
		if _, err := j.Append(t.Context(), i, []checkpoint.Record{{Kind: "k", Time: time.Unix(1, 0), Payload: json.RawMessage(`"` + string(make7k(byte('a'+i%26))) + `"`)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Save(t.Context(), checkpoint.Snapshot{Seq: 60, State: json.RawMessage(`{"x":1}`)}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func make7k(c byte) []byte { return slices.Repeat([]byte{c}, 7000) }

// entries are all records of a journal, and its snapshot.
func entries(t *testing.T, path string) (recs []string) {
	t.Helper()
	j, err := OpenReadOnly(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Read(t.Context(), 0, func(e checkpoint.Envelope) error { recs = append(recs, string(e.Encode())); return nil }); err != nil {
		t.Fatal(err)
	}
	snap, err := j.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return append(recs, string(snap.State))
}

// A journal is made smaller and says the same; a dry run changes nothing; what a killed run left goes.
func TestCompact(t *testing.T) {
	t.Parallel()
	path := grown(t)
	want := entries(t, path)
	if err := os.WriteFile(path+".123.tmp", []byte("half a journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	size, err := sizeOf(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := Compact(t.Context(), path, Options{}, true)
	if now, serr := sizeOf(path); err != nil || serr != nil || before != size || now != size || after >= before {
		t.Fatalf("dry: %d to %d, now %d, was %d: %v", before, after, now, size, err)
	}
	b, a, err := Compact(t.Context(), path, Options{}, false)
	if now, serr := sizeOf(path); err != nil || serr != nil || b != before || a != after || now != after {
		t.Fatalf("%d to %d, now %d, said %d: %v", b, a, now, after, err)
	}
	if got := entries(t, path); !slices.Equal(got, want) {
		t.Error("the journal says something else")
	}
	left, err := filepath.Glob(path + "*")
	if err != nil || len(left) != 1 {
		t.Errorf("left: %v %v", left, err)
	}
	if b, a, err := Compact(t.Context(), path, Options{}, false); err != nil || a > b {
		t.Errorf("again: %d to %d: %v", b, a, err)
	}
	j, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := j.Append(t.Context(), 60, []checkpoint.Record{{Kind: "k", Payload: json.RawMessage("1")}}); err != nil {
		t.Error(err)
	}
	var locked *checkpoint.LockedError
	if _, _, err := Compact(t.Context(), path, Options{Timeout: time.Millisecond}, false); !errors.As(err, &locked) {
		t.Errorf("while it is held: %v", err)
	}
}

// Whoever waits for a journal and gets the lock of a file that lost its name meanwhile does not write
// into that file.
func TestMovedWhileWaiting(t *testing.T) {
	t.Parallel()
	path := grown(t)
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if moved(path, old) {
		t.Error("it was not moved")
	}
	if _, _, err := Compact(t.Context(), path, Options{}, false); err != nil {
		t.Fatal(err)
	}
	if !moved(path, old) {
		t.Error("it was moved")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !moved(path, old) {
		t.Error("its name is gone")
	}
}
