package main

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"unicode"
)

// offer is one of Builder's own modules that applications are made of.
type offer struct {
	path   string
	needs  []string // modules that its packages import
	except []string // its packages, with all below them, that import what a build of Builder does not fetch
}

// offers are what is told, if it is there.
func offers() []offer {
	return []offer{
		{path: "github.com/klauspost/compress"},
		{path: "github.com/spf13/cobra", needs: []string{"github.com/spf13/pflag"}, except: []string{"doc"}},
		{path: "github.com/spf13/pflag"},
		{path: "github.com/yuin/goldmark"},
		{path: "go.etcd.io/bbolt", needs: []string{"golang.org/x/sys"}, except: []string{"cmd"}},
		{path: "golang.org/x/crypto", needs: []string{"golang.org/x/sys", "golang.org/x/term"}, except: []string{"acme/autocert"}},
		{path: "golang.org/x/net", needs: []string{"golang.org/x/crypto", "golang.org/x/sys", "golang.org/x/term"}, except: []string{"html/charset", "http", "http2", "http3", "idna"}},
		{path: "golang.org/x/sync"},
		{path: "golang.org/x/sys"},
		{path: "golang.org/x/term", needs: []string{"golang.org/x/sys"}},
		{path: "gopkg.in/yaml.v3"},
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

// have lists those of offers that `go get` finds in the cache, each as the arguments it takes: the
// module and those it needs, in the versions that this program was built with.
func (c moduleCache) have(offers []offer) []string {
	var there []string
	for _, o := range offers {
		var args []string
		for _, name := range append([]string{o.path}, o.needs...) {
			if version := c.built[name]; version != "" && c.holds(name, version) {
				args = append(args, name+"@"+version)
			}
		}
		if len(args) <= len(o.needs) {
			continue
		}
		line := strings.Join(args, " ")
		if len(o.except) > 0 {
			line += " (without its packages " + strings.Join(o.except, ", ") + ")"
		}
		there = append(there, line)
	}
	return there
}

// holds says whether the cache has all that the go command asks a proxy for.
func (c moduleCache) holds(name, version string) bool {
	for _, kind := range []string{".info", ".mod", ".zip"} {
		if info, err := os.Stat(c.file(name, version, kind)); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
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

// moduleFacts says how Go modules can be had. The first of the proxies is the module cache.
func moduleFacts(proxies string) string {
	first, _, _ := strings.Cut(proxies, ",")
	var have []string
	if dir, ok := strings.CutPrefix(first, "file://"); ok {
		have = moduleCache{dir, builtWith()}.have(offers())
	}
	if len(have) == 0 {
		return "No Go module can be had: use the standard library."
	}
	return "Go modules that can be had, by `go get` with exactly these arguments (it writes go.mod and go.sum; `go mod tidy` may ask for others): " + strings.Join(have, "; ")
}
