package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// tidyUp removes the files that killed processes left on their way to a name. Whoever calls it holds
// the build: nothing of it is being written.
func (s *store) tidyUp(ctx context.Context) error {
	_, err := s.blobs.Sweep(ctx, time.Now().AddDate(100, 0, 0)) // whatever the clock was then
	errs := []error{err}
	for _, pattern := range []string{"*" + tmpSuffix, ".*" + tmpSuffix} {
		for _, dir := range []string{s.root(), s.build(s.id), s.backups(s.id)} {
			left, err := filepath.Glob(filepath.Join(dir, pattern))
			errs = append(errs, err)
			for _, path := range left {
				errs = append(errs, os.RemoveAll(path))
			}
		}
	}
	errs = append(errs, s.eachLeft(s.id, os.RemoveAll))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove what a killed process left: %w", err)
	}
	return nil
}
