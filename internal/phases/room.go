package phases

import (
	"context"
	"fmt"
)

// room pauses a build whose disk is nearly full, before the next call is paid for.
func (e *Engine) room(ctx context.Context) error {
	if e.Space == nil {
		return nil
	}
	free, err := e.Space(ctx)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	return e.Set.Room(free, e.again())
}

// Room is the *PauseError of a build for which so few bytes are free that no call may be paid for,
// and nil when there are enough. again is the command that goes on.
func (s Settings) Room(free int64, again string) error {
	floor := s.minFree()
	if free >= floor {
		return nil
	}
	what := fmt.Sprintf("%s are free, a call is paid for from %s on", bytesOf(free), bytesOf(floor))
	return &PauseError{Reason: Reason{Code: CodeDisk, Message: what, Hint: "free some space, then: " + again}}
}

// bytesOf writes a size for people, rounded down.
func bytesOf(n int64) string {
	if n < 10<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
