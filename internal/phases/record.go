package phases

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Kind names a record in the journal, in events.ndjson and in `builder logs`.
type Kind string

// The kinds of records. They are only ever added to; payloads only ever gain fields.
const (
	KindBuildStarted    Kind = "build.started"
	KindSessionStarted  Kind = "session.started"
	KindPlanAccepted    Kind = "plan.accepted"
	KindPlanAmended     Kind = "plan.amended"
	KindCapsRaised      Kind = "caps.raised"
	KindTaskStarted     Kind = "task.started"
	KindAttemptStarted  Kind = "attempt.started"
	KindCallIntended    Kind = "call.intended"
	KindCallAnswered    Kind = "call.answered"
	KindCallFailed      Kind = "call.failed"
	KindEffectStarted   Kind = "effect.started"
	KindEffectFinished  Kind = "effect.finished"
	KindAttemptFinished Kind = "attempt.finished"
	KindTaskDone        Kind = "task.done"
	KindTaskFailed      Kind = "task.failed"
	KindTaskReopened    Kind = "task.reopened"
	KindTaskRebased     Kind = "task.rebased"
	KindMergeStarted    Kind = "merge.started"
	KindMergeFinished   Kind = "merge.finished"
	KindBudgetWarned    Kind = "budget.warned"
	KindPaused          Kind = "build.paused"
	KindFinished        Kind = "build.finished"
)

// Fact is the payload of one kind of record.
type Fact interface{ kind() Kind }

// BuildStarted opens a build. What it freezes cannot change on resume.
type BuildStarted struct {
	Build    string          `json:"build"`
	Builder  string          `json:"builder"` // version of this program
	Spec     checkpoint.Hash `json:"spec"`    // blob
	SpecPath string          `json:"spec_path"`
	SpecFile string          `json:"spec_file,omitempty"` // where SpecPath was, absolute
	SpecSHA  string          `json:"spec_sha256"`
	Engine   string          `json:"engine"`
	Provider string          `json:"provider"`
	Model    string          `json:"model"`
	BaseURL  string          `json:"base_url,omitempty"`
	API      string          `json:"api,omitempty"`   // of provider openai: kept answers are read by it
	Price    string          `json:"price,omitempty"` // of the model, as the user gave it for this build
	Models   Models          `json:"models,omitzero"`
	Billing  budget.Billing  `json:"billing,omitempty"`
	Effort   string          `json:"effort,omitempty"`
	Author   string          `json:"author"` // "Name <email>"
	Caps     budget.Caps     `json:"caps"`
	At       time.Time       `json:"at"`
}

// SessionStarted says that a process took the build up, first or again.
type SessionStarted struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Builder string    `json:"builder"`
	Sandbox string    `json:"sandbox"`
	Workers int       `json:"workers,omitempty"` // tasks at the same time, at most
	BaseURL string    `json:"base_url,omitempty"`
	Resumed bool      `json:"resumed,omitempty"`
	Anyway  bool      `json:"anyway,omitempty"` // a person wants the provider asked although it said to wait
	At      time.Time `json:"at"`
}

// PlanAccepted fixes the plan. Hash is over its canonical form, Plan is the blob of its JSON.
type PlanAccepted struct {
	Plan    checkpoint.Hash `json:"plan"`
	Hash    string          `json:"hash"`
	By      string          `json:"by"` // "model", "user" or "rule"
	Drafted []DraftCost     `json:"drafted,omitempty"`
}

// DraftCost is what planning the spec of a given plan cost before the build, under a cap of its own,
// with one model. It is shown beside the build's money and is no part of it.
type DraftCost struct {
	Provider string       `json:"provider"`
	Model    string       `json:"model"`
	Spent    budget.Micro `json:"spent_microusd"`
	Unknown  budget.Micro `json:"unknown_microusd"`
	Tokens   int64        `json:"tokens"`
	Calls    int64        `json:"calls"`
}

