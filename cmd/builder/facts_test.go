package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

// Tools are told with their versions, those that do not run are left out, and what commands may reach
// is told as it was measured.
func TestToldFacts(t *testing.T) {
	t.Parallel()
	runner, report := ladder.Measure(t.Context())
	if report.Level == sandbox.None {
		t.Skip("commands cannot be confined here")
	}
	bin, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"node": "echo v22.5.1", "python3": "echo lost >&2; exit 127", "pip": "echo pip 23.2.1", "cargo": "echo cargo 1.95.0", "rustc": "exit 1", "make": "echo GNU Make",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w := &works{runner: runner, agents: sandbox.Profile{Env: map[string]string{"PATH": bin + ":/usr/bin:/bin"}, Read: []string{bin}}}
	for _, name := range []string{"node", "python3", "pip", "cargo", "rustc", "make"} {
		w.tools = append(w.tools, toolchain.Tool{Name: name, Path: filepath.Join(bin, name)})
	}
	got, _, _ := strings.Cut(w.tell(t.Context()), "\n")
	if got != "node 22.5.1, cargo 1.95.0, rustc, make" { // pip goes with python3, and rustc, which comes with cargo, is not asked
		t.Errorf("told %q", got)
	}
	if w.facts(providerOffline) != nil {
		t.Error("the offline model is told of the machine")
	}
	for level, want := range map[sandbox.Level]string{sandbox.Full: "There is no network", sandbox.FilesOnly: "Do not use the network but", sandbox.None: "write only in the tree"} {
		if !strings.Contains(confinement(level), want) {
			t.Errorf("%s: %s", level, confinement(level))
		}
	}
}
