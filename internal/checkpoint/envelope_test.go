package checkpoint_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

func drawRecord(t *rapid.T) checkpoint.Record {
	payload, err := json.Marshal(rapid.MapOf(rapid.String(), rapid.Int64()).Draw(t, "payload"))
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint.Record{
		Kind:    rapid.StringMatching(`[a-z]{1,12}\.[a-zé]{1,12}`).Draw(t, "kind"),
		Time:    time.Unix(rapid.Int64Range(-1e9, 1e11).Draw(t, "sec"), rapid.Int64Range(0, 999_999_999).Draw(t, "nsec")),
		Payload: payload,
	}
}

func TestEnvelopeComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.Uint64Min(1).Draw(t, "seq")
		e, err := checkpoint.Seal(seq, drawRecord(t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := checkpoint.DecodeEnvelope(seq, e.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Any one damaged byte, any cut, and any other number shows.
func TestEnvelopeDamageShows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, err := checkpoint.Seal(7, drawRecord(t))
		if err != nil {
			t.Fatal(err)
		}
		raw := e.Encode()
		at := rapid.IntRange(0, len(raw)-1).Draw(t, "at")
		if _, err := checkpoint.DecodeEnvelope(7, raw[:at]); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Fatalf("cut at %d: %v", at, err)
		}
		if _, err := checkpoint.DecodeEnvelope(8, raw); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Fatalf("under another number: %v", err)
		}
		raw[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := checkpoint.DecodeEnvelope(7, raw); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Fatalf("flipped at %d: %v", at, err)
		}
	})
}

// The checksum covers every field: a changed one does not verify.
func TestEnvelopeVerify(t *testing.T) {
	t.Parallel()
	good, err := checkpoint.Seal(3, checkpoint.Record{Kind: "a.b", Time: time.Unix(5, 6), Payload: json.RawMessage(` { "n" : 1 } `)})
	if err != nil || string(good.Payload) != `{"n":1}` || good.Verify(3) != nil {
		t.Fatalf("got %s, %v", good.Payload, err)
	}
	for name, change := range map[string]func(*checkpoint.Envelope){
		"seq":     func(e *checkpoint.Envelope) { e.Seq++ },
		"schema":  func(e *checkpoint.Envelope) { e.Schema++ },
		"kind":    func(e *checkpoint.Envelope) { e.Kind += "c" },
		"time":    func(e *checkpoint.Envelope) { e.Time = e.Time.Add(1) },
		"payload": func(e *checkpoint.Envelope) { e.Payload = json.RawMessage(`{"n":2}`) },
		"sum":     func(e *checkpoint.Envelope) { e.CRC32C++ },
	} {
		bad := good
		change(&bad)
		if err := bad.Verify(bad.Seq); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
	if err := good.Verify(4); !errors.Is(err, checkpoint.ErrCorrupt) {
		t.Errorf("other number: got %v, want ErrCorrupt", err)
	}
}

// Envelopes as each schema first wrote them: what a newer builder must still read, byte for byte.
func TestEnvelopesOfOldSchemas(t *testing.T) {
	t.Parallel()
	for i, kept := range []string{
		"f8984e0a0280f496920d000d63616c6c2e696e74656e6465647b226f70223a22622f742f312e31227d",
		"f01f86240480f496920d000d63616c6c2e696e74656e6465647b226f70223a22622f742f312e31227d",
	} {
		raw, err := hex.DecodeString(kept)
		if err != nil {
			t.Fatal(err)
		}
		e, err := checkpoint.Seal(42, checkpoint.Record{Kind: "call.intended", Time: time.Unix(1763892480, 0), Payload: json.RawMessage(`{"op":"b/t/1.1"}`)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := checkpoint.DecodeEnvelope(42, raw)
		e.Schema, e.CRC32C = i+1, got.CRC32C
		if err != nil || cmp.Diff(e, got) != "" {
			t.Errorf("schema %d: %v %s", i+1, err, cmp.Diff(e, got))
		}
	}
}

func TestSnapshotDamageShows(t *testing.T) {
	t.Parallel()
	s := checkpoint.Snapshot{Seq: 9, State: json.RawMessage(`{"a":1}`)}
	raw := s.Encode()
	got, err := checkpoint.DecodeSnapshot(raw)
	if err != nil || cmp.Diff(s, got) != "" {
		t.Fatalf("%v %s", err, cmp.Diff(s, got))
	}
	for i := range raw {
		bad := append([]byte{}, raw...)
		bad[i] ^= 0x40
		if _, err := checkpoint.DecodeSnapshot(bad); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Errorf("flipped at %d: %v", i, err)
		}
		if _, err := checkpoint.DecodeSnapshot(raw[:i]); !errors.Is(err, checkpoint.ErrCorrupt) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	e, err := checkpoint.Seal(1, checkpoint.Record{Kind: "a", Payload: json.RawMessage(`{}`)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(1), e.Encode())
	f.Add(uint64(0), []byte{})
	f.Add(uint64(9), []byte{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, seq uint64, raw []byte) {
		e, err := checkpoint.DecodeEnvelope(seq, raw)
		if err != nil && !errors.Is(err, checkpoint.ErrCorrupt) && !errors.Is(err, checkpoint.ErrNewer) {
			t.Fatalf("error of no kind: %v", err)
		}
		if err == nil && e.Verify(seq) != nil {
			t.Fatal("decoded but not verified")
		}
	})
}