// PlanAmended replaces the plan. Frozen gates change only by the user: by an edited plan, or by a
// changed spec that they accepted. Tasks that are the same stay as they are; those in Again are done
// again, on top of the branch.
type PlanAmended struct {
	From     string                                          `json:"from"`
	To       string                                          `json:"to"`
	Plan     checkpoint.Hash                                 `json:"plan"`
	By       string                                          `json:"by"`
	Spec     checkpoint.Hash                                 `json:"spec,omitempty"` // blob, where it is another
	SpecPath string                                          `json:"spec_path,omitempty"`
	SpecFile string                                          `json:"spec_file,omitempty"`
	SpecSHA  string                                          `json:"spec_sha256,omitempty"`
	Again    []Reopened                                      `json:"again,omitempty"`
	Added    []planner.TaskID                                `json:"added,omitempty"`
	Dropped  []planner.TaskID                                `json:"dropped,omitempty"`
	Renamed  map[planner.RequirementID]planner.RequirementID `json:"renamed,omitempty"` // requirements with another id now
}

// CapsRaised sets new caps; never below what is spent, unknown and held.
type CapsRaised struct {
	Caps budget.Caps `json:"caps"`
	By   string      `json:"by"`
}

// TaskStarted fixes the base a task is proven against.
type TaskStarted struct {
	Task   planner.TaskID  `json:"task"`
	Phase  planner.PhaseID `json:"phase"`
	Commit string          `json:"commit,omitempty"` // "" before the first commit
	Tree   checkpoint.Hash `json:"tree"`             // manifest blob
	Hash   string          `json:"hash"`             // of the task and its gates as they stand in the plan
}

// AttemptStarted freezes all an agent is told, so that a newer builder resumes an old attempt unchanged.
type AttemptStarted struct {
	Task    planner.TaskID  `json:"task"`
	Attempt int             `json:"attempt"`
	Frozen  checkpoint.Hash `json:"frozen"`  // blob: agent.Task as JSON; of the task plan: facts of the machine, as text
	Prompts string          `json:"prompts"` // version of the words told: ours, and after a plus those for the program
	Model   string          `json:"model,omitempty"`
	Why     string          `json:"why,omitempty"`     // it is that model; "" for the build's own
	Heard   uint64          `json:"heard,omitempty"`   // a person's words up to this record are in it
	Engine  string          `json:"engine,omitempty"`  // the program that carries it out; "" is the native loop
	Version string          `json:"version,omitempty"` // of that program, in its own words
}

// CallIntended is an admitted hold; nothing has left yet.
type CallIntended struct {
	Hold budget.Hold `json:"hold"`
}

// CallAnswered is the outcome of a send and its settlement.
type CallAnswered struct {
	budget.Settlement
}

// CallFailed says what the engine makes of a send that brought no usable answer.
type CallFailed struct {
	Op      budget.Op `json:"op"`
	Class   string    `json:"class"`
	Status  int       `json:"status,omitempty"`
	Type    string    `json:"type,omitempty"`
	Message string    `json:"message"`
	WaitMS  int64     `json:"wait_ms,omitempty"` // served before the next send
	Cause   string    `json:"cause,omitempty"`   // an agent.Cause
	// NotBefore is when the provider may be asked again by anybody. What is left of the wait when a
	// process ends is served by the next one.
	NotBefore time.Time `json:"not_before,omitzero"`
}

// EffectKind says what kind of thing an effect is.
type EffectKind string

// The kinds of effects besides model calls.
const (
	EffectTool     EffectKind = "tool"
	EffectSetup    EffectKind = "setup"
	EffectGate     EffectKind = "gate"
	EffectCommit   EffectKind = "commit"
	EffectCheckout EffectKind = "checkout"
)

// EffectStarted is the intent of an effect: Name is the tool, gate or step; Tree the manifest before, "" of a tool that
// says what it touches.
type EffectStarted struct {
	Op      budget.Op       `json:"op"`
	Effect  EffectKind      `json:"effect"`
	Name    string          `json:"name,omitempty"`
	Request string          `json:"request"`
	Tree    checkpoint.Hash `json:"tree,omitempty"`
	Detail  json.RawMessage `json:"detail,omitempty"`
}

