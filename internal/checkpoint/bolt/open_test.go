package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

func filled(t *testing.T, n int) *Journal {
	t.Helper()
	j := created(t)
	recs := make([]checkpoint.Record, n)
	for i := range recs {
		recs[i] = checkpoint.Record{Kind: "k", Time: time.Unix(1, 0), Payload: json.RawMessage(`"` + strings.Repeat("x", 600) + `"`)}
	}
	if _, err := j.Append(t.Context(), 0, recs); err != nil {
		t.Fatal(err)
	}
	return j
}

func TestOpenRefusesDamagedFiles(t *testing.T) {
	t.Parallel()
	random := make([]byte, 64<<10)
	for i, src := 0, rand.New(rand.NewPCG(3, 4)); i < len(random); i++ {
		random[i] = byte(src.Uint32())
	}
	for name, tc := range map[string]struct {
		change func([]byte) []byte
		says   string
	}{
		"zero bytes":         {func([]byte) []byte { return nil }, "empty"},
		"one byte":           {func(b []byte) []byte { return b[:1] }, "corrupt"},
		"cut in the meta":    {func(b []byte) []byte { return b[:4000] }, "corrupt"},
		"cut after the meta": {func(b []byte) []byte { return b[:8192] }, "corrupt"},
		"cut in half":        {func(b []byte) []byte { return b[:len(b)/2] }, "corrupt"},
		"random":             {func([]byte) []byte { return random }, "corrupt"},
		"text":               {func([]byte) []byte { return bytes.Repeat([]byte("not a journal\n"), 2000) }, "corrupt"},
		"zeroes":             {func(b []byte) []byte { return make([]byte, len(b)) }, "corrupt"},
		"pages turned to zeroes": {func(b []byte) []byte {
			clear(b[8192:])
			return b
		}, "corrupt"},
		"pages turned to noise": {func(b []byte) []byte {
			for rest := b[8192:]; len(rest) > 0; {
				rest = rest[copy(rest, random):]
			}
			return b
		}, "corrupt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := filled(t, 200)
			edit(t, j, tc.change)
			for _, open := range []func(context.Context, string, Options) (*Journal, error){Open, OpenReadOnly, Open} {
				_, err := open(t.Context(), j.path, Options{Timeout: time.Millisecond}) // a leaked lock would show as locked
				if !errors.Is(err, checkpoint.ErrCorrupt) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), j.path) {
					t.Fatalf("got %v", err)
				}
			}
		})
	}
}

func TestOpenRefusesWhatIsNotAJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	db, err := bbolt.Open(foreign, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(dir, "none"): checkpoint.ErrNotFound,
		dir:                        checkpoint.ErrCorrupt,
		foreign:                    checkpoint.ErrCorrupt,
	} {
		if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
			t.Error("Open made a file")
		}
	}
}

func TestOpenRefusesNewerSchema(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{strconv.Itoa(checkpoint.Schema + 1): checkpoint.ErrNewer, "0": checkpoint.ErrCorrupt, "x": checkpoint.ErrCorrupt} {
		j := filled(t, 1)
		if err := j.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keySchema, []byte(text)) }); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), j.path, Options{}); !errors.Is(err, want) {
			t.Errorf("schema %s: got %v, want %v", text, err, want)
		}
	}
}

