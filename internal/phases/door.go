package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// inlineResult is the largest result kept in its record; larger ones become blobs.
const inlineResult = 4 << 10

// ErrReplay means that an op in the journal answers another question than the one asked now: the
// attempt cannot be continued and a new one is started. Nothing is ever guessed.
var ErrReplay = errors.New("the journal knows this op with another request")

// Effect is one thing to be done to the world.
type Effect struct {
	Op       budget.Op
	Kind     EffectKind
	Name     string
	Request  string // hash of all that decides the outcome
	Tree     checkpoint.Hash
	Detail   json.RawMessage
	ReadOnly bool // changes nothing: it needs no intent, and its outcome rides with the next record
}

// Did is the outcome of an effect. Result is what the caller of Do gets back on replay as well.
type Did struct {
	Result json.RawMessage
	Tree   checkpoint.Hash
	Left   string // identity of the tree, where no manifest of it is kept
	Note   string
	Full   checkpoint.Hash // of what Result was shortened from
	Gate   *GateOutcome
	Free   bool // to do it again on the same tree costs nothing and comes to the same: its outcome rides with the next record
}

// Door is the one door for effects.
type Door struct {
	Writer *Writer
	Blobs  checkpoint.Blobs
	Valve  *Valve

	shelf *shelf // nil: manifests are read and written each time
}

func (d Door) keep(ctx context.Context, m Manifest) (checkpoint.Hash, error) {
	return d.shelf.keep(ctx, d.Blobs, m)
}

func (d Door) fetch(ctx context.Context, h checkpoint.Hash) (Manifest, error) {
	return d.shelf.fetch(ctx, d.Blobs, h)
}

// Do answers from the journal when it knows the outcome of e.Op for e.Request; else it waits while the
// build is held, records the intent, runs fn, and records the outcome. An error of fn is the machine's failure and is not
// recorded: the effect runs again on resume.
func (d Door) Do(ctx context.Context, e Effect, fn func(context.Context) (Did, error)) (Did, error) {
	var known Outcome
	var ok bool
	if err := d.Writer.View(ctx, func(s *State) { known, ok = s.Find(e.Op) }); err != nil {
		return Did{}, err
	}
	if ok && known.Request != e.Request {
		return Did{}, fmt.Errorf("%s %s %s: %w", e.Kind, e.Name, e.Op, ErrReplay)
	}
	if ok && known.Done {
		return d.recall(ctx, *known.Finished)
	}
	if err := ctx.Err(); err != nil {
		return Did{}, context.Cause(ctx)
	}
	leave, err := d.Valve.pass(ctx)
	if err != nil {
		return Did{}, err
	}
	defer leave()
	if !ok && !e.ReadOnly {
		if err := d.Writer.Record(ctx, EffectStarted{Op: e.Op, Effect: e.Kind, Name: e.Name, Request: e.Request, Tree: e.Tree, Detail: e.Detail}); err != nil {
			return Did{}, err
		}
	}
	faultpoint.PassOf(string(e.Kind), "after_intent")
	did, err := fn(ctx)
	if err != nil {
		return Did{}, err
	}
	faultpoint.PassOf(string(e.Kind), "after_effect")
	return did, d.remember(ctx, e, did)
}

func (d Door) remember(ctx context.Context, e Effect, did Did) error {
	f := EffectFinished{Op: e.Op, Effect: e.Kind, Name: e.Name, Request: e.Request, Tree: did.Tree, Left: did.Left, Note: did.Note, Full: did.Full, Gate: did.Gate}
	if len(did.Result) <= inlineResult {
		f.Result = did.Result
	} else {
		h, err := d.Blobs.Put(context.WithoutCancel(ctx), did.Result)
		if err != nil {
			return fmt.Errorf("keep result of %s %s: %w", e.Kind, e.Name, err)
		}
		f.Blob = h
	}
	if e.ReadOnly {
		return d.Writer.Later(ctx, f)
	}
	defer faultpoint.PassOf(string(e.Kind), "after_outcome")
	if did.Free {
		return d.Writer.Later(context.WithoutCancel(ctx), f)
	}
	return d.Writer.Record(context.WithoutCancel(ctx), f)
}

func (d Door) recall(ctx context.Context, f EffectFinished) (Did, error) {
	did := Did{Result: f.Result, Tree: f.Tree, Left: f.Left, Note: f.Note, Gate: f.Gate}
	if f.Blob != "" {
		raw, err := d.Blobs.Get(ctx, f.Blob)
		if err != nil {
			return Did{}, fmt.Errorf("recall result of %s %s: %w", f.Effect, f.Name, err)
		}
		did.Result = raw
	}
	return did, nil
}
