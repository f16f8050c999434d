package planner

import (
	"context"
	"encoding/json"
)

// Question is one structured question to a model.
type Question struct {
	System []string        // byte-stable parts, role and rules first
	Prompt string          // the question; later rounds append the answer and the problems found
	Schema json.RawMessage // JSON schema of the answer
	Answer string          // the answer of the round before, when this is a repair round
	Repair string          // the problems of that answer, sorted, one a line
}

// Asker asks a model. It MUST return the answer's JSON as the model gave it; an error is the
// machine's own failure or a pause, and ends the drafting.
type Asker interface {
	Ask(ctx context.Context, q Question) (json.RawMessage, error)
}
