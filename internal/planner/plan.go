package planner

import (
	"slices"
	"time"
)

// Identities of a plan. A TaskID is "<phase>.<name>"; all ids match [a-z0-9][a-z0-9._-]{0,63}.
type (
	RequirementID string
	PhaseID       string
	TaskID        string
	GateID        string
)

// PlanTask is the reserved task id under which planning itself is journaled and paid.
const PlanTask TaskID = "plan"

// Plan says everything a build will do. It is immutable: changes are amendments.
type Plan struct {
	Version      int           `yaml:"version" json:"version"` // 1
	Spec         SpecRef       `yaml:"spec" json:"spec"`
	Project      Project       `yaml:"project" json:"project"`
	Requirements []Requirement `yaml:"requirements" json:"requirements"`
	Setup        []Setup       `yaml:"setup,omitempty" json:"setup,omitempty"`
	Phases       []Phase       `yaml:"phases" json:"phases"`
	Shared       []string      `yaml:"shared,omitempty" json:"shared,omitempty"` // globs written by many tasks
	Gates        []Gate        `yaml:"gates" json:"gates"`
	Budget       Budget        `yaml:"budget,omitempty" json:"budget,omitzero"`
}

// SpecRef names the spec a plan was made from; a plan whose hash is stale is refused.
type SpecRef struct {
	Path   string `yaml:"path" json:"path"`
	SHA256 string `yaml:"sha256" json:"sha256"` // lower-case hex of the spec's bytes
}

// ProjectType is one of the four types with estimates of their own, or library, or other.
type ProjectType string

// The project types.
const (
	CLITool    ProjectType = "cli-tool"
	RESTAPI    ProjectType = "rest-api"
	FullStack  ProjectType = "full-stack"
	Enterprise ProjectType = "enterprise"
	Library    ProjectType = "library"
	Other      ProjectType = "other"
)

// ProjectTypes lists all types, the four with estimates of their own first.
func ProjectTypes() []ProjectType {
	return []ProjectType{CLITool, RESTAPI, FullStack, Enterprise, Library, Other}
}

// Valid says whether t is one of [ProjectTypes].
func (t ProjectType) Valid() bool { return slices.Contains(ProjectTypes(), t) }

// Project describes what is built.
type Project struct {
	Name    string      `yaml:"name" json:"name"` // lower-case, usable as a command and module name
	Type    ProjectType `yaml:"type" json:"type"`
	Summary string      `yaml:"summary,omitempty" json:"summary,omitempty"`
	Stack   []string    `yaml:"stack,omitempty" json:"stack,omitempty"` // e.g. [go]
}

// Requirement is one thing the spec asks for. Source is its lines in the spec, "12" or "12-13".
type Requirement struct {
	ID     RequirementID `yaml:"id" json:"id"`
	Text   string        `yaml:"text" json:"text"`
	Source string        `yaml:"source,omitempty" json:"source,omitempty"`
}

// Setup is a command run on every fresh tree before gates, cached by the hash of its inputs.
type Setup struct {
	Run     []string      `yaml:"run,flow" json:"run"`
	Inputs  []string      `yaml:"inputs,flow,omitempty" json:"inputs,omitempty"` // files; the step is skipped while none exists
	Network Network       `yaml:"network,omitempty" json:"network,omitempty"`
	Timeout time.Duration `yaml:"timeout,omitempty" json:"timeout,omitempty"` // 0 means 10 min
}

// Network says what a command may reach. The zero value means off.
type Network string

// The network grants.
const (
	NetworkOff        Network = "off"
	NetworkRegistries Network = "registries" // the package registries of the tool in use
)

// Phase is an ordered group of tasks.
type Phase struct {
	ID    PhaseID `yaml:"id" json:"id"`
	Title string  `yaml:"title,omitempty" json:"title,omitempty"`
	Tasks []Task  `yaml:"tasks" json:"tasks"`
}

// Task is the unit of work, of proof and of commit.
type Task struct {
	ID       TaskID          `yaml:"id" json:"id"`
	Title    string          `yaml:"title" json:"title"` // the commit's subject
	Role     string          `yaml:"role,omitempty" json:"role,omitempty"`
	Goal     string          `yaml:"goal,omitempty" json:"goal,omitempty"`
	Covers   []RequirementID `yaml:"covers,flow,omitempty" json:"covers,omitempty"`
	Needs    []TaskID        `yaml:"needs,flow,omitempty" json:"needs,omitempty"`
	Writes   []string        `yaml:"writes,flow,omitempty" json:"writes,omitempty"` // claims; empty means the whole tree
	Gates    []GateID        `yaml:"gates,flow" json:"gates"`                       // run in this order in one fresh tree
	Estimate Quantity        `yaml:"estimate,omitempty" json:"estimate,omitzero"`
}

// Quantity is an expected amount of model work.
type Quantity struct {
	Calls        int64 `yaml:"calls,omitempty" json:"calls,omitempty"`
	InputTokens  int64 `yaml:"input_tokens,omitempty" json:"input_tokens,omitempty"` // all input classes together
	OutputTokens int64 `yaml:"output_tokens,omitempty" json:"output_tokens,omitempty"`
}

// Budget is what a plan itself asks to be capped at, in US dollars. Flags and configuration may
// only lower it. Zero means not set.
type Budget struct {
	USD    float64             `yaml:"usd,omitempty" json:"usd,omitempty"`
	Phases map[PhaseID]float64 `yaml:"phases,omitempty" json:"phases,omitempty"`
}

// Tasks lists all tasks in plan order.
func (p *Plan) Tasks() []Task {
	n := 0
	for i := range p.Phases {
		n += len(p.Phases[i].Tasks)
	}
	ts := make([]Task, 0, n)
	for _, ph := range p.Phases {
		ts = append(ts, ph.Tasks...)
	}
	return ts
}

// Task finds a task by id.
func (p *Plan) Task(id TaskID) (Task, bool) {
	if ph, i := p.find(id); ph != nil {
		return ph.Tasks[i], true
	}
	return Task{}, false
}

// PhaseOf names the phase a task belongs to; "" for an unknown task.
func (p *Plan) PhaseOf(id TaskID) PhaseID {
	if ph, _ := p.find(id); ph != nil {
		return ph.ID
	}
	return ""
}

// find is the phase of a task, and its place there; nil for an unknown task.
func (p *Plan) find(id TaskID) (*Phase, int) {
	for i := range p.Phases {
		for k := range p.Phases[i].Tasks {
			if p.Phases[i].Tasks[k].ID == id {
				return &p.Phases[i], k
			}
		}
	}
	return nil, 0
}

// Gate finds a gate by id.
func (p *Plan) Gate(id GateID) (Gate, bool) {
	for _, g := range p.Gates {
		if g.ID == id {
			return g, true
		}
	}
	return Gate{}, false
}
