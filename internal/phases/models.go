package phases

import (
	"fmt"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// Models says which model does what. It is frozen with the build. The zero value is the build's one
// model for everything.
//
// The rules are: an attempt has one model, chosen before it begins and recorded with it, and a
// resumed attempt goes on with that one. A role's model comes first. After an attempt that failed
// at its task, Escalate; after one that the provider declined, or could not answer for too long,
// the next of Fallback, in the user's order. Nothing else ever changes a model, and what the user
// did not name is never used.
type Models struct {
	Roles    map[string]string `json:"roles,omitempty"` // planner, engineer, reviewer, writer; others have the build's model
	Escalate string            `json:"escalate,omitempty"`
	Fallback []string          `json:"fallback,omitempty"`
}

// Roles that may have a model of their own. The planner plans; the others carry tasks out.
const (
	RolePlanner  = "planner"
	RoleEngineer = "engineer"
)

// ModelLimit is what one call to a model may write and what it may hold in all, in tokens, and
// whether it is asked to think.
type ModelLimit struct {
	MaxTokens int64
	Window    int64 // 0: not known
	Thinking  bool  // it thinks as much as a question needs, when asked to
}

// Choice is the model of an attempt, and why it is that one: "" where it is the build's own.
type Choice struct {
	Model string
	Why   string
}

// Outcomes of attempts besides those of agent.Outcome.
const (
	outcomeDiverged    = "diverged"    // the builder would ask other questions now: nobody failed
	outcomeUnreachable = "unreachable" // the provider gave no answer for too long; it counts as no attempt
)

// Choose is the model of the next attempt: a fold over how the attempts before it ended, oldest
// first. usual is the build's model.
func (m Models) Choose(usual, role string, past []string) Choice {
	c := Choice{Model: usual}
	if role == "" {
		role = RoleEngineer
	}
	if own := m.Roles[role]; own != "" && own != usual {
		c = Choice{own, "the model of role " + role}
	}
	escalated, used := false, 0
	for i, outcome := range past {
		switch outcome {
		case outcomeDiverged, string(agent.Accepted):
		case string(agent.Declined), outcomeUnreachable:
			if used < len(m.Fallback) {
				c = Choice{m.Fallback[used], fmt.Sprintf("fallback: attempt %d was %s with %s", i+1, outcome, c.Model)}
				used++
			}
		default:
			if m.Escalate != "" && !escalated {
				escalated = true
				c = Choice{m.Escalate, fmt.Sprintf("escalated: attempt %d ended %s with %s", i+1, outcome, c.Model)}
			}
		}
	}
	return c
}

// All are the models that m can choose, each once: all must have a price before a build begins.
func (m Models) All(usual string) []string {
	all := []string{usual}
	add := func(model string) {
		for _, known := range all {
			if known == model {
				return
			}
		}
		if model != "" {
			all = append(all, model)
		}
	}
	for _, role := range []string{RolePlanner, RoleEngineer, "reviewer", "writer"} {
		add(m.Roles[role])
	}
	add(m.Escalate)
	for _, f := range m.Fallback {
		add(f)
	}
	return all
}

// choose is the model of the next attempt at a task.
func (e *Engine) choose(role string, past []string) Choice {
	return e.Set.Models.Choose(e.Set.Model, role, past)
}

// other says whether an attempt that ended so is followed by one with another model.
func (e *Engine) other(role string, past []string, outcome string) bool {
	next := append(append([]string(nil), past...), outcome)
	return e.choose(role, next).Model != e.choose(role, past).Model
}
