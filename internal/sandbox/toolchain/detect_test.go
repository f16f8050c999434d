package toolchain_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed-c331f47d/builder/internal/sandbox"
	"github.com/seed-c331f47d/builder/internal/sandbox/ladder"
	"github.com/seed-c331f47d/builder/internal/sandbox/toolchain"
)

func TestMain(m *testing.M) {
	if exit, handled := ladder.Helper(os.Args); handled {
		os.Exit(exit)
	}
	os.Exit(m.Run())
}

// plant makes files below a home; names that end in a slash are folders.
func plant(t *testing.T, files map[string]string) string {
	t.Helper()
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// The home is never granted, nor what lies directly in it; installations below it are, one by one.
func TestHomeStaysHidden(t *testing.T) {
	t.Parallel()
	home := plant(t, map[string]string{
		"sdk/go1.26/bin/go": "", "sdk/go1.26/VERSION": "go1.26.8\ntime x\n", "sdk/go1.26/src/fmt/print.go": "",
		".cargo/bin/cargo": "", ".cargo/credentials.toml": "secret", ".rustup/toolchains/x": "",
		".local/bin/pip": "", ".local/lib/python3/x": "", ".local/share/keyrings/login": "secret",
		".nvm/v22/bin/node": "", ".nvm/v22/lib/node_modules/npm/bin/npm-cli.js": "", ".nvm/v22/lib/node_modules/npm/package.json": `{"version":"10.9.0"}`,
		".ssh/id_ed25519": "secret",
	})
	if err := os.Symlink("../lib/node_modules/npm/bin/npm-cli.js", filepath.Join(home, ".nvm/v22/bin/npm")); err != nil {
		t.Fatal(err)
	}
	path := strings.Join([]string{home, home + "/sdk/go1.26/bin", home + "/.cargo/bin", home + "/.local/bin", home + "/.nvm/v22/bin", "relative", "/"}, ":")
	profile, tools, err := toolchain.Detect(t.Context(), filepath.Join(t.TempDir(), "cache"), []string{"HOME=" + home, "PATH=" + path, "TOKEN=x"})
	if err != nil {
		t.Fatal(err)
	}
	visible := func(name string) bool {
		return slices.ContainsFunc(slices.Concat(profile.Read, profile.Write), func(root string) bool {
			return sandbox.Within(root, filepath.Join(home, name))
		})
	}
	for name, want := range map[string]bool{
		"sdk/go1.26/src/fmt/print.go": true, ".cargo/bin/cargo": true, ".rustup/toolchains/x": true, ".local/lib/python3/x": true,
		".nvm/v22/lib/node_modules/npm/package.json": true,
		".cargo/credentials.toml":                    false, ".local/share/keyrings/login": false, ".ssh/id_ed25519": false, ".npmrc": false,
	} {
		if visible(name) != want {
			t.Errorf("%s: visible %v, want %v (%v)", name, !want, want, profile.Read)
		}
	}
	if got := profile.Env["GOROOT"]; got != home+"/sdk/go1.26" {
		t.Errorf("GOROOT %s", got)
	}
	if strings.Contains(profile.Env["PATH"], home+":") || strings.Contains(profile.Env["PATH"], "relative") {
		t.Errorf("PATH %s", profile.Env["PATH"])
	}
	versions := map[string]string{}
	for _, tool := range tools {
		versions[tool.Name] = tool.Version
	}
	if versions["go"] != "go1.26.8" || versions["npm"] != "10.9.0" {
		t.Errorf("versions %v", versions)
	}
}

// Registries' settings are passed on only online, and never with a password in them.
func TestOnline(t *testing.T) {
	t.Parallel()
	home := plant(t, map[string]string{
		".npmrc":         "registry=https://npm.example/\n//npm.example/:_authToken=secret\n",
		".config/go/env": "GOPROXY=https://go.example,direct\nGOSUMDB=off\n",
	})
	profile, _, err := toolchain.Detect(t.Context(), t.TempDir(), []string{
		"HOME=" + home, "PATH=/usr/bin", "HTTPS_PROXY=http://me:secret@proxy.example:3128", "PIP_INDEX_URL=https://pip.example/simple",
		"NO_PROXY=localhost", "HTTP_PROXY=me:secret@proxy.example:3128", "AWS_SECRET_ACCESS_KEY=secret", "NPM_TOKEN=secret",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"npm_config_registry": "https://npm.example/", "GOPROXY": "https://go.example,direct", "GOSUMDB": "off",
		"PIP_INDEX_URL": "https://pip.example/simple", "NO_PROXY": "localhost",
	}
	for name, value := range want {
		if profile.Online[name] != value {
			t.Errorf("%s is %q, want %q", name, profile.Online[name], value)
		}
	}
	for _, env := range []map[string]string{profile.Online, profile.Env} {
		for name, value := range env {
			if strings.Contains(value, "secret") {
				t.Errorf("%s=%s holds a secret", name, value)
			}
		}
	}
	offline := profile.Apply(sandbox.Command{})
	if _, there := offline.Env["PIP_INDEX_URL"]; there {
		t.Error("registries are told to a command without network")
	}
	for name, want := range map[string][2]string{"npm_config_offline": {"true", "false"}, "PIP_NO_INDEX": {"1", "0"}, "CARGO_NET_OFFLINE": {"true", "false"}} {
		with := profile.Apply(sandbox.Command{Policy: sandbox.Policy{Network: true}})
		if offline.Env[name] != want[0] || with.Env[name] != want[1] {
			t.Errorf("%s is %q without network and %q with it", name, offline.Env[name], with.Env[name])
		}
	}
	online := profile.Apply(sandbox.Command{Policy: sandbox.Policy{Network: true}})
	if online.Env["GOPROXY"] != "https://go.example,direct" {
		t.Errorf("online GOPROXY is %q", online.Env["GOPROXY"])
	}
}

// Two cache folders share nothing: what one profile may write, the other never reads.
func TestCachesApart(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	agents, _, err := toolchain.Detect(t.Context(), filepath.Join(root, "agents"), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	gates, _, err := toolchain.Detect(t.Context(), filepath.Join(root, "gates"), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	for _, writable := range agents.Write {
		for _, used := range slices.Concat(gates.Read, gates.Write) {
			if sandbox.Within(writable, used) || sandbox.Within(used, writable) {
				t.Errorf("agents write %s, gates use %s", writable, used)
			}
		}
	}
}

// A module builds and runs on the best rung of this machine, without a network.
func TestGoInside(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || testing.Short() {
		t.Skip("compiles the runtime into an empty cache, under Linux only")
	}
	profile, tools, err := toolchain.Detect(t.Context(), filepath.Join(t.TempDir(), "cache"), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(tools, func(tool toolchain.Tool) bool { return tool.Name == "go" }) {
		t.Skip("go is not installed")
	}
	tree := plant(t, map[string]string{
		"go.mod": "module example.org/m\n\ngo 1.26\n",
		"m.go":   "package main\n\nfunc main() { println(answer()) }\n\nfunc answer() int { return 42 }\n",
	})
	runner, report := ladder.Measure(t.Context())
	t.Log(report)
	for _, argv := range [][]string{{"go", "build", "-trimpath", "-o", "bin/", "."}, {"bin/m"}} {
		out, err := runner.Run(t.Context(), profile.Apply(sandbox.Command{Argv: argv, Dir: tree, Policy: sandbox.Policy{Write: []string{tree}}}))
		if err != nil || out.Exit != 0 {
			t.Fatalf("%v: exit %d, %v\n%s%s", argv, out.Exit, err, out.Stdout, out.Stderr)
		}
	}
}

func BenchmarkDetect(b *testing.B) {
	for b.Loop() {
		if _, _, err := toolchain.Detect(b.Context(), b.TempDir(), os.Environ()); err != nil {
			b.Fatal(err)
		}
	}
}
