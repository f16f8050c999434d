package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

// Only modules that lie in the cache are told, in the versions this program was built with.
func TestOfflineModules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"example.org/a/@v/v1.0.0.zip", "example.org/!upper/@v/v2.0.0.zip", "example.org/b/@v/v1.0.0.mod"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := offlineModules("file://"+dir, []string{"example.org/a@v1.0.0", "example.org/a@v1.0.1", "example.org/Upper@v2.0.0", "example.org/b@v1.0.0"})
	if want := []string{"example.org/a@v1.0.0", "example.org/Upper@v2.0.0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := offlineModules("off", []string{"example.org/a@v1.0.0"}); got != nil {
		t.Errorf("without a proxy: %v", got)
	}
	if !strings.Contains(moduleFacts(nil), "standard library") {
		t.Error("nothing is said of a machine without modules")
	}
}

// What agents are told can be had, can be had: `go get` resolves each module by itself from the
// files of the module cache.
func TestToldModulesResolve(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Skip("go is not installed")
	}
	proxy := "file://" + filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	mods := offlineModules(proxy, builtWith())
	if len(mods) == 0 {
		t.Skip("built without a module cache")
	}
	cache := t.TempDir()
	for _, m := range mods {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n\ngo 1.26\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), "go", "get", m)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOPROXY="+proxy, "GOMODCACHE="+cache, "GOSUMDB=off", "GOFLAGS=-modcacherw -buildvcs=false", "GOWORK=off", "GOTOOLCHAIN=local")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m, err, out)
		}
	}
}

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
	for name, script := range map[string]string{"node": "echo v22.5.1", "python3": "echo lost >&2; exit 127", "make": "echo GNU Make"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w := &works{runner: runner, agents: sandbox.Profile{Env: map[string]string{"PATH": bin + ":/usr/bin:/bin"}, Read: []string{bin}}}
	for _, name := range []string{"node", "python3", "make"} {
		w.tools = append(w.tools, toolchain.Tool{Name: name, Path: filepath.Join(bin, name)})
	}
	got, _, _ := strings.Cut(w.tell(t.Context()), "\n")
	if got != "node 22.5.1, make" {
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
