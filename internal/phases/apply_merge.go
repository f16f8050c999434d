package phases

import (
	"fmt"
	"slices"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

func (s *State) applyMerge(f Fact) error {
	switch f := f.(type) {
	case MergeStarted:
		if s.Merge != nil || f.Merge != s.Merges+1 {
			return fmt.Errorf("apply start of merge %d: merge %d is the last, or still going on: %w", f.Merge, s.Merges, checkpoint.ErrCorrupt)
		}
		s.Merges = f.Merge
		s.Merge = &MergeState{MergeStarted: f, Effects: AttemptState{Number: f.Merge, Outcomes: map[string]*Outcome{}}}
	case MergeFinished:
		if s.Merge == nil || f.Merge != s.Merge.Merge {
			return fmt.Errorf("apply end of merge %d: it is not going on: %w", f.Merge, checkpoint.ErrCorrupt)
		}
		s.Merge, s.Careful = nil, false
	}
	return nil
}

// rebase takes the accepted candidate back; commits is how many tasks are done at the new base.
func (t *TaskState) rebase(f TaskRebased, commits int) {
	t.Base, t.BaseTree, t.After = f.Commit, f.Tree, commits
	t.Accepted, t.Reason, t.Rebased = "", f.Reason, &f
	for _, g := range f.Gates {
		if !slices.Contains(t.Keep, g) {
			t.Keep = append(t.Keep, g)
		}
	}
	t.Notes = nil
}