func TestSecondWriterLearnsTheHolder(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Create(t.Context(), path, Options{Now: func() time.Time { return since }})
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(context.Context, string, Options) (*Journal, error){Open, OpenReadOnly} {
		_, err = open(t.Context(), path, Options{Timeout: time.Millisecond})
		var locked *checkpoint.LockedError
		if !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Host == "" || !locked.Since.Equal(since) || locked.Path != path {
			t.Fatalf("got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, path, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	side := filepath.Join(filepath.Dir(path), "lock")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(side); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("side file after Close: %v", err)
	}
}

// A side file left by a killed process locks nobody out and accuses nobody.
func TestStaleHolder(t *testing.T) {
	t.Parallel()
	j := filled(t, 1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip("no program to start")
	}
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	side := filepath.Join(filepath.Dir(j.path), "lock")
	raw, err := json.Marshal(holder{PID: gone.Process.Pid, Host: host})
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{raw, []byte("{torn"), nil} {
		if err := os.WriteFile(side, content, 0o600); err != nil {
			t.Fatal(err)
		}
		reader, err := OpenReadOnly(t.Context(), j.path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), j.path, Options{Timeout: time.Millisecond})
		var locked *checkpoint.LockedError
		if !errors.As(err, &locked) || locked.PID != 0 || !strings.Contains(err.Error(), "another process") {
			t.Errorf("got %v", err)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := Open(t.Context(), j.path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	j := filled(t, 3)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	one, err := OpenReadOnly(t.Context(), j.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	two, err := OpenReadOnly(t.Context(), j.path, Options{Timeout: time.Millisecond}) // readers do not mind each other
	if err != nil {
		t.Fatal(err)
	}
	if last, err := two.Last(t.Context()); err != nil || last != 3 {
		t.Errorf("got %d, %v", last, err)
	}
	if _, err := one.Append(t.Context(), 3, []checkpoint.Record{{Kind: "k"}}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("got %v, want ErrReadOnly", err)
	}
	if last, err := one.Last(t.Context()); err != nil || last != 3 {
		t.Errorf("a refused write poisoned: %d, %v", last, err)
	}
	if err := errors.Join(one.Close(), two.Close()); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(j.path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("reading changed the file: %v", err)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	j := filled(t, 1)
	if _, err := Create(t.Context(), j.path, Options{}); !errors.Is(err, checkpoint.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	names, err := os.ReadDir(filepath.Dir(j.path))
	if err != nil || len(names) != 2 { // journal and lock
		t.Errorf("got %v, %v", names, err)
	}
	for _, n := range names {
		if info, err := n.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", n.Name(), info.Mode(), err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), filepath.Join(t.TempDir(), "none", "journal.db"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestFullJournal(t *testing.T) {
	t.Parallel()
	j := filled(t, 1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := Open(t.Context(), j.path, Options{MaxSize: 128 << 10})
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(1)
	for err == nil {
		_, err = j.Append(t.Context(), last, []checkpoint.Record{{Kind: "k", Payload: json.RawMessage(`"` + strings.Repeat("x", 4000) + `"`)}})
		if err == nil {
			last++
		}
	}
	if !errors.Is(err, checkpoint.ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
	if _, err := j.Append(t.Context(), last, nil); !errors.Is(err, checkpoint.ErrPoisoned) || !errors.Is(err, checkpoint.ErrFull) {
		t.Errorf("got %v, want ErrPoisoned for ErrFull", err)
	}
	again := reopen(t, j)
	if got, err := again.Last(t.Context()); err != nil || got != last {
		t.Errorf("got %d, %v; want %d", got, err, last)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// An error after the commit leaves the records visible: only a new open can tell.
func TestAmbiguousCommit(t *testing.T) {
	t.Parallel()
	for point, want := range map[string]uint64{"before commit": 1, "after commit": 2} {
		j := filled(t, 1)
		j.fault = func(p string) error {
			if p == point {
				return errors.New("input/output error")
			}
			return nil
		}
		if _, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "k"}}); err == nil {
			t.Fatal("no error")
		}
		if _, err := j.Append(t.Context(), 1, []checkpoint.Record{{Kind: "k"}}); !errors.Is(err, checkpoint.ErrPoisoned) {
			t.Errorf("got %v, want ErrPoisoned", err)
		}
		j.fault = nil
		again := reopen(t, j)
		if last, err := again.Last(t.Context()); err != nil || last != want {
			t.Errorf("%s: got %d, %v; want %d", point, last, err, want)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
