package phases

import (
	"encoding/json"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// The kinds of records about a world that changed between two runs.
const (
	KindChangeAccepted Kind = "change.accepted"
	KindSpecKept       Kind = "spec.kept"
	KindUserCommitted  Kind = "user.committed"
	KindUserDiscarded  Kind = "user.discarded"
	KindEditsProven    Kind = "edits.proven"
)

// ChangeAccepted says that a person wants the build to follow an edited spec, an edited plan, or
// both. What it asks for is done before anything else; a PlanAmended ends it. Without Plan the
// planning model amends the plan, as the reserved task `plan`.
type ChangeAccepted struct {
	Spec     checkpoint.Hash `json:"spec,omitempty"` // blob
	SpecPath string          `json:"spec_path,omitempty"`
	SpecFile string          `json:"spec_file,omitempty"` // absolute
	SpecSHA  string          `json:"spec_sha256,omitempty"`
	Plan     checkpoint.Hash `json:"plan,omitempty"` // blob of the plan that is given
	By       string          `json:"by"`
}

// SpecKept says that a person wants the build to go on with the spec it has, although its file is
// another now. The same file is not asked about again.
type SpecKept struct {
	SpecSHA string `json:"spec_sha256"` // of the file
	By      string `json:"by"`
}

// Reopened is a task that is done again. Proven lists what its gates have shown so far and need not
// show again from red: by gate, the requirements that are as they were (see proofOf).
type Reopened struct {
	Task   planner.TaskID                             `json:"task"`
	Why    []string                                   `json:"why"` // for people and for the agent
	Proven map[planner.GateID][]planner.RequirementID `json:"proven,omitempty"`
}

// UserCommitted takes what a person did in the repository as the new head of the build: files that
// the builder committed for them, or commits of their own.
type UserCommitted struct {
	Commit string          `json:"commit"`
	Parent string          `json:"parent"` // newest commit of the build before
	Tree   checkpoint.Hash `json:"tree"`
	Paths  []string        `json:"paths"`         // that differ from the build's newest commit
	Own    []string        `json:"own,omitempty"` // commits that they made themselves, newest first
}

// UserDiscarded says that a person had their edits in the folder taken back.
type UserDiscarded struct {
	Paths []string `json:"paths"`
	Kept  string   `json:"kept"` // folder that holds them now
}

// EditsProven says what the gates of done tasks show on a head that a person made, and which tasks
// are done again for it.
type EditsProven struct {
	Tree  checkpoint.Hash  `json:"tree"`
	Red   []planner.GateID `json:"red,omitempty"`
	Again []Reopened       `json:"again,omitempty"`
}

func (ChangeAccepted) kind() Kind { return KindChangeAccepted }
func (SpecKept) kind() Kind       { return KindSpecKept }
func (UserCommitted) kind() Kind  { return KindUserCommitted }
func (UserDiscarded) kind() Kind  { return KindUserDiscarded }
func (EditsProven) kind() Kind    { return KindEditsProven }

// changeFact is factOf for these kinds.
func changeFact(k Kind) (func(json.RawMessage) (Fact, error), bool) {
	switch k {
	case KindChangeAccepted:
		return as[ChangeAccepted], true
	case KindSpecKept:
		return as[SpecKept], true
	case KindUserCommitted:
		return as[UserCommitted], true
	case KindUserDiscarded:
		return as[UserDiscarded], true
	case KindEditsProven:
		return as[EditsProven], true
	}
	return nil, false
}
