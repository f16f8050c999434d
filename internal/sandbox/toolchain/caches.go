package toolchain

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// caches adds what each tool found needs to know and where it may write.
func (m machine) caches(p *sandbox.Profile, tools []Tool, cache string) error {
	if tool, ok := find(tools, "go"); ok {
		if err := m.golang(p, tool, cache); err != nil {
			return err
		}
	}
	maps.Copy(p.Env, map[string]string{
		"npm_config_cache":           filepath.Join(cache, "npm"),
		"npm_config_update_notifier": "false",
		"npm_config_fund":            "false",
		"npm_config_audit":           "false",
		"npm_config_ignore_scripts":  "true",
		"npm_config_offline":         "true", // fails at once, not after minutes of retries
		"PIP_CACHE_DIR":              filepath.Join(cache, "pip"),
		"PIP_NO_INPUT":               "1",
		"PIP_NO_INDEX":               "1",
		"PYTHONDONTWRITEBYTECODE":    "1",
		"CARGO_HOME":                 filepath.Join(cache, "cargo"),
		"CARGO_NET_OFFLINE":          "true",
	})
	if _, ok := find(tools, "cargo"); ok {
		p.Env["RUSTUP_HOME"] = m.rustup()
	}
	if root := m.env["PYENV_ROOT"]; filepath.IsAbs(root) {
		p.Env["PYENV_ROOT"] = filepath.Clean(root)
	}
	for _, name := range []string{"go-build", "go-mod", "npm", "pip", "cargo"} {
		dir := filepath.Join(cache, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make cache: %w", err)
		}
		p.Write = append(p.Write, dir)
	}
	return nil
}

// golang serves modules from the user's module cache, read-only, through the file system: no network
// is needed for what is there, and what is there is checked by go.sum as ever. Commands that have the
// network look there first, so that they need it only for what is not.
func (m machine) golang(p *sandbox.Profile, tool Tool, cache string) error {
	maps.Copy(p.Env, map[string]string{
		"GOCACHE":     filepath.Join(cache, "go-build"),
		"GOMODCACHE":  filepath.Join(cache, "go-mod"),
		"GOENV":       "off",
		"GOSUMDB":     "off",
		"GOTOOLCHAIN": "local",
		"GOFLAGS":     "-buildvcs=false -modcacherw",
		"GOTELEMETRY": "off",
		"CGO_ENABLED": "0",
		"GOPROXY":     "off",
	})
	if real, err := filepath.EvalSymlinks(tool.Path); err == nil {
		if root := filepath.Dir(filepath.Dir(real)); firstLine(filepath.Join(root, "VERSION")) != "" {
			p.Env["GOROOT"] = root
		}
	}
	downloads := filepath.Join(m.moduleCache(), "cache", "download")
	if info, err := os.Stat(downloads); err == nil && info.IsDir() {
		files, err := layModules(cache)
		if err != nil {
			return err
		}
		p.Read = append(p.Read, downloads, files)
		p.Env["GOPROXY"] = "file://" + downloads + ",file://" + files
		if online := p.Online["GOPROXY"]; online != "" {
			p.Online["GOPROXY"] = p.Env["GOPROXY"] + "," + online
		}
	}
	return nil
}

// moduleCache is the user's, by the rules of the go command.
func (m machine) moduleCache() string {
	settings := m.goSettings()
	if dir := settings["GOMODCACHE"]; filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	for _, dir := range filepath.SplitList(settings["GOPATH"]) {
		if filepath.IsAbs(dir) {
			return filepath.Join(dir, "pkg", "mod")
		}
	}
	return filepath.Join(m.home, "go", "pkg", "mod")
}
