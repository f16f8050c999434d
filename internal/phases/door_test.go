package phases

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Law L1: the intent is durable when the effect runs, the outcome when its caller hears of it; what
// was done is not done again, and another request at its op is refused.
func TestDoor(t *testing.T) {
	t.Parallel()
	j := &checkpoint.Memory{}
	w := opened(t, j, budget.Caps{USD: 1000})
	defer func() {
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	d := Door{Writer: w, Blobs: &checkpoint.MemoryBlobs{}}
	last := func() uint64 {
		n, err := j.Last(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	e := Effect{Op: budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1}, Kind: EffectTool, Name: "run", Request: "r"}
	runs := 0
	fn := func(context.Context) (Did, error) {
		if runs++; last() != 4 {
			t.Errorf("the effect runs after %d records", last())
		}
		if runs == 1 {
			return Did{}, errors.New("the machine failed")
		}
		return Did{Result: json.RawMessage(`"` + strings.Repeat("x", 2*inlineResult) + `"`), Tree: "tree"}, nil
	}
	if _, err := d.Do(t.Context(), e, fn); err == nil || last() != 4 {
		t.Errorf("got %v, %d records", err, last())
	}
	did, err := d.Do(t.Context(), e, fn)
	if err != nil || last() != 5 || len(did.Result) < inlineResult {
		t.Errorf("got %v, %d records", err, last())
	}
	again, err := d.Do(t.Context(), e, fn)
	if err != nil || runs != 2 || string(again.Result) != string(did.Result) || again.Tree != "tree" {
		t.Errorf("got %v after %d runs", err, runs)
	}
	e.Request = "another"
	if _, err := d.Do(t.Context(), e, fn); !errors.Is(err, ErrReplay) || runs != 2 {
		t.Errorf("got %v after %d runs", err, runs)
	}
}

// No effect begins after a stop was asked for; what was done is still answered.
func TestDoorAfterStop(t *testing.T) {
	t.Parallel()
	w := opened(t, &checkpoint.Memory{}, budget.Caps{USD: 1000})
	defer func() {
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	d := Door{Writer: w, Blobs: &checkpoint.MemoryBlobs{}}
	ctx, cancel := context.WithCancelCause(t.Context())
	e := Effect{Op: budget.Op{Build: "b-1", Task: "t", Attempt: 1, Step: 1}, Kind: EffectTool, Name: "run", Request: "r"}
	_, err := d.Do(ctx, e, func(context.Context) (Did, error) {
		cancel(ErrInterrupted) // while it runs; what it did is kept
		return Did{Result: json.RawMessage(`"` + strings.Repeat("x", 2*inlineResult) + `"`)}, nil
	})
	if err != nil {
		t.Fatalf("what was done is lost: %v", err)
	}
	e.Op.Step = 2
	if _, err := d.Do(ctx, e, func(context.Context) (Did, error) { t.Error("it ran"); return Did{}, nil }); !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v", err)
	}
}

// Law L2: what the journal knows of a send decides what follows, kind by kind, and nothing is sent.
func TestRecallOfEachOutcome(t *testing.T) {
	t.Parallel()
	blobs := &checkpoint.MemoryBlobs{}
	raw, err := json.Marshal(agent.Say(agent.Assistant, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := blobs.Put(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	j := &journaled{door: Door{Blobs: blobs}, model: ledgerModel{}}
	class := func(err error) agent.Class {
		var f *agent.Failure
		if !errors.As(err, &f) || !errors.Is(err, errRecalled) {
			t.Fatalf("got %v", err)
		}
		return f.Class
	}
	recall := func(o Outcome) (agent.Response, error) {
		return j.recall(t.Context(), budget.Op{}, "hash", o, agent.Request{})
	}
	if r, err := recall(Outcome{Request: "hash", Done: true, Fate: budget.Answered, Answer: h}); err != nil || r.Message.Words() != "hello" {
		t.Errorf("answered: %v", err)
	}
	if _, err := recall(Outcome{Request: "other", Done: true, Fate: budget.Answered, Answer: h}); !errors.Is(err, ErrReplay) {
		t.Errorf("another question: %v", err)
	}
	for name, o := range map[string]Outcome{
		"in flight": {Request: "hash"}, "unknown": {Request: "hash", Done: true, Fate: budget.Unknown}, "free": {Request: "hash", Done: true, Fate: budget.Free},
	} {
		if _, err := recall(o); class(err) != agent.Retry {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := recall(Outcome{Request: "hash", Done: true, Fate: budget.Answered, Answer: h, Failed: &CallFailed{Class: string(agent.FixRequest)}}); class(err) != agent.FixRequest {
		t.Errorf("failed: %v", err)
	}
	if _, err := recall(Outcome{Request: "hash", Done: true, Fate: budget.Answered, Answer: checkpoint.HashOf([]byte("lost"))}); !errors.Is(err, checkpoint.ErrNotFound) {
		t.Errorf("a lost blob: %v", err)
	}
}
