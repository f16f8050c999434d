package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Only modules that lie in the cache are told, in the versions this program was built with, with
// those they need in versions that are there.
func TestModulesThatCanBeHad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"example.org/a/@v/v1.0.0.zip": "", "example.org/!upper/@v/v2.0.0.zip": "", "example.org/b/@v/v1.0.0.mod": "", "example.org/c/@v/v1.5.0.zip": "",
		"example.org/d/@v/v0.1.0.zip": "", "example.org/d/@v/v0.1.0.mod": "module example.org/d\n\ngo 1.20\n\nrequire example.org/a v1.0.0\n\nrequire (\n\texample.org/c v1.4.0 // indirect\n\texample.org/none v1.0.0\n)\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := moduleCache{dir, map[string]string{"example.org/a": "v1.0.0", "example.org/Upper": "v2.0.0", "example.org/b": "v1.0.0", "example.org/c": "v1.5.0", "example.org/d": "v0.1.0"}}
	got := c.have([]string{"example.org/a", "example.org/Upper", "example.org/b", "example.org/none", "example.org/d"})
	if want := []string{"example.org/a@v1.0.0", "example.org/Upper@v2.0.0", "example.org/d@v0.1.0 example.org/c@v1.5.0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := moduleFacts("off"); !strings.Contains(got, "standard library") {
		t.Errorf("without a proxy: %s", got)
	}
}

// What agents are told can be had, can be had: on a machine whose module cache holds just what this
// program was built with, `go get` with the arguments told resolves each module by itself.
func TestToldModulesResolve(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Skip("go is not installed")
	}
	full := filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	poor := t.TempDir()
	built := builtWith()
	c := moduleCache{poor, built}
	for name, version := range built {
		for _, kind := range []string{".zip", ".mod"} {
			from, to := moduleCache{full, nil}.file(name, version, kind), c.file(name, version, kind)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(from); err == nil {
				if err := os.Symlink(from, to); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	mods := c.have(wanted())
	if len(mods) == 0 {
		t.Skip("built without a module cache")
	}
	files := http.FileServer(http.Dir(full))
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(filepath.Join(poor, r.URL.Path)); err != nil && strings.HasSuffix(r.URL.Path, ".zip") {
			http.NotFound(w, r)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	cache := t.TempDir()
	for _, m := range mods {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n\ngo 1.26\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), "go", append([]string{"get"}, strings.Fields(m)...)...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOPROXY="+proxy.URL, "GOMODCACHE="+cache, "GOSUMDB=off", "GOFLAGS=-modcacherw -buildvcs=false", "GOWORK=off", "GOTOOLCHAIN=local")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m, err, out)
		}
	}
}
