package planner

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
)

// protectedNames are names that no task, gate or setup step may touch at any depth: they configure
// git, editors, shells and agents, and would act outside the build.
func protectedNames() []string {
	return []string{
		".git", ".gitmodules", ".builder", ".vscode", ".idea", ".cursor", ".claude", ".codex", ".gemini",
		".mcp.json", ".envrc", ".husky", ".bashrc", ".bash_profile", ".profile", ".zshrc", ".zprofile",
	}
}

// checkTreePath says why p is no path, or glob, below the tree; nil when it is.
func checkTreePath(p string) error {
	switch {
	case p == "":
		return errors.New("is empty")
	case len(p) > 1024:
		return errors.New("is longer than 1024 bytes")
	case strings.ContainsFunc(p, unicode.IsControl):
		return errors.New("holds control characters")
	case strings.HasPrefix(p, "/") || strings.HasPrefix(p, "~") || strings.Contains(p, `\`) || len(p) > 1 && p[1] == ':':
		return errors.New("is not relative to the tree, with / between names")
	}
	for _, name := range strings.Split(strings.TrimSuffix(p, "/"), "/") {
		// trailing dots and blanks, and what stands behind a colon, are ignored by some file systems
		bare, _, _ := strings.Cut(strings.ToLower(name), ":")
		bare = strings.TrimRight(bare, ". ")
		switch {
		case name == ".." || name != "." && bare == "":
			return errors.New("leaves the tree")
		case slices.Contains(protectedNames(), bare):
			return fmt.Errorf("names %s, which is protected", bare)
		}
		if _, err := path.Match(name, ""); err != nil {
			return errors.New("is not a glob")
		}
	}
	return nil
}

// claims checks globs, or paths, that must stay in the tree.
func (v *validator) claims(where string, globs []string) {
	for _, g := range globs {
		if err := checkTreePath(g); err != nil {
			v.add("E_PATH_ESCAPE", where, fmt.Sprintf("%.80q %v", g, err), "name files below the tree, for example internal/store/**")
		}
	}
}
