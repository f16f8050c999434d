package ladder

import (
	"context"
	"errors"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// errWindows is what every command answers here.
var errWindows = errors.New("commands are not run on Windows itself: use WSL")

// Unconfined refuses every command: nothing here keeps the promise to leave no process behind.
func Unconfined() sandbox.Runner { return refused{} }

type refused struct{}

func (refused) Level() sandbox.Level { return sandbox.None }

func (refused) Isolates(sandbox.Policy) bool { return false }

func (refused) Run(context.Context, sandbox.Command) (sandbox.Output, error) {
	return sandbox.Output{}, errWindows
}

func (refused) Start(context.Context, sandbox.Command) (sandbox.Process, error) {
	return nil, errWindows
}
