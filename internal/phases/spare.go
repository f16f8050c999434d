package phases

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// spares are scratch trees whose tasks are done, kept for the tasks that begin: to bring one from its
// last tree to another is to write what differs, where a new folder is every file of the project.
//
// The rules are: a tree is handed on at its own name only when it holds exactly what it is to hold,
// ignored files gone, so a crash leaves none half made there; proofs never run in one; at most as many
// are kept as tasks run at the same time, and none beyond the run.
type spares struct {
	mu   sync.Mutex
	free []string
	made int
}

// take gives a tree that nobody needs, used, or the place of one that is to be made.
func (s *spares) take(in string) (dir string, used bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.free)
	if n == 0 {
		return s.next(in), false
	}
	dir = s.free[n-1]
	s.free = s.free[:n-1]
	return dir, true
}

// place is where nothing stands.
func (s *spares) place(in string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next(in)
}

func (s *spares) next(in string) string {
	s.made++
	return filepath.Join(in, fmt.Sprintf("spare.%d", s.made))
}

// put keeps a tree, unless enough are kept.
func (s *spares) put(dir string, most int) (kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) >= most {
		return false
	}
	s.free = append(s.free, dir)
	return true
}

// all gives all that are kept, and keeps none.
func (s *spares) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	free := s.free
	s.free = nil
	return free
}

// bringTree makes dir hold a recorded tree: anew, or of one that was begun what has changed since.
func (e *Engine) bringTree(ctx context.Context, tree checkpoint.Hash, dir string, begun bool) error {
	m, err := e.fetch(ctx, tree)
	if err != nil {
		return err
	}
	if !begun {
		return e.layScratch(ctx, m, dir)
	}
	if err := e.Trees.Materialise(ctx, m, dir, false); err != nil {
		return fmt.Errorf("restore scratch tree: %w", err)
	}
	return nil
}

// layScratch makes dir hold exactly m, whatever stood there.
func (e *Engine) layScratch(ctx context.Context, m Manifest, dir string) error {
	if err := e.Trees.Remove(dir); err != nil {
		return fmt.Errorf("clear scratch tree: %w", err)
	}
	spare, used := e.spares.take(e.Scratch)
	err := e.Trees.Materialise(ctx, m, spare, true)
	if err != nil && used && ctx.Err() == nil { // whatever its last task did to it
		err = e.Trees.Remove(spare)
		spare = e.spares.place(e.Scratch)
		if err == nil {
			err = e.Trees.Materialise(ctx, m, spare, true)
		}
	}
	if err == nil {
		err = e.Trees.Move(spare, dir)
	}
	if err != nil {
		return fmt.Errorf("make scratch tree: %w", err)
	}
	return nil
}

// letGo is told that a scratch tree is not needed any more.
func (e *Engine) letGo(dir string) error {
	spare := e.spares.place(e.Scratch)
	if e.Trees.Move(dir, spare) != nil { // it may not be there at all
		return e.Trees.Remove(dir)
	}
	if e.spares.put(spare, e.workers()) {
		return nil
	}
	return e.Trees.Remove(spare)
}

// dropSpares deletes what is kept; what cannot be deleted is found by the next run and by `builder clean`.
func (e *Engine) dropSpares() {
	for _, dir := range e.spares.all() {
		_ = e.Trees.Remove(dir)
	}
}
