package phases

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Audit reads all records of a journal, shares no code with the fold, and collects what can be checked
// from outside: the blobs and commits they name, the money in every scope by an addition of its own,
// and whether the cap held at every record.
type Audit struct {
	build    string
	ledger   ledger
	blobs    map[checkpoint.Hash]bool
	started  map[planner.TaskID]bool
	done     []DoneCommit
	ids      map[string]bool // all commit ids that a record names
	problems []string
}

// DoneCommit is the commit of a task that a record calls done.
type DoneCommit struct {
	Seq    uint64 // of the record
	Build  string // that made it
	Task   planner.TaskID
	Commit string
	Tree   checkpoint.Hash // manifest
}

// NewAudit returns an empty audit.
func NewAudit() *Audit {
	return &Audit{
		ledger: newLedger(), blobs: map[checkpoint.Hash]bool{}, started: map[planner.TaskID]bool{}, ids: map[string]bool{},
	}
}

// Add takes the next record.
func (a *Audit) Add(e checkpoint.Envelope) error {
	f, err := Decode(e.Kind, e.Payload)
	if err != nil {
		return err
	}
	for _, h := range BlobsOf(f) {
		a.blobs[h] = true
	}
	for _, id := range commitIDs.FindAllString(string(e.Payload), -1) {
		a.ids[id] = true
	}
	at := fmt.Sprintf("record %d (%s)", e.Seq, e.Kind)
	switch f := f.(type) {
	case BuildStarted:
		a.build = f.Build
		a.say(at, a.ledger.open(f.Caps))
	case BuildForked:
		for _, c := range f.Tasks {
			a.done = append(a.done, DoneCommit{Seq: e.Seq, Build: c.Build, Task: c.Task, Commit: c.Commit, Tree: c.Tree})
		}
	case CapsRaised:
		a.say(at, a.ledger.raise(f.Caps))
	case CallIntended:
		a.say(at, a.ledger.intend(f.Hold))
	case CallAnswered:
		a.say(at, a.ledger.settle(f.Settlement))
	case Rescued:
		for _, h := range f.Lost { // a person knows of them, and went on without
			delete(a.blobs, h)
		}
		for _, c := range f.Charges {
			a.ledger.charge(c)
		}
	case Recognised:
		a.done = append(a.done, DoneCommit{Seq: e.Seq, Build: a.build, Task: f.Task, Commit: f.Commit, Tree: f.Tree})
	case TaskStarted:
		a.started[f.Task] = true
	case TaskDone:
		if !a.started[f.Task] {
			a.say(at, []string{fmt.Sprintf("task %s has a commit more than it has starts: %s", f.Task, f.Commit)})
		}
		a.started[f.Task] = false
		a.done = append(a.done, DoneCommit{Seq: e.Seq, Build: a.build, Task: f.Task, Commit: f.Commit, Tree: f.Tree})
	}
	return nil
}

func (a *Audit) say(at string, problems []string) {
	for _, p := range problems {
		a.problems = append(a.problems, at+": "+p)
	}
}

// Blobs lists every blob that a record names, sorted.
func (a *Audit) Blobs() []checkpoint.Hash { return slices.Sorted(maps.Keys(a.blobs)) }

// Done lists the commits of done tasks in the order of their records.
func (a *Audit) Done() []DoneCommit { return a.done }

// Knows says whether any record names a commit.
func (a *Audit) Knows(commit string) bool { return a.ids[commit] }

// Build is the build that the records are of.
func (a *Audit) Build() string { return a.build }

// Calls is how many calls were intended.
func (a *Audit) Calls() int64 { return a.ledger.calls }

// Problems lists what contradicts itself, and where the audit's addition differs from a guard's; of
// says whose guard it is.
func (a *Audit) Problems(of string, g *budget.Guard) []string {
	return append(slices.Clone(a.problems), a.Money(of, g)...)
}

// Money lists where the audit's addition differs from a guard's.
func (a *Audit) Money(of string, g *budget.Guard) []string { return a.ledger.compare(of, g) }
