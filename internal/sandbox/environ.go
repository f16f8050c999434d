package sandbox

import (
	"maps"
	"path/filepath"
	"slices"
)

// defaultPath finds the system's own programs where no profile says better.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environ is the whole environment of c, sorted "KEY=value" lines: the fixed one, then c.Env.
// Nothing of this process's own environment is in it. home and tmp are the private folders of this
// run as c will see them.
func Environ(c Command, home, tmp string) []string {
	env := map[string]string{
		"PATH":                    defaultPath,
		"HOME":                    home,
		"TMPDIR":                  tmp,
		"LANG":                    "C.UTF-8",
		"LC_ALL":                  "C.UTF-8",
		"TERM":                    "dumb",
		"CI":                      "1",
		"NO_COLOR":                "1",
		"GIT_TERMINAL_PROMPT":     "0",
		"GIT_CONFIG_GLOBAL":       "/dev/null",
		"GIT_CONFIG_NOSYSTEM":     "1",
		"GIT_CEILING_DIRECTORIES": filepath.Dir(c.Dir),
	}
	maps.Copy(env, c.Env)
	lines := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		lines = append(lines, name+"="+env[name])
	}
	return lines
}
