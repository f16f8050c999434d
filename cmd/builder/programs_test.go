package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/checkpoint"
	"github.com/seed-c331f47d/builder/internal/phases"
)

// What Claude Code left and cannot be removed is told, and ends no build; what can be is gone.
func TestSessionsThatStayAreAWarning(t *testing.T) {
	writer, err := phases.OpenWriter(t.Context(), &checkpoint.Memory{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close(t.Context())
	var warned []string
	dir := t.TempDir()
	p := &programs{folder: filepath.Join(dir, "claude"), writer: writer, warn: func(err error) { warned = append(warned, err.Error()) }}
	p.tidy(t.Context())
	if err := os.MkdirAll(filepath.Join(p.folder, "session"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.tidy(t.Context())
	if _, err := os.Stat(p.folder); !os.IsNotExist(err) || len(warned) > 0 {
		t.Errorf("it is still there: %v; warned %q", err, warned)
	}
	if err := os.WriteFile(p.folder, nil, 0o600); err != nil { // no folder
		t.Fatal(err)
	}
	p.tidy(t.Context())
	if len(warned) != 1 || !strings.Contains(warned[0], p.folder) {
		t.Errorf("warned %q", warned)
	}
}
