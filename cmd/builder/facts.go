package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

// askTime bounds the question for a tool's version.
const askTime = 10 * time.Second

var versionShape = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

// facts tells models what they work with: tools and versions, what commands may reach, and which
// modules can be had. The offline model needs none of it.
func (w *works) facts(provider string) func(context.Context) string {
	if provider == providerOffline {
		return nil
	}
	return w.tell
}

func (w *works) tell(ctx context.Context) string {
	var b strings.Builder
	found := w.versions(ctx)
	for i, t := range found {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strings.TrimSpace(t.Name + " " + strings.TrimPrefix(t.Version, t.Name)))
	}
	if len(found) == 0 {
		b.WriteString("No compiler and no interpreter is installed.")
	}
	fmt.Fprintf(&b, "\nEach command takes at most %d minutes. %s\n", int(sandbox.DefaultLimits().Time.Minutes()), confinement(w.runner.Level()))
	if slices.ContainsFunc(found, func(t toolchain.Tool) bool { return t.Name == "go" }) {
		b.WriteString(moduleFacts(offlineModules(w.agents.Env["GOPROXY"], builtWith())) + "\n")
	}
	return b.String()
}

// confinement says what a command may reach.
func confinement(level sandbox.Level) string {
	const files = "Only the tree, caches, $HOME and $TMPDIR can be written; these two are new and empty for each command. The tree is no git repository."
	switch level {
	case sandbox.Full:
		return "There is no network but a loopback of each command's own. " + files
	case sandbox.None:
		return "Do not use the network, and write only in the tree and $TMPDIR. The tree is no git repository."
	default:
		return "Do not use the network but for loopback. " + files
	}
}

// versions gives the tools with the versions that they say they have, without those that are there
// but do not run.
func (w *works) versions(ctx context.Context) []toolchain.Tool {
	found := slices.Clone(w.tools)
	found = slices.DeleteFunc(found, func(t toolchain.Tool) bool { return t.Name == "sh" || t.Name == "pip3" })
	broken := make([]bool, len(found))
	var all sync.WaitGroup
	for i := range found {
		if t := &found[i]; t.Version == "" {
			all.Go(func() { t.Version, broken[i] = w.version(ctx, t.Name) })
		}
	}
	all.Wait()
	var work []toolchain.Tool
	for i, t := range found {
		if !broken[i] {
			work = append(work, t)
		}
	}
	return work
}

// version asks a tool, confined, and says whether it is broken. That it could not be asked says
// nothing about it.
func (w *works) version(ctx context.Context, name string) (version string, broken bool) {
	dir, err := os.MkdirTemp("", "builder-version-")
	if err != nil {
		return "", false
	}
	out, err := w.runner.Run(ctx, w.agents.Apply(sandbox.Command{
		Argv: []string{name, "--version"}, Dir: dir,
		Policy: sandbox.Policy{Write: []string{dir}}, Limits: sandbox.Limits{Time: askTime, Output: 4 << 10},
	}))
	if rerr := os.RemoveAll(dir); err != nil || rerr != nil || out.TimedOut {
		return "", false
	}
	line, _, _ := strings.Cut(string(out.Stdout), "\n")
	return versionShape.FindString(line), out.Exit != 0
}

// wanted are those of Builder's own modules that applications are made of, each of which resolves by
// itself from the cache of a machine on which Builder was built.
func wanted() []string {
	return []string{
		"github.com/klauspost/compress", "github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/yuin/goldmark", "go.etcd.io/bbolt",
		"golang.org/x/crypto", "golang.org/x/net", "golang.org/x/sync", "golang.org/x/sys", "golang.org/x/term", "gopkg.in/yaml.v3",
	}
}

// builtWith lists the wanted modules that this program holds, as path@version.
func builtWith() []string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var mods []string
	for _, m := range info.Deps {
		if m.Replace == nil && slices.Contains(wanted(), m.Path) {
			mods = append(mods, m.Path+"@"+m.Version)
		}
	}
	return mods
}

// offlineModules are those of mods that a proxy in the file system has.
func offlineModules(proxy string, mods []string) []string {
	dir, ok := strings.CutPrefix(proxy, "file://")
	if !ok {
		return nil
	}
	var there []string
	for _, m := range mods {
		name, version, _ := strings.Cut(m, "@")
		if info, err := os.Stat(filepath.Join(dir, escapeModule(name), "@v", version+".zip")); err == nil && info.Mode().IsRegular() {
			there = append(there, m)
		}
	}
	return there
}

// escapeModule writes a module's path as module caches do: capitals as ! and the small letter.
func escapeModule(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// moduleFacts says how Go modules can be had.
func moduleFacts(mods []string) string {
	if len(mods) == 0 {
		return "No Go module can be had: use the standard library."
	}
	return "Go modules that can be had, by `go get` with these versions (it writes go.mod and go.sum; `go mod tidy` may ask for others): " + strings.Join(mods, " ")
}
