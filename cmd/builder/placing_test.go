package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Of two that make folders of one name at the same moment neither removes what the other has just made: one gets
// the name, the other is told that it is taken.
func TestPlacingsMeet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := &app{env: os.Environ(), out: io.Discard, err: io.Discard}
	done := make(chan error)
	go func() {
		for {
			select {
			case done <- nil:
				return
			default:
			}
			if err := sweepPlacings(dir, "app"); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 500 {
		p, err := a.place(t.Context(), filepath.Join(dir, "app"))
		if err != nil {
			t.Error(err)
			break
		}
		if err := os.WriteFile(filepath.Join(p.app, "x"), nil, 0o600); err != nil {
			t.Error(err)
		}
		if err := p.discard(); err != nil {
			t.Error(err)
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
