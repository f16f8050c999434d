package projection_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/projection"
)

func journal(t *testing.T, n int) *checkpoint.Memory {
	t.Helper()
	j := &checkpoint.Memory{}
	for i := range n {
		r := checkpoint.Record{Kind: "k", Time: time.Unix(int64(i), 0), Payload: json.RawMessage(fmt.Sprintf(`{"n":%d,"t":"a<b\nc"}`, i+1))}
		if _, err := j.Append(t.Context(), uint64(i), []checkpoint.Record{r}); err != nil {
			t.Fatal(err)
		}
	}
	return j
}

// project opens the file, catches up and returns what it then holds.
func project(t *testing.T, path string, j *checkpoint.Memory) []byte {
	t.Helper()
	last, err := j.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := projection.OpenEvents(path, last)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.CatchUp(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if e.Last() != last {
		t.Errorf("got last %d, want %d", e.Last(), last)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Whatever stands in the file, after opening and catching up it holds the journal's records.
func TestEventsMend(t *testing.T) {
	t.Parallel()
	j := journal(t, 20)
	want := project(t, filepath.Join(t.TempDir(), "events.ndjson"), j)
	if n := bytes.Count(want, []byte("\n")); n != 20 {
		t.Fatalf("got %d lines, want 20", n)
	}
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		raw := append([]byte{}, want[:rapid.IntRange(0, len(want)).Draw(r, "cut")]...)
		if tail := rapid.SampledFrom([]string{"", "{", "\x00\x00", "null\n", `{"seq":99}` + "\n", strings.Repeat("x", 1<<17)}).Draw(r, "tail"); tail != "" {
			raw = append(raw, tail...)
		}
		path := filepath.Join(dir, "events.ndjson")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := project(t, path, j); !bytes.Equal(got, want) {
			r.Fatalf("got %s", got)
		}
	})
}

// Lines beyond the journal's newest record tell of what was never kept: they go.
func TestEventsAreCutBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	project(t, path, journal(t, 5))
	got := project(t, path, journal(t, 3))
	if n := bytes.Count(got, []byte("\n")); n != 3 {
		t.Errorf("got %d lines, want 3", n)
	}
	var e projection.Event
	if err := json.Unmarshal(got[:bytes.IndexByte(got, '\n')], &e); err != nil || e.Seq != 1 || e.Kind != "k" || string(e.Payload) != `{"n":1,"t":"a<b\nc"}` {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestEventsRefuseGaps(t *testing.T) {
	t.Parallel()
	e, err := projection.OpenEvents(filepath.Join(t.TempDir(), "e"), 0)
	if err != nil {
		t.Fatal(err)
	}
	one := checkpoint.Envelope{Seq: 1, Kind: "k", Payload: json.RawMessage(`1`)}
	if err := e.Append(one, one); err != nil || e.Last() != 1 {
		t.Errorf("twice: %v, last %d", err, e.Last())
	}
	if err := e.Append(checkpoint.Envelope{Seq: 3, Payload: json.RawMessage(`1`)}); err == nil || e.Last() != 1 {
		t.Errorf("gap: %v, last %d", err, e.Last())
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// A reader of status.json never sees a part of it.
func TestStatusIsReplacedWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "status.json")
	status := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%2)}, 1<<16) }
	if err := projection.WriteStatus(path, status(0)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 50 {
			if err := projection.WriteStatus(path, status(i)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 50 {
		raw, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(raw, status(0)) && !bytes.Equal(raw, status(1)) {
			t.Fatalf("got %d bytes, %v", len(raw), err)
		}
	}
	wg.Wait()
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(names) != 1 {
		t.Errorf("got %v, %v", names, err)
	}
	if err := projection.WriteStatus(filepath.Join(path, "x"), nil); err == nil {
		t.Error("no error below a file")
	}
}
