package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A folder where builder keeps a file is named, and the build goes on once it is moved away. Files that
// only tell of the build cost a warning.
func TestFoldersInPlaceOfFiles(t *testing.T) {
	t.Parallel()
	s := stoppedStreet(t, func() string { return "" })
	id := s.status("app").Build
	for _, name := range []string{"builder.log", "events.ndjson", "../../lock"} {
		path := filepath.Join(s.dir, "app/.builder/builds", id, name)
		s.must(os.RemoveAll(path))
		s.must(os.Mkdir(path, 0o700))
		has(t, s.wants(exitStorage, "resume", "app"), "builder: E_CHECKPOINT: ", filepath.Base(name), "move it away, then: builder resume ")
		s.must(os.Remove(path))
	}
	status := filepath.Join(s.dir, "app/.builder/builds", id, "status.json")
	s.must(os.Remove(status))
	s.must(os.Mkdir(status, 0o700))
	has(t, s.wants(0, "resume", "app"), "warning: write events and status: ")
}
