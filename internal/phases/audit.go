package phases

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Audit reads all records of a journal and collects what can be checked from outside: the blobs and
// commits they name, and whether every settlement costs what its hold's price makes of its usage.
type Audit struct {
	holds    map[string]budget.Hold
	blobs    map[checkpoint.Hash]bool
	commits  []string
	problems []string
}

// NewAudit returns an empty audit.
func NewAudit() *Audit {
	return &Audit{holds: map[string]budget.Hold{}, blobs: map[checkpoint.Hash]bool{}}
}

// Add takes the next record.
func (a *Audit) Add(e checkpoint.Envelope) error {
	f, err := Decode(e.Kind, e.Payload)
	if err != nil {
		return err
	}
	switch f := f.(type) {
	case BuildStarted:
		a.blob(f.Spec)
	case PlanAccepted:
		a.blob(f.Plan)
	case PlanAmended:
		a.blob(f.Plan)
	case TaskStarted:
		a.blob(f.Tree)
	case AttemptStarted:
		a.blob(f.Frozen)
	case AttemptFinished:
		a.blob(f.Tree)
	case EffectFinished:
		a.blob(f.Blob)
		a.blob(f.Full)
		a.blob(f.Tree)
		if f.Gate != nil {
			a.blob(f.Gate.Log)
		}
	case CallIntended:
		a.holds[f.Hold.Op.String()] = f.Hold
		a.blob(checkpoint.Hash(f.Hold.RequestBlob))
	case CallAnswered:
		a.settled(f.Settlement)
	case Rescued: // a person knows of them, and went on without
		for _, h := range f.Lost {
			delete(a.blobs, h)
		}
	case Recognised:
		a.blob(f.Tree)
		a.commits = append(a.commits, f.Commit)
	case TaskDone:
		a.commits = append(a.commits, f.Commit)
	}
	return nil
}

func (a *Audit) settled(s budget.Settlement) {
	h, ok := a.holds[s.Op.String()]
	if !ok {
		a.problems = append(a.problems, fmt.Sprintf("call %s was settled and never intended", s.Op))
		return
	}
	delete(a.holds, s.Op.String())
	a.blob(checkpoint.Hash(s.Answer))
	if s.Fate != budget.Answered {
		return
	}
	cost := h.Price.Cost(s.Usage)
	if cost != s.Cost {
		a.problems = append(a.problems, fmt.Sprintf("call %s is booked at %s, its usage costs %s", s.Op, s.Cost, cost))
	}
}

func (a *Audit) blob(h checkpoint.Hash) {
	if h != "" {
		a.blobs[h] = true
	}
}

// Blobs lists every blob that a record names, sorted.
func (a *Audit) Blobs() []checkpoint.Hash { return slices.Sorted(maps.Keys(a.blobs)) }

// Commits lists the commits of done tasks in order.
func (a *Audit) Commits() []string { return a.commits }

// Problems lists what contradicts itself.
func (a *Audit) Problems() []string { return a.problems }
