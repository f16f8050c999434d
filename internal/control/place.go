package control

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxPath is the longest path that a socket may have everywhere: macOS allows 103 bytes, Linux 107.
const maxPath = 103

// Dirs lists the folders in which the sockets of a user's builds may be, best first: below runtime,
// which is $XDG_RUNTIME_DIR, below state, which is the user's own for builder, and in /tmp under a
// name that holds the user's number. "" leaves one out.
func Dirs(runtime, state string) []string {
	var dirs []string
	if filepath.IsAbs(runtime) {
		dirs = append(dirs, filepath.Join(runtime, "builder"))
	}
	if filepath.IsAbs(state) {
		dirs = append(dirs, filepath.Join(state, "run"))
	}
	return append(dirs, filepath.Join("/tmp", "builder-"+strconv.Itoa(os.Geteuid())))
}

// Paths lists where the socket of a build may be, best first. Two builds of one id can be told apart
// by their folders. Paths that are too long for a socket are left out.
func Paths(dirs []string, build, folder string) []string {
	sum := sha256.Sum256([]byte(folder))
	var paths []string
	for _, dir := range dirs {
		for _, name := range []string{build, build + "." + hex.EncodeToString(sum[:4])} {
			if p := filepath.Join(dir, name+".sock"); len(p) <= maxPath {
				paths = append(paths, p)
			}
		}
	}
	return paths
}

// private checks that a folder is the user's own and nobody else's to look into.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	switch st, ok := info.Sys().(*syscall.Stat_t); {
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", dir)
	case !ok || int(st.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to somebody else", dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("others can look into %s: chmod 700 %s", dir, dir)
	}
	return nil
}

// own checks that path is a socket of the user's in a private folder.
func own(path string) error {
	if err := private(filepath.Dir(path)); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); info.Mode().Type() != os.ModeSocket || !ok || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is no socket of this user", path)
	}
	return nil
}

// vacant removes a socket that nobody listens at, as a killed build leaves it, and says whether path is free. false means that
// somebody does, or that something else is there.
func vacant(path string) bool {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return true
	}
	if own(path) != nil {
		return false
	}
	c, err := dial(path)
	if err == nil {
		_ = c.Close() // it was only a knock
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}
