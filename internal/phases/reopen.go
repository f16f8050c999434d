package phases

import (
	"context"
	"maps"
	"slices"
)

// Reopen lets all failed tasks be tried again, and the planning too when that is what failed. It
// returns how many there were.
func Reopen(ctx context.Context, w *Writer) (int, error) {
	n := 0
	err := w.Decide(ctx, func(s *State) ([]Fact, error) {
		var facts []Fact
		for _, id := range slices.Sorted(maps.Keys(s.Tasks)) {
			if s.Tasks[id].State == TaskIsFail {
				facts = append(facts, TaskReopened{Task: id})
			}
		}
		n = len(facts)
		return facts, nil
	})
	return n, err
}
