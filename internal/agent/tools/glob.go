package tools

import (
	"path"
	"strings"
)

// matches says whether a path with slashes fits a glob: ** stands for any number of folders, at the
// end for all below; *, ? and [] work within one name. A glob that ends in / fits all below it. A glob that is not
// valid fits nothing.
func matches(glob, name string) bool {
	glob = strings.TrimPrefix(glob, "./")
	if strings.HasSuffix(glob, "/") {
		glob += "**"
	}
	return matchParts(strings.Split(glob, "/"), strings.Split(name, "/"))
}

// matchParts matches component by component with one mark to come back to, so that its time is at
// most the product of both lengths.
func matchParts(globs, names []string) bool {
	g, n, backG, backN := 0, 0, -1, 0
	for n < len(names) {
		switch {
		case g < len(globs) && globs[g] == "**":
			backG, backN = g, n
			g++
		case g < len(globs) && matchOne(globs[g], names[n]):
			g++
			n++
		case backG >= 0:
			backN++
			g, n = backG+1, backN
		default:
			return false
		}
	}
	return g == len(globs)
}

func matchOne(glob, name string) bool {
	ok, err := path.Match(glob, name)
	return err == nil && ok
}

// checkGlob refuses a glob that can fit nothing.
func checkGlob(glob string) error {
	for _, part := range strings.Split(glob, "/") {
		if _, err := path.Match(part, ""); err != nil {
			return fault(CodePattern, "%q is no valid glob", clip(glob))
		}
	}
	return nil
}
