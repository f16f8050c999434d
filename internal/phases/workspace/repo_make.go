package workspace

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/seed-c331f47d/builder/internal/faultpoint"
)

// tempRepo starts the name under which a repository is made before it becomes .git.
const tempRepo = ".git.builder-"

// makeRepo does what `git init -b main` does, whole or not at all, and takes away what a crash left.
func makeRepo(dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	left, err := filepath.Glob(filepath.Join(dir, tempRepo+"*"))
	if err != nil {
		return err
	}
	for _, l := range left {
		if err := os.RemoveAll(l); err != nil {
			return err
		}
	}
	temp, err := os.MkdirTemp(dir, tempRepo+"*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	for _, sub := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags", "info"} {
		if err := os.MkdirAll(filepath.Join(temp, sub), 0o755); err != nil {
			return err
		}
	}
	for name, content := range map[string]string{"HEAD": "ref: " + branch + "\n", "config": repoFormat, "info/exclude": exclude} {
		if err := writeSynced(filepath.Join(temp, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Chmod(temp, 0o755), syncDirs(temp, filepath.Join(temp, "info"))); err != nil {
		return err
	}
	if err := faultpoint.At("git.make"); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(dir, ".git")); err != nil {
		return err
	}
	return syncDirs(dir, filepath.Dir(dir))
}

// checkRepo refuses, by name, what the builder may not write to.
func checkRepo(git string) error {
	info, err := os.Lstat(git)
	switch {
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: .git is a symlink", ErrUnsupported)
	case !info.IsDir():
		return fmt.Errorf("%w: .git is a file (a linked work tree or a submodule)", ErrUnsupported)
	}
	for _, name := range []string{"objects", "objects/pack", "refs", "refs/heads", "info", "HEAD", "config", "index"} {
		info, err := os.Lstat(filepath.Join(git, name))
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%w: .git/%s is a symlink", ErrUnsupported, name)
		}
	}
	for name, what := range map[string]string{
		"reftable": "references in a reftable", "objects/info/alternates": "objects of another repository", "shallow": "a shallow history",
		"commondir": "a linked work tree", "info/grafts": "grafts", "info/sparse-checkout": "a sparse checkout",
		"MERGE_HEAD": "a merge that is not finished", "rebase-merge": "a rebase that is not finished", "rebase-apply": "a rebase that is not finished",
	} {
		if _, err := os.Lstat(filepath.Join(git, name)); err == nil {
			return fmt.Errorf("%w: %s", ErrUnsupported, what)
		}
	}
	if err := checkConfig(filepath.Join(git, "config")); err != nil {
		return err
	}
	return checkHead(git)
}

func checkConfig(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrForeignRepo
	}
	if err != nil {
		return err
	}
	cfg := config.New()
	err = config.NewDecoder(f).Decode(cfg)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%w: its config cannot be read: %w", ErrUnsupported, err)
	}
	for _, o := range cfg.Section("extensions").Options {
		if !known(o.Key, o.Value) {
			return fmt.Errorf("%w: extensions.%s = %s", ErrUnsupported, o.Key, o.Value)
		}
	}
	core := cfg.Section("core")
	if v := core.Option("repositoryformatversion"); v != "0" && v != "1" {
		return fmt.Errorf("%w: core.repositoryformatversion = %s", ErrUnsupported, v)
	}
	if core.HasOption("worktree") || strings.EqualFold(core.Option("bare"), "true") || strings.EqualFold(core.Option("sparseCheckout"), "true") {
		return fmt.Errorf("%w: its work tree is elsewhere, missing or sparse", ErrUnsupported)
	}
	if cfg.Section("builder").Option("version") != "1" {
		return ErrForeignRepo
	}
	return nil
}

// known says whether an extension changes nothing for us.
func known(key, value string) bool {
	switch strings.ToLower(key) {
	case "noop", "preciousobjects":
		return true
	case "objectformat":
		return strings.EqualFold(value, "sha1")
	case "refstorage":
		return strings.EqualFold(value, "files")
	}
	return false
}

func checkHead(git string) error {
	head, err := os.ReadFile(filepath.Join(git, "HEAD"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w: it is missing", ErrUnsupported, ErrBadHead)
	}
	if err != nil {
		return err
	}
	name := strings.TrimSpace(string(head))
	id, err := hex.DecodeString(name)
	switch {
	case name == "ref: "+branch:
		return nil
	case strings.HasPrefix(name, "ref: refs/") || err == nil && len(id) == 20:
		return fmt.Errorf("%w: %w (%.80q)", ErrUnsupported, ErrOffMain, name)
	}
	return fmt.Errorf("%w: %w: it holds %.80q", ErrUnsupported, ErrBadHead, name)
}

func writeSynced(path string, content []byte, perm fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	_, err = faultpoint.Write("git.write", f, content)
	if err == nil {
		err = faultpoint.At("git.fsync")
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDirs(dirs ...string) error {
	for _, dir := range dirs {
		d, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}
