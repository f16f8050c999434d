package phases

import (
	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// MergeTask is the reserved task name under which the gates, the commits and the checkout of merges
// are journaled; the number of the merge stands where a task has that of its attempt.
const MergeTask = "merge"

// MergeStarted fixes what is put on the branch together: accepted candidates, in the order of their
// commits, each merged into the tree of the one before it. Commit and Tree are the branch before.
type MergeStarted struct {
	Merge  int             `json:"merge"`
	Commit string          `json:"commit,omitempty"`
	Tree   checkpoint.Hash `json:"tree"`
	Items  []MergeItem     `json:"items"`
}

// MergeItem is one task of a merge. Where Tree is Candidate, its attempt has proven just that.
type MergeItem struct {
	Task      planner.TaskID  `json:"task"`
	Candidate checkpoint.Hash `json:"candidate"`
	Tree      checkpoint.Hash `json:"tree"` // what is committed
}

// MergeFinished closes a merge; the TaskDone of what was committed stand right before it.
type MergeFinished struct {
	Merge int              `json:"merge"`
	Red   []planner.GateID `json:"red,omitempty"` // of tasks done before, and red before the merge: not its doing
}

// TaskRebased sends an accepted candidate back to its agent: it does not go together with what has
// been committed since its task began. The next attempt begins at Start: the newest branch with the
// task's own changes, both sides shown where they conflict.
type TaskRebased struct {
	Task      planner.TaskID   `json:"task"`
	Commit    string           `json:"commit"` // the new base
	Tree      checkpoint.Hash  `json:"tree"`   // of it
	Start     checkpoint.Hash  `json:"start"`
	Conflicts []Conflict       `json:"conflicts,omitempty"`
	Gates     []planner.GateID `json:"gates,omitempty"` // of other tasks, to be kept green from now on
	Reason    string           `json:"reason"`          // for the agent
}
