package toolchain

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// Tool is a program found on PATH.
type Tool struct {
	Name    string
	Path    string // as found on PATH
	Version string // "" where it cannot be read without running the tool
}

// names are the programs looked for.
func names() []string {
	return []string{"go", "node", "npm", "python3", "pip", "pip3", "git", "cargo", "rustc", "make", "gcc", "sh"}
}

// machine is what is looked at.
type machine struct {
	env  map[string]string
	home string
}

// Detect finds the tools on the PATH of parentEnv ("KEY=value" lines) and what they need. Caches go
// below cacheDir, an absolute folder of Builder's own, and are made here, 0700.
func Detect(ctx context.Context, cacheDir string, parentEnv []string) (sandbox.Profile, []Tool, error) {
	if err := ctx.Err(); err != nil {
		return sandbox.Profile{}, nil, fmt.Errorf("detect toolchains: %w", err)
	}
	cache, err := ownFolder(cacheDir)
	if err != nil {
		return sandbox.Profile{}, nil, err
	}
	m := newMachine(parentEnv)
	dirs := m.path()
	tools := m.tools(dirs)
	profile := sandbox.Profile{
		Env:    map[string]string{"PATH": strings.Join(dirs, ":")},
		Online: m.online(),
		Read:   slices.Concat(dirs, m.roots(tools)),
	}
	if err := m.caches(&profile, tools, cache); err != nil {
		return sandbox.Profile{}, nil, err
	}
	profile.Read = sandbox.Outermost(profile.Read)
	return profile, tools, nil
}

// ownFolder makes dir, for this user alone, and returns its real path.
func ownFolder(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("resolve cache: %w", err)
	}
	if !filepath.IsAbs(real) {
		return "", fmt.Errorf("make cache: %s is not absolute", dir)
	}
	return real, nil
}

func newMachine(parentEnv []string) machine {
	m := machine{env: map[string]string{}}
	for _, line := range parentEnv {
		if name, value, ok := strings.Cut(line, "="); ok {
			m.env[name] = value
		}
	}
	m.home = m.env["HOME"]
	if real, err := filepath.EvalSymlinks(m.home); err == nil {
		m.home = real
	}
	return m
}

// path lists the folders of PATH that exist, absolute and clean, each once. The home itself, the
// root, and folders anyone may write are not among them.
func (m machine) path() []string {
	var dirs []string
	for _, dir := range filepath.SplitList(m.env["PATH"]) {
		dir = filepath.Clean(dir)
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() || !filepath.IsAbs(dir) || slices.Contains(dirs, dir) {
			continue
		}
		if dir == "/" || sandbox.Within(dir, m.home) && m.home != "" || info.Mode().Perm()&0o002 != 0 {
			continue
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// tools finds each name's first program on dirs.
func (m machine) tools(dirs []string) []Tool {
	var found []Tool
	for _, name := range names() {
		for _, dir := range dirs {
			path := filepath.Join(dir, name)
			info, err := os.Stat(path)
			if err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				found = append(found, Tool{Name: name, Path: path, Version: version(name, path)})
				break
			}
		}
	}
	return found
}

// find returns the tool of that name.
func find(tools []Tool, name string) (Tool, bool) {
	i := slices.IndexFunc(tools, func(t Tool) bool { return t.Name == name })
	if i < 0 {
		return Tool{}, false
	}
	return tools[i], true
}
