package budget

// Scope is what a cap is on: "build", "phase:<id>" or "task:<id>"; planning is "task:plan".
type Scope string

// The scopes with a name of their own.
const (
	Build Scope = "build"            // everything
	Plan  Scope = "task:" + PlanTask // planning
)

// PhaseScope is the scope of a phase.
func PhaseScope(id string) Scope { return Scope("phase:" + id) }

// TaskScope is the scope of a task.
func TaskScope(id string) Scope { return Scope("task:" + id) }