// EffectFinished is the outcome of an effect: Result inline when small, else in Blob.
type EffectFinished struct {
	Op      budget.Op       `json:"op"`
	Effect  EffectKind      `json:"effect"`
	Name    string          `json:"name,omitempty"`
	Request string          `json:"request"`
	Result  json.RawMessage `json:"result,omitempty"`
	Blob    checkpoint.Hash `json:"blob,omitempty"`
	Tree    checkpoint.Hash `json:"tree,omitempty"` // manifest after it, when it can change the tree
	Left    string          `json:"left,omitempty"` // identity of the tree it left, where no manifest of that was kept: the call makes it again
	Note    string          `json:"note,omitempty"` // kept for the tasks that need this one
	Full    checkpoint.Hash `json:"full,omitempty"` // what a tool's result was shortened from, for people
	Gate    *GateOutcome    `json:"gate,omitempty"`
}

// GateOutcome is what a gate run showed, on the base tree or on a candidate.
type GateOutcome struct {
	Gate  planner.GateID  `json:"gate"`
	Base  bool            `json:"base,omitempty"`
	Pass  bool            `json:"pass"`
	Exit  int             `json:"exit"`
	Tests int             `json:"tests,omitempty"`
	Log   checkpoint.Hash `json:"log,omitempty"`
	Short string          `json:"short,omitempty"` // one line for people
	Task  planner.TaskID  `json:"task,omitempty"`  // whose candidate it is, where a merge is proven
}

// AttemptFinished closes an attempt. Reason is for people and for the next attempt.
type AttemptFinished struct {
	Task    planner.TaskID  `json:"task"`
	Attempt int             `json:"attempt"`
	Outcome string          `json:"outcome"` // an agent.Outcome, "diverged", "unreachable" or "failed"
	Reason  string          `json:"reason,omitempty"`
	Summary string          `json:"summary,omitempty"`
	Tree    checkpoint.Hash `json:"tree,omitempty"` // the proven candidate, when accepted
}

// TaskDone is a proven task: its commit is on the user's branch.
type TaskDone struct {
	Task   planner.TaskID  `json:"task"`
	Commit string          `json:"commit"`
	Tree   checkpoint.Hash `json:"tree"`
	Edits  []string        `json:"user_edits,omitempty"` // paths left as the user changed them
}

// TaskFailed is a task that no attempt could prove.
type TaskFailed struct {
	Task   planner.TaskID `json:"task"`
	Reason string         `json:"reason"`
}

// TaskReopened lets a failed task be tried again, because a person asked for it.
type TaskReopened struct {
	Task planner.TaskID `json:"task"`
}

// BudgetWarned notes a warning so that it is given once.
type BudgetWarned struct {
	Mark   string `json:"mark"`           // "50", "75", "90" or "forecast"
	Used   int64  `json:"used,omitempty"` // spent and unknown; for a forecast, what it will be
	Cap    int64  `json:"cap,omitempty"`
	Tokens bool   `json:"tokens,omitempty"` // Used and Cap are tokens, not micro-dollars
}

// Paused says why a build stopped before its end; it can be resumed.
type Paused struct {
	Reason Reason `json:"reason"`
}

// Finished is the end of a build: State is "done" or "failed".
type Finished struct {
	State string `json:"state"`
}

// Reason explains a stop to people: a stable code, what happened, what to do.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// NotBefore is when the provider may be asked again, or when it said that it works again.
	NotBefore time.Time `json:"not_before,omitzero"`
}

func (BuildStarted) kind() Kind    { return KindBuildStarted }
func (SessionStarted) kind() Kind  { return KindSessionStarted }
func (PlanAccepted) kind() Kind    { return KindPlanAccepted }
func (PlanAmended) kind() Kind     { return KindPlanAmended }
func (CapsRaised) kind() Kind      { return KindCapsRaised }
func (TaskStarted) kind() Kind     { return KindTaskStarted }
func (AttemptStarted) kind() Kind  { return KindAttemptStarted }
func (CallIntended) kind() Kind    { return KindCallIntended }
func (CallAnswered) kind() Kind    { return KindCallAnswered }
func (CallFailed) kind() Kind      { return KindCallFailed }
func (EffectStarted) kind() Kind   { return KindEffectStarted }
func (EffectFinished) kind() Kind  { return KindEffectFinished }
func (AttemptFinished) kind() Kind { return KindAttemptFinished }
func (TaskDone) kind() Kind        { return KindTaskDone }
func (TaskFailed) kind() Kind      { return KindTaskFailed }
func (TaskReopened) kind() Kind    { return KindTaskReopened }
func (TaskRebased) kind() Kind     { return KindTaskRebased }
func (MergeStarted) kind() Kind    { return KindMergeStarted }
func (MergeFinished) kind() Kind   { return KindMergeFinished }
func (BudgetWarned) kind() Kind    { return KindBudgetWarned }
func (Paused) kind() Kind          { return KindPaused }
func (Finished) kind() Kind        { return KindFinished }

