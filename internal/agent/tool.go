package agent

import (
	"context"
	"encoding/json"
)

// ToolDef is what a model is told about a tool. Schema is a JSON schema of type object.
type ToolDef struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	ReadOnly    bool            `json:"read_only,omitempty"` // changes nothing; may be run again freely
	Tells       bool            `json:"-"`                   // changes nothing but files of the tree, and says which, see [ToolResult]
}

// ToolCall is a model's wish to use a tool. Input is what the model wrote and
// may be no JSON object: see [Block].
type ToolCall struct {
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
}

// ToolResult is what a model is told about a call. Error marks the model's own mistake or a failed
// command: a value, never a Go error. Note, when set, is kept for the tasks that need this one.
type ToolResult struct {
	Text  string `json:"text"`
	Error bool   `json:"error,omitempty"`
	Note  string `json:"note,omitempty"`
	Full  string `json:"-"` // what Text was shortened from, for people who read logs; "" when nothing was left out
	// Touched are the files, by their paths in the work tree, that the call may have changed or removed: no
	// other has, and the same call on the same tree does the same again, unless something that is no part of the tree,
	// such as an ignored folder, has come in its way. An empty list means that it changed none; nil, that it cannot tell.
	Touched []string `json:"-"`
}

// Toolbox offers tools. Call runs one of them; its error is the machine's failure (disk, journal)
// and ends the run, while a model's mistake is a ToolResult with Error set. Call is never given
// the loop's own tools, finish and blocked.
type Toolbox interface {
	Defs() []ToolDef
	Call(ctx context.Context, call ToolCall) (ToolResult, error)
}

// TreeTeller is the extra power of a Toolbox to name the state of the work tree: the same string
// while nothing changed, "" when it cannot tell. The loop guard uses it to notice an agent that goes
// in circles.
type TreeTeller interface {
	Tree() string
}
