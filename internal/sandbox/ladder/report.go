package ladder

import (
	"fmt"
	"strings"

	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// Mechanism names a rung of the ladder.
type Mechanism string

// The rungs, best first.
const (
	Bubblewrap Mechanism = "bubblewrap" // the system's bwrap, with our helper inside
	Namespaces Mechanism = "namespaces" // our own user, mount, pid, network and ipc namespaces
	Landlock   Mechanism = "landlock"   // files by Landlock; neither network nor processes of its own
	Nothing    Mechanism = "none"       // process group, limits and environment only
)

// Report is what [Measure] found: the rung taken, what was tried on it, and why better rungs were
// passed over.
type Report struct {
	Mechanism Mechanism
	Level     sandbox.Level
	Probes    []Probe
	Passed    []Passed
}

// Probe is one attempt to break out.
type Probe struct {
	Name   string // "read-outside", "connect-host", …
	Aspect Aspect
	Held   bool   // the attempt was refused
	Detail string // the kernel's answer, or what got through
}

// Aspect is the part of a policy that a probe attacks.
type Aspect string

// The aspects. A rung is Full when all hold, FilesOnly when Files holds.
const (
	Files     Aspect = "files"
	Metadata  Aspect = "metadata" // modes and times of files outside
	Network   Aspect = "network"
	Processes Aspect = "processes"
)

// Passed is a rung that was not taken.
type Passed struct {
	Mechanism Mechanism
	Reason    string
}

// Holes lists the attempts that got through, for people.
func (r Report) Holes() []string {
	var holes []string
	for _, p := range r.Probes {
		if !p.Held {
			holes = append(holes, p.Name+": "+p.Detail)
		}
	}
	return holes
}

// String is one line for doctor and the first line of a build.
func (r Report) String() string {
	line := fmt.Sprintf("%s by %s, %d of %d attempts to break out refused", r.Level, r.Mechanism, len(r.Probes)-len(r.Holes()), len(r.Probes))
	if holes := r.Holes(); len(holes) > 0 {
		line += " (not: " + strings.Join(holes, "; ") + ")"
	}
	return line
}

// level is what the probes show.
func level(probes []Probe) sandbox.Level {
	held := map[Aspect]bool{Files: true, Metadata: true, Network: true, Processes: true}
	for _, p := range probes {
		held[p.Aspect] = held[p.Aspect] && p.Held
	}
	switch {
	case len(probes) == 0 || !held[Files]:
		return sandbox.None
	case held[Metadata] && held[Network] && held[Processes]:
		return sandbox.Full
	default:
		return sandbox.FilesOnly
	}
}
