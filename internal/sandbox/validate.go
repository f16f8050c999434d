package sandbox

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// ErrCommand is wrapped by every refusal of [Command.Validate].
var ErrCommand = errors.New("invalid command")

// Validate refuses a command that cannot be confined as it says: no program, a folder outside of
// what it may write, a path that is relative, unclean or the root, text with a NUL byte.
func (c Command) Validate() error {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return fmt.Errorf("%w: no program to run", ErrCommand)
	}
	for _, path := range slices.Concat([]string{c.Dir}, c.Policy.Write, c.Policy.Read) {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(c.Policy.Write, func(root string) bool { return Within(root, c.Dir) }) {
		return fmt.Errorf("%w: folder %s is below none of those it may write", ErrCommand, c.Dir)
	}
	if c.Policy.Door != 0 && (c.Policy.Network || c.Policy.Door < 1024 || c.Policy.Door > 65535) {
		return fmt.Errorf("%w: door %d", ErrCommand, c.Policy.Door)
	}
	for name, value := range c.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			return fmt.Errorf("%w: environment name %q", ErrCommand, name)
		}
	}
	if i := slices.IndexFunc(c.Argv, func(a string) bool { return strings.ContainsRune(a, 0) }); i >= 0 {
		return fmt.Errorf("%w: argument %d holds a NUL byte", ErrCommand, i)
	}
	return nil
}

// checkPath refuses what is not an absolute clean path below the root.
func checkPath(path string) error {
	switch {
	case !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0):
		return fmt.Errorf("%w: path %q is not absolute and clean", ErrCommand, path)
	case path == "/":
		return fmt.Errorf("%w: the root folder is never granted", ErrCommand)
	}
	return nil
}

// Within says whether path is root or lies below it, by their names alone.
func Within(root, path string) bool {
	return path == root || strings.HasPrefix(path, strings.TrimSuffix(root, "/")+"/")
}

// Outermost returns the paths that lie below no other of them, sorted, each once.
func Outermost(paths []string) []string {
	var kept []string
	for _, path := range union(paths, nil) {
		if !slices.ContainsFunc(kept, func(root string) bool { return Within(root, path) }) {
			kept = append(kept, path)
		}
	}
	return kept
}
