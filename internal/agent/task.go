package agent

import (
	"context"
	"encoding/json"
)

// Task is everything an engine needs to carry out one attempt at one task.
type Task struct {
	ID        string
	Model     string    // exact model id
	System    []string  // see [Request.System]
	First     Message   // the task itself
	Tools     []ToolDef // frozen with the attempt: the toolbox's and the loop's own
	MaxTokens int64     // most output tokens per call
	Window    int64     `json:",omitempty"` // the model's, in tokens; 0: not known, and the conversation is never compacted
	Effort    string
	Thinking  bool `json:",omitempty"` // see [Request.Thinking]
	MaxTurns  int  // 0 means 200
}

// Verdict is the builder's answer to an agent that says it is finished.
type Verdict struct {
	Accepted  bool
	Feedback  string // what failed, for the agent; empty when accepted
	Signature string // equal for equal failures; the loop guard counts repeats
}

// Verifier proves the work: it runs the gates on a fresh tree. The agent's summary is no evidence.
type Verifier interface {
	Verify(ctx context.Context, summary string) (Verdict, error)
}

// Outcome says how an attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	Accepted Outcome = "accepted" // the gates are green
	Blocked  Outcome = "blocked"  // the agent says it cannot be done, with evidence
	Asked    Outcome = "asked"    // the agent asks a person; the attempt stays open and goes on with the answer
	Stuck    Outcome = "stuck"    // the loop guard ended it: no progress
	Declined Outcome = "declined" // the model refuses, or the request can never succeed
)

// Result is what came of an attempt. Reason and Evidence are for people and for the next attempt;
// they are the agent's words and prove nothing.
type Result struct {
	Outcome  Outcome `json:"outcome"`
	Summary  string  `json:"summary,omitempty"`
	Reason   string  `json:"reason,omitempty"`
	Evidence string  `json:"evidence,omitempty"`
	Turns    int     `json:"turns"`
}

// Engine carries out attempts. Run returns an error only for the machine's failures and for
// pauses (budget, provider, cancel): the attempt then stays open and can be resumed.
type Engine interface {
	Run(ctx context.Context, t Task) (Result, error)
}

// FrozenTask is the form in which a Task is kept in the journal; it round-trips through JSON.
func (t Task) FrozenTask() (json.RawMessage, error) { return json.Marshal(t) }
