package toolchain

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// systemRoot is granted to every command anyway.
const systemRoot = "/usr"

// roots are the folders of the tools' installations outside the system's own. The rules are:
//
//   - bin/tool belongs to the folder above bin, whole, where that is at least two levels below the
//     home (~/.nvm/versions/node/v22) or outside of it
//   - directly below the home (~/.local, ~/.cargo) only bin, lib, libexec and include are granted, as
//     tokens and keyrings lie beside them
//   - the shims of pyenv and the proxies of rustup need their manager's folder
func (m machine) roots(tools []Tool) []string {
	var roots []string
	for _, tool := range tools {
		real, err := filepath.EvalSymlinks(tool.Path)
		if err != nil || sandbox.Within(systemRoot, real) {
			continue
		}
		roots = append(roots, m.installation(real)...)
		roots = append(roots, m.managers(real)...)
	}
	return roots
}

// installation lists what the program at real is part of.
func (m machine) installation(real string) []string {
	dir := filepath.Dir(real)
	if filepath.Base(dir) != "bin" {
		return []string{dir}
	}
	root := filepath.Dir(dir)
	if m.deep(root) {
		return []string{root}
	}
	var parts []string
	for _, name := range []string{"bin", "lib", "lib64", "libexec", "include"} {
		part := filepath.Join(root, name)
		if info, err := os.Stat(part); err == nil && info.IsDir() {
			parts = append(parts, part)
		}
	}
	return parts
}

// deep says whether root is surely one installation: not the system's root, and not the home or
// directly below it.
func (m machine) deep(root string) bool {
	if root == "/" || m.home != "" && sandbox.Within(root, m.home) {
		return false
	}
	return m.home == "" || filepath.Dir(root) != m.home
}

// managers are the folders that shims reach into.
func (m machine) managers(real string) []string {
	dir := filepath.Dir(real)
	switch {
	case filepath.Base(dir) == "shims":
		return []string{filepath.Dir(dir)} // ~/.pyenv/shims
	case strings.HasSuffix(dir, "/.cargo/bin"):
		return []string{m.rustup()}
	default:
		return nil
	}
}

// rustup is where rustup keeps its toolchains.
func (m machine) rustup() string {
	if home := m.env["RUSTUP_HOME"]; filepath.IsAbs(home) {
		return filepath.Clean(home)
	}
	return filepath.Join(m.home, ".rustup")
}

// version reads a tool's version from the files beside it.
func version(name, path string) string {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	switch name {
	case "go":
		return firstLine(filepath.Join(filepath.Dir(filepath.Dir(real)), "VERSION"))
	case "npm":
		return packageVersion(filepath.Join(filepath.Dir(filepath.Dir(real)), "package.json"))
	case "python3":
		if version := strings.TrimPrefix(filepath.Base(real), "python"); strings.Contains(version, ".") {
			return version
		}
		return "" // a shim
	default:
		return ""
	}
}

// firstLine is the first line of a small file, "" if there is none.
func firstLine(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	scanner := bufio.NewScanner(f)
	scanner.Scan()
	line := strings.TrimSpace(scanner.Text())
	if err := f.Close(); err != nil {
		return ""
	}
	return line
}

// packageVersion is the version that a package.json names.
func packageVersion(path string) string {
	var manifest struct {
		Version string `json:"version"`
	}
	data, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(data, &manifest) != nil {
		return ""
	}
	return manifest.Version
}
