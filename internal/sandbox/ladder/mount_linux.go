package ladder

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// mount is one entry of the tree that a command sees. An entry with Link is a symbolic link.
type mount struct {
	Target string // absolute, inside
	Source string `json:",omitempty"` // absolute real path, outside
	Link   string `json:",omitempty"`
	File   bool   `json:",omitempty"` // Source is not a folder
	Write  bool   `json:",omitempty"`
}

// Where a command finds its private folders when it has a tree of its own.
const (
	insideHome = "/home/builder"
	insideTemp = "/tmp"
)

// systemFolders hold programs and libraries; /etc is not among them.
func systemFolders() []string {
	return []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"}
}

// systemSettings are the parts of /etc that programs need to start, resolve names and check
// certificates. No secrets, keys or services' configurations.
func systemSettings(network bool) []string {
	settings := []string{
		"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
		"/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path", "/etc/alternatives", "/etc/localtime", "/etc/timezone",
		"/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/protocols", "/etc/services", "/etc/mime.types", "/etc/os-release",
		"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted",
		"/etc/ca-certificates", "/etc/terminfo", "/etc/inputrc",
	}
	if network {
		settings = append(settings, "/etc/resolv.conf")
	}
	return settings
}

// devices are what /dev holds.
func devices() []string {
	return []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
}

// tree lists what c sees, parents first: the system read-only, the private folders of the run, what
// the policy grants. Everything else is not there.
func tree(policy sandbox.Policy, private private) ([]mount, error) {
	t := treePlan{mounts: []mount{
		{Target: insideTemp, Source: private.tmp, Write: true},
		{Target: insideHome, Source: private.home, Write: true},
	}}
	for _, path := range slices.Concat(systemFolders(), systemSettings(policy.Network)) {
		if err := t.system(path); err != nil {
			return nil, err
		}
	}
	for _, path := range sandbox.Outermost(policy.Write) {
		if err := t.grant(path, true); err != nil {
			return nil, err
		}
	}
	for _, path := range sandbox.Outermost(policy.Read) {
		err := t.grant(path, false)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	slices.SortStableFunc(t.mounts, func(a, b mount) int { return cmp.Compare(a.Target, b.Target) })
	return t.mounts, nil
}

// treePlan is a tree being planned.
type treePlan struct{ mounts []mount }

// system adds a path of the machine itself; one that is a link stays a link only where its folder
// is part of another mount or its target is relative (/bin -> usr/bin).
func (t *treePlan) system(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if info.Mode()&fs.ModeSymlink != 0 && filepath.Dir(path) == "/" {
		link, err := os.Readlink(path)
		if err != nil {
			return fmt.Errorf("read link %s: %w", path, err)
		}
		t.mounts = append(t.mounts, mount{Target: path, Link: link})
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("resolve %s: %w", path, err)
	}
	return t.bind(path, real, false)
}

// grant adds a path of the policy under its real name, and under the given one where that differs
// and lies in nothing that is mounted already (links there resolve by themselves).
func (t *treePlan) grant(path string, write bool) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("resolve %s: %w", path, err)
	}
	if write && forbidden(real) {
		return fmt.Errorf("%w: %s is never writable", sandbox.ErrCommand, path)
	}
	if !t.covers(real, write) {
		if err := t.bind(real, real, write); err != nil {
			return err
		}
	}
	if real == path || t.covers(path, false) {
		return nil
	}
	return t.bind(path, real, write)
}

// covers says whether target is there already, and writable where write is wanted. A mount of ours
// at /tmp does not count: it is another folder inside than outside.
func (t *treePlan) covers(target string, write bool) bool {
	return slices.ContainsFunc(t.mounts, func(m mount) bool {
		return sandbox.Within(m.Target, target) && (m.Write || !write) && m.Target == m.Source || m.Target == target
	})
}

// bind adds real at target.
func (t *treePlan) bind(target, real string, write bool) error {
	info, err := os.Stat(real)
	if err != nil {
		return fmt.Errorf("look at %s: %w", real, err)
	}
	t.mounts = append(t.mounts, mount{Target: target, Source: real, Write: write, File: !info.IsDir()})
	return nil
}

// forbidden says whether path holds the whole system or a home folder's parent.
func forbidden(path string) bool {
	if slices.Contains([]string{"/", "/home", "/root", "/etc", "/dev", "/proc", "/sys", "/run", "/var", "/tmp", "/opt"}, path) {
		return true
	}
	if slices.ContainsFunc(systemFolders(), func(root string) bool { return sandbox.Within(root, path) }) {
		return true
	}
	home, err := os.UserHomeDir()
	return err == nil && sandbox.Within(path, home)
}
