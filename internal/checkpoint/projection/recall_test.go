package projection_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/checkpoint/projection"
)

// Every record comes back as the journal has it; a line in which one byte has changed does not.
func TestRecall(t *testing.T) {
	t.Parallel()
	j := journal(t, 9)
	path := filepath.Join(t.TempDir(), "events.ndjson")
	raw := project(t, path, j)
	var want []checkpoint.Envelope
	if err := j.Read(t.Context(), 0, func(e checkpoint.Envelope) error { want = append(want, e); return nil }); err != nil {
		t.Fatal(err)
	}
	got, err := projection.Recall(path)
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
	at := bytes.Index(raw, []byte(`"n":5`)) + 4
	raw[at] = '6'
	if err := os.WriteFile(path, append(raw, `{"seq":10,"torn`...), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = projection.Recall(path)
	if err != nil || len(got) != 8 || got[4].Seq != 6 {
		t.Errorf("%d records, %v", len(got), err)
	}
	if got, err := projection.Recall(filepath.Join(t.TempDir(), "none")); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}
