package planner

import "time"

// GateKind says how a gate proves something.
type GateKind string

// The kinds of gates. All but review prove; of the proving kinds a command proves requirements
// only when its test files are frozen (see [Gate.ProvesRequirements]).
const (
	GateCommand    GateKind = "command"    // Run exits as expected; test runners are also counted
	GateTranscript GateKind = "transcript" // Session: a console session with the built program
	GateHTTP       GateKind = "http"       // Start a server, send Steps, compare answers
	GateFile       GateKind = "file"       // Files exist with the expected content
	GateReview     GateKind = "review"     // a second agent's opinion; can fail a task, never prove it
)

// Gate is one check, frozen by hash with the plan and run by the builder on a fresh tree.
//
// In Start, Run and Session "{port}" is a free loopback port, "{data}" a fresh empty folder and
// "{tree}" the tree's folder.
type Gate struct {
	ID      GateID          `yaml:"id" json:"id"`
	Kind    GateKind        `yaml:"kind" json:"kind"`
	Title   string          `yaml:"title,omitempty" json:"title,omitempty"`
	Source  string          `yaml:"source,omitempty" json:"source,omitempty"`      // lines in the spec it was read from, "12" or "12-13"
	Proves  []RequirementID `yaml:"proves,flow,omitempty" json:"proves,omitempty"` // empty: all its tasks cover
	Run     []string        `yaml:"run,flow,omitempty" json:"run,omitempty"`       // command: argv, never a shell line
	Dir     string          `yaml:"dir,omitempty" json:"dir,omitempty"`            // below the tree; transcript: "" an empty folder, else this one of a copy of the tree
	Expect  Expect          `yaml:"expect,omitempty" json:"expect,omitzero"`
	Frozen  []FrozenFile    `yaml:"frozen,omitempty" json:"frozen,omitempty"` // laid over the tree before the gate runs
	Start   []string        `yaml:"start,flow,omitempty" json:"start,omitempty"`
	Ready   string          `yaml:"ready,omitempty" json:"ready,omitempty"` // path polled until it answers (any status); "" means "/"
	Steps   []string        `yaml:"steps,omitempty" json:"steps,omitempty"` // http: one line each, see ParseStep
	Session string          `yaml:"session,omitempty" json:"session,omitempty"`
	Files   []FileCheck     `yaml:"files,omitempty" json:"files,omitempty"`
	Network Network         `yaml:"network,omitempty" json:"network,omitempty"`
	Timeout time.Duration   `yaml:"timeout,omitempty" json:"timeout,omitempty"` // 0 means 5 min
}

// Expect is what a command must show besides its exit code.
type Expect struct {
	Exit   int    `yaml:"exit,omitempty" json:"exit,omitempty"`
	Stdout string `yaml:"stdout,omitempty" json:"stdout,omitempty"` // text that must occur
	Tests  string `yaml:"tests,omitempty" json:"tests,omitempty"`   // ">=N" tests that ran and passed; a run of fewer fails
}

// FrozenFile is a file of the plan's own that replaces whatever the agent wrote at Path.
type FrozenFile struct {
	Path    string `yaml:"path" json:"path"`
	Content string `yaml:"content" json:"content"`
}

// FileCheck is what a file gate looks at.
type FileCheck struct {
	Path     string   `yaml:"path" json:"path"`
	Absent   bool     `yaml:"absent,omitempty" json:"absent,omitempty"`
	Contains []string `yaml:"contains,omitempty" json:"contains,omitempty"`
	Matches  string   `yaml:"matches,omitempty" json:"matches,omitempty"` // RE2
	SHA256   string   `yaml:"sha256,omitempty" json:"sha256,omitempty"`
}

// ProvesRequirements says whether g's expectations lie outside the agent's reach (law L7).
func (g Gate) ProvesRequirements() bool {
	switch g.Kind {
	case GateTranscript, GateHTTP, GateFile:
		return true
	case GateCommand:
		return len(g.Frozen) > 0
	default:
		return false
	}
}
