package sandbox

import (
	"maps"
	"slices"
)

// Profile is what toolchains need of a sandbox, found once per machine and added to every command.
type Profile struct {
	Env    map[string]string // PATH, GOROOT, GOCACHE, …; a command's own values win
	Online map[string]string // added only where Policy.Network is granted: registries and proxies
	Read   []string          // absolute; folders of toolchains outside the system's own
	Write  []string          // absolute; caches
}

// Apply returns c with p added. What c says itself wins over p; c is not changed.
func (p Profile) Apply(c Command) Command {
	env := maps.Clone(p.Env)
	if env == nil {
		env = map[string]string{}
	}
	if c.Policy.Network {
		maps.Copy(env, p.Online)
	}
	maps.Copy(env, c.Env)
	c.Env = env
	c.Policy.Read = union(c.Policy.Read, p.Read)
	c.Policy.Write = union(c.Policy.Write, p.Write)
	return c
}

// union returns the paths of a and b, sorted, each once.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
