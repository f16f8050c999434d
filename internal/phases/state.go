package phases

import (
	"maps"
	"slices"
	"time"

	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// State is the fold of all records. It is changed by Apply alone and serialises to JSON, which is
// what snapshots hold. Outcomes are kept for open attempts only, so its size follows the open
// tasks, not the history.
type State struct {
	Form     int                           `json:"form"` // of the fold; a snapshot of another form is not used
	Seq      uint64                        `json:"seq"`
	Build    BuildStarted                  `json:"build"`
	Session  SessionStarted                `json:"session"`
	Sessions int                           `json:"sessions"`
	Plan     checkpoint.Hash               `json:"plan,omitempty"`
	PlanHash string                        `json:"plan_hash,omitempty"`
	PlanBy   string                        `json:"plan_by,omitempty"`
	Drafted  []DraftCost                   `json:"drafted,omitempty"` // before the build
	Forked   *BuildForked                  `json:"forked,omitempty"`  // without its tasks: they are in Tasks
	Guard    budget.Guard                  `json:"guard"`
	Tasks    map[planner.TaskID]*TaskState `json:"tasks"`
	Head     string                        `json:"head,omitempty"` // newest commit of ours
	HeadTree checkpoint.Hash               `json:"head_tree,omitempty"`
	Commits  int                           `json:"commits,omitempty"` // tasks that are done, ever
	Merge    *MergeState                   `json:"merge,omitempty"`   // the one that is going on
	Merges   int                           `json:"merges,omitempty"`
	Careful  bool                          `json:"careful,omitempty"`   // after a crash one task at a time, until a step has ended
	Amending *ChangeAccepted               `json:"amending,omitempty"`  // what a person accepted, until the plan is amended
	KeptSpec string                        `json:"kept_spec,omitempty"` // SHA-256 of a changed spec that is not to be built
	Unproven bool                          `json:"unproven,omitempty"`  // a person's edits are the head, and gates have not looked yet
	Run      RunState                      `json:"run"`
	Reason   *Reason                       `json:"reason,omitempty"`
	Warned   []string                      `json:"warned,omitempty"`
	Repeats  int64                         `json:"repeats,omitempty"` // sends of a question whose answer was lost, or handed to an engine, before
	// NotBefore is when the provider may be asked again, by what it said last; it may be past.
	NotBefore time.Time `json:"not_before,omitzero"`
	WaitMS    int64     `json:"wait_ms,omitempty"` // how long that was away when it was said
	Updated   time.Time `json:"updated"`
	// What a person ordered: by id; the pause that holds; what was said to the agents, oldest first.
	Orders map[string]Given `json:"orders,omitempty"`
	Held   *Held            `json:"held,omitempty"`
	Said   []Said           `json:"said,omitempty"`
}

// WaitUntil is when the provider may be asked again by the clock of now. A clock that was set back since
// makes nobody wait longer than the provider asked for.
func (s *State) WaitUntil(now time.Time) time.Time {
	if latest := now.Add(time.Duration(s.WaitMS) * time.Millisecond); s.NotBefore.After(latest) {
		return latest
	}
	return s.NotBefore
}

// RunState says what a build is doing, as far as records tell.
type RunState string

// The states of a build. Running is also what the records of a killed build say; whether a process
// holds the build is the lock's to tell.
const (
	Running     RunState = "running"
	PausedState RunState = "paused"
	Interrupted RunState = "interrupted"
	FailedState RunState = "failed"
	DoneState   RunState = "done"
)

// TaskPhase says how far a task is.
type TaskPhase string

// The states of a task; blocked is derived (a needed task failed) and never recorded.
const (
	TaskPending TaskPhase = "pending"
	TaskRunning TaskPhase = "running"
	TaskIsDone  TaskPhase = "done"
	TaskIsFail  TaskPhase = "failed"
	TaskBlocked TaskPhase = "blocked"
	TaskWaiting TaskPhase = "waiting" // for a person's answer; its attempt stays open
)

// TaskState is what is known of one task.
type TaskState struct {
	ID         planner.TaskID                   `json:"id"`
	Phase      planner.PhaseID                  `json:"phase"`
	State      TaskPhase                        `json:"state"`
	From       string                           `json:"from,omitempty"` // the build that did it, before this one was forked
	Base       string                           `json:"base,omitempty"`
	BaseTree   checkpoint.Hash                  `json:"base_tree,omitempty"`
	After      int                              `json:"after,omitempty"`   // tasks that were done at the base
	Nth        int                              `json:"nth,omitempty"`     // done as the Nth task
	Rebased    *TaskRebased                     `json:"rebased,omitempty"` // the last time
	Keep       []planner.GateID                 `json:"keep,omitempty"`    // gates of other tasks that must stay green
	Hash       string                           `json:"hash,omitempty"`
	Attempts   int                              `json:"attempts"`
	Before     int                              `json:"before,omitempty"` // attempts of earlier starts of this task
	Past       []string                         `json:"past,omitempty"`   // how attempts ended, oldest first
	Model      string                           `json:"model,omitempty"`  // of the newest attempt
	Why        string                           `json:"why,omitempty"`    // it is that model
	Open       *AttemptState                    `json:"open,omitempty"`   // the attempt that is going on
	Ready      *AttemptState                    `json:"ready,omitempty"`  // base gates, commit and checkout: attempt 0
	Accepted   checkpoint.Hash                  `json:"accepted,omitempty"`
	AcceptedAt time.Time                        `json:"accepted_at,omitzero"` // of the record; the commit's time
	Commit     string                           `json:"commit,omitempty"`
	Tree       checkpoint.Hash                  `json:"tree,omitempty"`
	Notes      []string                         `json:"notes,omitempty"`
	Gates      map[planner.GateID]*GateStanding `json:"gates,omitempty"`
	Reason     string                           `json:"reason,omitempty"` // why the last attempt ended or the task failed
	Summary    string                           `json:"summary,omitempty"`
	Edits      []string                         `json:"user_edits,omitempty"`
	Refused    []string                         `json:"refused,omitempty"`  // hashes of requests that can never succeed as they are
	Question   *Pending                         `json:"question,omitempty"` // that it waits for

	// Of a task that is done again: why, its commit before, and what its gates have shown (see Reopened).
	Again   []string                                   `json:"again,omitempty"`
	Earlier string                                     `json:"earlier,omitempty"`
	Proven  map[planner.GateID][]planner.RequirementID `json:"proven,omitempty"`
}

// GateStanding is what a gate showed: on the base tree, and last on a candidate.
type GateStanding struct {
	BaseRun bool `json:"base_run,omitempty"`
	Red     bool `json:"red,omitempty"` // it failed on the base tree
	// Kept lists requirements that it proved in an earlier start of the task, and that are as they were.
	Kept  []planner.RequirementID `json:"kept,omitempty"`
	Pass  bool                    `json:"pass"`
	Tests int                     `json:"tests,omitempty"`
	Log   checkpoint.Hash         `json:"log,omitempty"`
	Short string                  `json:"short,omitempty"`
}

// AttemptState holds the outcomes of an open attempt by step and send.
type AttemptState struct {
	Number   int                 `json:"number"`
	Engine   string              `json:"engine,omitempty"` // a program; "" is the native loop
	Frozen   checkpoint.Hash     `json:"frozen,omitempty"`
	Prompts  string              `json:"prompts,omitempty"`
	Start    checkpoint.Hash     `json:"start,omitempty"` // tree it began with
	Tree     checkpoint.Hash     `json:"tree,omitempty"`  // last manifest that was kept of the scratch tree
	Kept     int                 `json:"kept,omitempty"`  // the step that Tree is after
	Outcomes map[string]*Outcome `json:"outcomes,omitempty"`
	Heard    uint64              `json:"heard,omitempty"` // notes up to this record were told
	Told     map[int][]uint64    `json:"told,omitempty"`  // notes that were told before a step
}

// Outcome is what the journal knows of an op: for a model call the hold, the settlement and what
// was made of a failure; for other effects the intent and the result.
type Outcome struct {
	Request  string          `json:"request"`
	Effect   EffectKind      `json:"effect,omitempty"`
	Done     bool            `json:"done"`
	Fate     budget.Fate     `json:"fate,omitempty"`
	Answer   checkpoint.Hash `json:"answer,omitempty"`
	Type     string          `json:"type,omitempty"`  // content type of the answer
	Error    string          `json:"error,omitempty"` // of a send
	Failed   *CallFailed     `json:"failed,omitempty"`
	Finished *EffectFinished `json:"finished,omitempty"`
	Said     string          `json:"said,omitempty"` // by a person who was asked
	// Delivered says that the answer reached the engine that asked, to its end.
	Delivered bool `json:"delivered,omitempty"`
}

// stateForm grows whenever Apply makes something else of the same records.
const stateForm = 6

// NewState returns the state before any record.
func NewState() *State {
	return &State{Form: stateForm, Tasks: map[planner.TaskID]*TaskState{}}
}

// Task returns what is known of a task; a task without records is pending.
func (s *State) Task(id planner.TaskID) TaskState {
	if t, ok := s.Tasks[id]; ok {
		return *t
	}
	return TaskState{ID: id, State: TaskPending}
}

// phaseOf says how far a task is.
func (s *State) phaseOf(id planner.TaskID) TaskPhase {
	if t, ok := s.Tasks[id]; ok {
		return t.State
	}
	return TaskPending
}

// tried is how many attempts count since the task was started: those that no answer came for do not,
// nor do those whose candidate was accepted and came back from a merge.
func (t TaskState) tried() int {
	n := t.Attempts - t.Before
	for i, outcome := range t.Past {
		if i >= t.Before && (outcome == outcomeUnreachable || outcome == string(agent.Accepted)) {
			n--
		}
	}
	return n
}

// start is the tree that the next attempt begins with.
func (t TaskState) start() checkpoint.Hash {
	if t.Rebased != nil {
		return t.Rebased.Start
	}
	return t.BaseTree
}

// MergeState is a merge that is going on, with what is known of its effects.
type MergeState struct {
	MergeStarted
	Effects AttemptState `json:"effects"`
}

// clone copies t so that it can be kept while the state goes on. Outcomes are left out: they are
// asked for one by one.
func (t TaskState) clone() TaskState {
	t.Notes = slices.Clone(t.Notes)
	t.Keep = slices.Clone(t.Keep)
	t.Past = slices.Clone(t.Past)
	t.Edits = slices.Clone(t.Edits)
	t.Again = slices.Clone(t.Again)
	t.Proven = maps.Clone(t.Proven)
	t.Gates = maps.Clone(t.Gates)
	for id, g := range t.Gates {
		c := *g
		t.Gates[id] = &c
	}
	if t.Open != nil {
		o := *t.Open
		o.Outcomes, o.Told = nil, nil
		t.Open = &o
	}
	t.Ready = nil
	return t
}

// Find returns the outcome of an op that the journal knows, in the open attempt it belongs to.
func (s *State) Find(op budget.Op) (Outcome, bool) {
	a := s.attempt(op)
	if a == nil {
		return Outcome{}, false
	}
	o, ok := a.Outcomes[stepKey(op)]
	if !ok {
		return Outcome{}, false
	}
	return *o, true
}

func (s *State) attempt(op budget.Op) *AttemptState {
	if op.Task == MergeTask {
		if s.Merge != nil && s.Merge.Merge == op.Attempt {
			return &s.Merge.Effects
		}
		return nil
	}
	t, ok := s.Tasks[planner.TaskID(op.Task)]
	if !ok {
		return nil
	}
	if op.Attempt == 0 {
		return t.Ready
	}
	if t.Open != nil && t.Open.Number == op.Attempt {
		return t.Open
	}
	return nil
}
