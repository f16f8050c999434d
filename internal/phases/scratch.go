package phases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/planner"
)

// scratch is the folder of an attempt's tree.
func (e *Engine) scratch(id planner.TaskID, attempt int) string {
	return filepath.Join(e.Scratch, fmt.Sprintf("%s.%d", id, attempt))
}

// sweepScratch removes the trees that a process before this one left: all but those of attempts that
// are open, or whose candidate is not on the branch yet. Nothing of this process is there so far.
func (e *Engine) sweepScratch(ctx context.Context) error {
	kept := map[string]bool{}
	err := e.Writer.View(ctx, func(s *State) {
		for id, t := range s.Tasks {
			if t.State != TaskIsDone && t.State != TaskIsFail {
				kept[filepath.Base(e.scratch(id, t.Attempts))] = true
			}
		}
	})
	if err != nil {
		return err
	}
	left, err := os.ReadDir(e.Scratch)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep scratch trees: %w", err)
	}
	for _, entry := range left {
		if kept[entry.Name()] {
			continue
		}
		if err := e.Trees.Remove(filepath.Join(e.Scratch, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
