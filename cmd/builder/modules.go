package main

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"unicode"
)

// wanted are those of Builder's own modules that applications are made of.
func wanted() []string {
	return []string{
		"github.com/klauspost/compress", "github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/yuin/goldmark", "go.etcd.io/bbolt",
		"golang.org/x/crypto", "golang.org/x/net", "golang.org/x/sync", "golang.org/x/sys", "golang.org/x/term", "gopkg.in/yaml.v3",
	}
}

// builtWith lists the modules that this program holds, path to version.
func builtWith() map[string]string {
	mods := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return mods
	}
	for _, m := range info.Deps {
		if m.Replace == nil {
			mods[m.Path] = m.Version
		}
	}
	return mods
}

// moduleCache is a module cache that is served through the file system, and the modules that this
// program was built with, path to version: what a machine that built it has.
type moduleCache struct {
	dir   string
	built map[string]string
}

// have lists those of names that `go get` finds in the cache, each as the arguments it takes: the
// module, and what it requires in versions that the cache has, where it asks for others.
func (c moduleCache) have(names []string) []string {
	var there []string
	for _, name := range names {
		version := c.built[name]
		if version == "" || !c.holds(name, version, ".zip") {
			continue
		}
		args := []string{name + "@" + version}
		for _, r := range c.requires(name, version) {
			if own := c.built[r.path]; own != "" && own != r.version && !c.holds(r.path, r.version, ".zip") && c.holds(r.path, own, ".zip") {
				args = append(args, r.path+"@"+own)
			}
		}
		there = append(there, strings.Join(args, " "))
	}
	return there
}

// required is a line of a go.mod.
type required struct{ path, version string }

// requireLine is one requirement, in a block or alone.
var requireLine = regexp.MustCompile(`(?m)^\s*(?:require\s+)?([a-z0-9][^\s()]*)\s+(v[0-9]\S*)`)

// requires reads what a module asks for; without its go.mod, nothing.
func (c moduleCache) requires(name, version string) []required {
	raw, err := os.ReadFile(c.file(name, version, ".mod"))
	if err != nil {
		return nil
	}
	var out []required
	for _, m := range requireLine.FindAllStringSubmatch(string(raw), -1) {
		out = append(out, required{m[1], m[2]})
	}
	return out
}

func (c moduleCache) holds(name, version, kind string) bool {
	info, err := os.Stat(c.file(name, version, kind))
	return err == nil && info.Mode().IsRegular()
}

// file is where the cache keeps a module's .zip, .mod or .info.
func (c moduleCache) file(name, version, kind string) string {
	return filepath.Join(c.dir, escapeModule(name), "@v", escapeModule(version)+kind)
}

// escapeModule writes a module's path or version as module caches do: capitals as ! and the small
// letter.
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
func moduleFacts(proxy string) string {
	var have []string
	if dir, ok := strings.CutPrefix(proxy, "file://"); ok {
		have = moduleCache{dir, builtWith()}.have(wanted())
	}
	if len(have) == 0 {
		return "No Go module can be had: use the standard library."
	}
	return "Go modules that can be had, by `go get` with exactly these arguments (it writes go.mod and go.sum; `go mod tidy` may ask for others): " + strings.Join(have, "; ")
}