// Encode makes a journal record of a fact.
func Encode(f Fact, at time.Time) (checkpoint.Record, error) {
	payload, err := json.Marshal(f)
	if err != nil {
		return checkpoint.Record{}, fmt.Errorf("encode %s: %w", f.kind(), err)
	}
	return checkpoint.Record{Kind: string(f.kind()), Time: at, Payload: payload}, nil
}

// Decode reads the fact of an envelope. An unknown kind is an error: it may change what is true.
func Decode(kind string, payload json.RawMessage) (Fact, error) {
	mk, ok := factOf(Kind(kind))
	if !ok {
		return nil, fmt.Errorf("decode record: unknown kind %q", kind)
	}
	f, err := mk(payload)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", kind, err)
	}
	return f, nil
}

func as[T Fact](payload json.RawMessage) (Fact, error) {
	var f T
	err := json.Unmarshal(payload, &f)
	return f, err
}

func factOf(k Kind) (func(json.RawMessage) (Fact, error), bool) {
	switch k {
	case KindBuildStarted:
		return as[BuildStarted], true
	case KindBuildForked:
		return as[BuildForked], true
	case KindSessionStarted:
		return as[SessionStarted], true
	case KindPlanAccepted:
		return as[PlanAccepted], true
	case KindPlanAmended:
		return as[PlanAmended], true
	case KindCapsRaised:
		return as[CapsRaised], true
	case KindTaskStarted:
		return as[TaskStarted], true
	case KindAttemptStarted:
		return as[AttemptStarted], true
	case KindCallIntended:
		return as[CallIntended], true
	case KindCallAnswered:
		return as[CallAnswered], true
	case KindCallFailed:
		return as[CallFailed], true
	case KindCallDelivered:
		return as[CallDelivered], true
	case KindEffectStarted:
		return as[EffectStarted], true
	case KindEffectFinished:
		return as[EffectFinished], true
	case KindAttemptFinished:
		return as[AttemptFinished], true
	case KindTaskDone:
		return as[TaskDone], true
	case KindTaskFailed:
		return as[TaskFailed], true
	case KindTaskReopened:
		return as[TaskReopened], true
	case KindTaskRebased:
		return as[TaskRebased], true
	case KindMergeStarted:
		return as[MergeStarted], true
	case KindMergeFinished:
		return as[MergeFinished], true
	case KindBudgetWarned:
		return as[BudgetWarned], true
	case KindPaused:
		return as[Paused], true
	case KindFinished:
		return as[Finished], true
	case KindOrdered:
		return as[Ordered], true
	case KindNoteTold:
		return as[NoteTold], true
	case KindQuestionAsked:
		return as[QuestionAsked], true
	case KindRescued:
		return as[Rescued], true
	case KindRecognised:
		return as[Recognised], true
	}
	return changeFact(k)
}

// TaskOf names the task that a fact is about; "" when it is about the whole build.
func TaskOf(f Fact) string {
	switch f := f.(type) {
	case TaskStarted:
		return string(f.Task)
	case AttemptStarted:
		return string(f.Task)
	case AttemptFinished:
		return string(f.Task)
	case TaskDone:
		return string(f.Task)
	case TaskFailed:
		return string(f.Task)
	case TaskReopened:
		return string(f.Task)
	case TaskRebased:
		return string(f.Task)
	case Recognised:
		return string(f.Task)
	case CallIntended:
		return f.Hold.Op.Task
	case CallAnswered:
		return f.Op.Task
	case CallFailed:
		return f.Op.Task
	case CallDelivered:
		return f.Op.Task
	case EffectStarted:
		return f.Op.Task
	case EffectFinished:
		return f.Op.Task
	case Ordered:
		return string(f.Task)
	case NoteTold:
		return f.Op.Task
	case QuestionAsked:
		return f.Op.Task
	}
	return ""
}
