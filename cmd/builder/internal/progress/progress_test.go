package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
	"github.com/seed-c331f47d/builder/internal/planner"
)

func envelopes(t *testing.T, facts ...phases.Fact) ([]checkpoint.Envelope, *phases.State) {
	t.Helper()
	s := phases.NewState()
	var envs []checkpoint.Envelope
	for i, f := range facts {
		at := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)
		rec, err := phases.Encode(f, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(f, at); err != nil {
			t.Fatal(err)
		}
		envs = append(envs, checkpoint.Envelope{Seq: uint64(i + 1), Kind: rec.Kind, Time: rec.Time, Payload: rec.Payload})
	}
	return envs, s
}

func view(form Form, out *bytes.Buffer) *View {
	p := &planner.Plan{Phases: []planner.Phase{{ID: "a", Tasks: []planner.Task{{ID: "a.b"}, {ID: "a.c"}}}}}
	return &View{Out: out, Form: form, Width: 60, Plan: func(*phases.State) *planner.Plan { return p }, Clean: func(s string) string { return s }}
}

func TestPlainLinesOneEventEach(t *testing.T) {
	t.Parallel()
	envs, s := envelopes(t, phases.TaskStarted{Task: "a.b"}, phases.TaskDone{Task: "a.b", Commit: "0123456789abcdef"})
	var out bytes.Buffer
	view(Plain, &out).Observe(envs, s)
	if want := "a.b  started\na.b  done, commit 0123456789\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestBarIsDrawnOnlyWhenItChanges(t *testing.T) {
	t.Parallel()
	envs, s := envelopes(t, phases.TaskStarted{Task: "a.b"})
	var out bytes.Buffer
	v := view(Bar, &out)
	v.Observe(envs, s)
	once := out.Len()
	v.Observe(nil, s)
	if out.Len() != once {
		t.Errorf("an unchanged bar was drawn again: %q", out.String()[once:])
	}
	v.End()
	if !strings.HasSuffix(out.String(), "\r\033[K") {
		t.Errorf("the bar stays: %q", out.String())
	}
}

func TestNDJSONKeepsSequenceNumbers(t *testing.T) {
	t.Parallel()
	envs, s := envelopes(t, phases.TaskStarted{Task: "a.b"})
	var out bytes.Buffer
	view(NDJSON, &out).Observe(envs, s)
	if !strings.HasPrefix(out.String(), `{"seq":1,"kind":"task.started"`) {
		t.Errorf("got %s", out.String())
	}
}
