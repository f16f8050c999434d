package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/agent/offline/blueprint"
	"github.com/seed-c331f47d/builder/internal/agent/offline/clitool"
	"github.com/seed-c331f47d/builder/internal/agent/offline/gen"
	"github.com/seed-c331f47d/builder/internal/agent/offline/unit"
	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

// Only modules that lie in the cache whole are told, in the versions this program was built with, with
// those they need.
func TestModulesThatCanBeHad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"example.org/a/@v/v1.0.0", "example.org/!upper/@v/v2.0.0", "example.org/c/@v/v1.5.0", "example.org/d/@v/v0.1.0", "example.org/e/@v/v0.1.0"} {
		for _, kind := range []string{".info", ".mod", ".zip"} {
			writeFile(t, filepath.Join(dir, name+kind), "")
		}
	}
	writeFile(t, filepath.Join(dir, "example.org/b/@v/v1.0.0.zip"), "")
	c := moduleCache{dir, map[string]string{"example.org/a": "v1.0.0", "example.org/Upper": "v2.0.0", "example.org/b": "v1.0.0", "example.org/c": "v1.5.0", "example.org/d": "v0.1.0", "example.org/e": "v0.1.0"}}
	got := c.have([]offer{
		{path: "example.org/a"}, {path: "example.org/Upper", except: []string{"x", "y/z"}}, {path: "example.org/b"}, {path: "example.org/none"},
		{path: "example.org/d", needs: []string{"example.org/c"}}, {path: "example.org/e", needs: []string{"example.org/b"}},
	})
	want := []string{"example.org/a@v1.0.0", "example.org/Upper@v2.0.0 (without its packages x, y/z)", "example.org/d@v0.1.0 example.org/c@v1.5.0"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := moduleFacts("off"); !strings.Contains(got, "standard library") {
		t.Errorf("without a proxy: %s", got)
	}
}

// What agents are told can be had, can be had without a network: on a machine whose module cache holds
// just what a build of this program fetches, `go get` with the arguments told adds each module to a
// new one, and every package of it builds, but for those that are named.
func TestToldModulesResolve(t *testing.T) {
	t.Parallel()
	fresh := freshMachine(t)
	told := moduleCache{fresh.downloads, builtWith()}.have(offers())
	if len(told) != len(offers()) {
		t.Fatalf("only %d of %d modules are told: %q", len(told), len(offers()), told)
	}
	all := t.TempDir()
	writeFile(t, filepath.Join(all, "go.mod"), "module m\n\ngo 1.26\n")
	for i, o := range offers() {
		args, _, _ := strings.Cut(told[i], " (")
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "go.mod"), "module m\n\ngo 1.26\n")
		fresh.run(t, dir, append([]string{"get"}, strings.Fields(args)...)...)
		fresh.importAll(t, dir, o)
		fresh.run(t, dir, "list", "-deps", ".")
		run(t, dir, fresh.setup, "mod", "download")
		fresh.run(t, all, append([]string{"get"}, strings.Fields(args)...)...)
	}
	if testing.Short() {
		return
	}
	writeFile(t, filepath.Join(all, "main.go"), `package main

import (
	_ "github.com/klauspost/compress/zstd"
	_ "github.com/spf13/cobra"
	_ "github.com/spf13/pflag"
	_ "github.com/yuin/goldmark"
	_ "go.etcd.io/bbolt"
	_ "golang.org/x/crypto/bcrypt"
	_ "golang.org/x/net/html"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/sys/cpu"
	_ "golang.org/x/term"
	_ "gopkg.in/yaml.v3"
)

func main() {}
`)
	fresh.run(t, all, "build", "-trimpath", ".")
	run(t, all, fresh.setup, "mod", "download")
}

// What the offline model writes builds on such a machine, too, and so does its plans' setup.
func TestOfflineModulesResolve(t *testing.T) {
	t.Parallel()
	fresh := freshMachine(t)
	for spec, units := range map[string]func(*blueprint.Blueprint) ([]unit.Unit, error){"rest-api": gen.RestAPI, "cli-tool": clitool.Units} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "specs", spec+".md"))
		if err != nil {
			t.Fatal(err)
		}
		written, err := units(blueprint.Read(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for _, u := range written {
			for _, f := range u.Files {
				writeFile(t, filepath.Join(dir, filepath.FromSlash(f.Path)), f.Content)
			}
		}
		run(t, dir, fresh.setup, "mod", "download")
		fresh.run(t, dir, "list", "-deps", "-test", "./...")
	}
}

// machine is one that has built this program, and nothing else, and has no network.
type machine struct {
	downloads  string
	env, setup []string // of commands without a network, and with one
}

// freshMachine fills a module cache with what a build of this program asks a proxy for. The proxy is
// the cache of the machine that tests run on.
func freshMachine(t *testing.T) machine {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Skip("go is not installed")
	}
	proxy, modules := filepath.Join(strings.TrimSpace(string(out)), "cache", "download"), t.TempDir()
	run(t, "", []string{"GOPROXY=file://" + proxy, "GOMODCACHE=" + modules, "GOFLAGS=-modcacherw", "GOSUMDB=off", "GOENV=off", "GOWORK=off"}, "list", "-deps", ".")
	parent := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GOMODCACHE=" + modules, "GOPROXY=off", "GOSUMDB=nobody.invalid"} // asked for a sum, it fails
	profile, _, err := toolchain.Detect(t.Context(), t.TempDir(), parent)
	if err != nil {
		t.Fatal(err)
	}
	m := machine{downloads: filepath.Join(modules, "cache", "download")}
	setup := profile.Apply(sandbox.Command{Policy: sandbox.Policy{Network: true}})
	if want := profile.Env["GOPROXY"] + ",off"; setup.Env["GOPROXY"] != want {
		t.Errorf("commands with the network have the proxies %s, want %s", setup.Env["GOPROXY"], want)
	}
	for name, value := range profile.Env {
		if strings.HasPrefix(name, "GO") && name != "GOCACHE" && name != "GOROOT" {
			m.env = append(m.env, name+"="+value)
		}
	}
	m.env = append(m.env, "GOWORK=off")
	m.setup = append(slices.Clone(m.env), "GOPROXY="+setup.Env["GOPROXY"], "GOSUMDB="+setup.Env["GOSUMDB"], "GOMODCACHE="+t.TempDir())
	return m
}

// run runs the go command as agents and gates do, but for the shared build cache.
func (m machine) run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return run(t, dir, m.env, args...)
}

func run(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	var failed strings.Builder
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, failed.String())
	}
	return string(out)
}

// importAll writes a file that imports every package of a module that can be imported, but for those
// excepted.
func (m machine) importAll(t *testing.T, dir string, o offer) {
	t.Helper()
	var b strings.Builder
	b.WriteString("package m\n\nimport (\n")
	found := m.run(t, dir, "list", "-e", "-find", "-f", `{{if and .GoFiles (ne .Name "main")}}{{.ImportPath}}{{end}}`, o.path+"/...")
	count := 0
	for pkg := range strings.FieldsSeq(found) {
		below := strings.TrimPrefix(strings.TrimPrefix(pkg, o.path), "/")
		excepted := slices.ContainsFunc(o.except, func(e string) bool { return below == e || strings.HasPrefix(below, e+"/") })
		if excepted || slices.Contains(strings.Split(below, "/"), "internal") {
			continue
		}
		b.WriteString("\t_ \"" + pkg + "\"\n")
		count++
	}
	if count == 0 {
		t.Fatalf("%s has no packages: this test looks at nothing", o.path)
	}
	writeFile(t, filepath.Join(dir, "all.go"), b.String()+")\n")
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
