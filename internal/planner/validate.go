package planner

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
)

// PlanVersion is the version of the plan's format.
const PlanVersion = 1

const (
	// MaxTasks is how many tasks one plan may have.
	MaxTasks = 5_000
	// MaxDepth is how many tasks may stand one behind the other.
	MaxDepth = 500
	// maxTimeout is the longest time a gate or setup step may ask for.
	maxTimeout = 24 * time.Hour
)

// Validate finds everything wrong with a plan, sorted by place. A plan without problems can be
// carried out: its tasks form a DAG, every requirement is covered and proven, and no gate or claim
// reaches out of the tree. With a spec, the plan must also be one for exactly this spec; without
// one (nil) that is not looked at.
func Validate(p *Plan, spec *Spec) Problems {
	v := &validator{plan: p, gates: map[GateID]Gate{}, known: map[RequirementID]bool{}}
	if n := len(p.Tasks()); n > MaxTasks {
		v.add("E_PLAN_TOO_LARGE", "phases", fmt.Sprintf("%d tasks, at most %d", n, MaxTasks), "split the spec into several builds")
		return v.problems
	}
	v.header()
	v.requirements(spec)
	v.ids()
	v.setup()
	v.allGates()
	v.tasks()
	v.graph()
	v.coverage()
	v.shared()
	v.budget()
	return v.problems.Sorted()
}

// validator gathers the problems of one plan.
type validator struct {
	plan     *Plan
	problems Problems
	gates    map[GateID]Gate
	known    map[RequirementID]bool
}

func (v *validator) add(code, where, what, hint string) {
	v.problems = append(v.problems, Problem{Code: code, Where: where, What: what, Hint: hint})
}

// header checks version, spec reference and project.
func (v *validator) header() {
	p := v.plan
	if p.Version != PlanVersion {
		v.add("E_PLAN_VERSION", "version", fmt.Sprintf("version %d is not known", p.Version), fmt.Sprintf("this builder reads version %d", PlanVersion))
	}
	if sum, err := hex.DecodeString(p.Spec.SHA256); err != nil || len(sum) != 32 || strings.ToLower(p.Spec.SHA256) != p.Spec.SHA256 {
		v.add("E_PLAN_SPEC", "spec.sha256", "is not a SHA-256 in lower-case hex", "make the plan anew with: builder plan SPEC -o plan.yaml")
	}
	if !nameShape().MatchString(p.Project.Name) {
		v.add("E_PLAN_PROJECT", "project.name", fmt.Sprintf("%.60q cannot name a command", p.Project.Name),
			"use lower-case letters, digits and hyphens, a letter first, at most 40")
	}
	if !p.Project.Type.Valid() {
		v.add("E_PLAN_PROJECT", "project.type", fmt.Sprintf("%.60q is not known", string(p.Project.Type)), "use one of: "+joined(ProjectTypes()))
	}
}

// requirements checks the plan's requirements, and that they are the spec's.
func (v *validator) requirements(spec *Spec) {
	texts, known := map[RequirementID]string{}, map[string]bool{}
	for i, r := range v.plan.Requirements {
		where := fmt.Sprintf("requirements[%d] %s", i, shown(string(r.ID)))
		if strings.TrimSpace(r.Text) == "" {
			v.add("E_PLAN_REQUIREMENT", where, "has no text", "say what is asked for, in the spec's words")
		}
		v.known[r.ID] = true
		texts[r.ID], known[folded(r.Text)] = r.Text, true
	}
	if spec == nil {
		return
	}
	if v.plan.Spec.SHA256 != spec.SHA256 {
		v.add("E_SPEC_CHANGED", "spec.sha256", fmt.Sprintf("the plan was made from %.12s, the spec is now %.12s", v.plan.Spec.SHA256, spec.SHA256),
			"make the plan anew with: builder plan "+spec.Path+" -o plan.yaml")
		return // every other difference follows from this one
	}
	for _, r := range spec.Requirements {
		text, ok := texts[r.ID]
		switch {
		case known[folded(r.Text)]: // an amended plan keeps the numbers that it had
		case !ok:
			v.add("E_PLAN_UNCOVERED", "requirements", fmt.Sprintf("%s of the spec (line %s) is not in the plan", r.ID, r.Source), "put it back, and cover it by a task")
		case text != r.Text:
			v.add("E_PLAN_REQUIREMENT", "requirements "+string(r.ID), "differs from the spec, line "+r.Source, "change the spec and plan anew, or restore the text")
		}
	}
}

// tasks checks what each task says of itself.
func (v *validator) tasks() {
	if len(v.plan.Tasks()) == 0 {
		v.add("E_PLAN_EMPTY", "phases", "the plan has no tasks", "add a phase with at least one task")
	}
	v.eachTask(func(where string, t Task) {
		if t.Title == "" || len(t.Title) > 200 || strings.ContainsFunc(t.Title, unicode.IsControl) {
			v.add("E_PLAN_TASK", where, "the title is not one line of 1 to 200 bytes", "it becomes the subject of the commit")
		}
		if t.Role != "" && !slices.Contains(Roles(), t.Role) {
			v.add("E_PLAN_TASK", where, fmt.Sprintf("role %.60q is not known", t.Role), "use one of: "+joined(Roles()))
		}
		if e := t.Estimate; e.Calls < 0 || e.InputTokens < 0 || e.OutputTokens < 0 {
			v.add("E_PLAN_ESTIMATE", where, "the estimate is negative", "leave it out when nothing is known")
		}
		for _, r := range t.Covers {
			if !v.known[r] {
				v.add("E_PLAN_UNKNOWN_REQUIREMENT", where, "covers "+shown(string(r))+", which is not in the plan", Nearest(string(r), keys(v.known)))
			}
		}
		v.claims(where+" writes", t.Writes)
		v.taskGates(where, t)
	})
}

// taskGates checks the gates of one task: some, known, each once, and one that can fail it for what
// it did.
func (v *validator) taskGates(where string, t Task) {
	proves := false
	for i, id := range t.Gates {
		g, ok := v.gates[id]
		switch {
		case !ok:
			v.add("E_PLAN_UNKNOWN_GATE", where, "runs gate "+shown(string(id))+", which is not in the plan", Nearest(string(id), keys(v.gates)))
			proves = true // one problem is enough
		case slices.Contains(t.Gates[:i], id):
			v.add("E_PLAN_DUP_ID", where, "runs gate "+shown(string(id))+" twice", "name it once")
		}
		proves = proves || g.Kind != GateReview
	}
	switch {
	case len(t.Gates) == 0:
		v.add("E_PLAN_NO_GATE", where, "no gate proves the task", "name at least one gate, for example a command that builds and one that tests")
	case !proves:
		v.add("E_PLAN_NO_GATE", where, "only reviews check the task, and a review proves nothing", "add a command, transcript, http or file gate")
	}
}

// shared checks the globs that many tasks write.
func (v *validator) shared() { v.claims("shared", v.plan.Shared) }

// budget checks the plan's own caps.
func (v *validator) budget() {
	b, sum := v.plan.Budget, 0.0
	phases := map[PhaseID]bool{}
	for _, ph := range v.plan.Phases {
		phases[ph.ID] = true
	}
	invalid := func(where string, usd float64) bool {
		if usd >= 0 && !math.IsInf(usd, 1) {
			return false
		}
		v.add("E_BUDGET_INVALID", where, fmt.Sprintf("%v is no amount of dollars", usd), "use a number such as 2.50")
		return true
	}
	bad := invalid("budget.usd", b.USD)
	for _, id := range sortedKeys(b.Phases) {
		where := "budget.phases " + shown(string(id))
		if !phases[id] {
			v.add("E_BUDGET_SPLIT", where, "is no phase of the plan", Nearest(string(id), keys(phases)))
		}
		bad = invalid(where, b.Phases[id]) || bad
		sum += b.Phases[id]
	}
	if !bad && b.USD > 0 && sum > b.USD+1e-9 {
		v.add("E_BUDGET_SPLIT", "budget.phases", fmt.Sprintf("the phases have %.2f USD together, the plan only %.2f", sum, b.USD), "lower the phases or raise the total")
	}
}

// eachTask calls fn with the place of every task.
func (v *validator) eachTask(fn func(where string, t Task)) {
	n := 0
	for _, ph := range v.plan.Phases {
		for _, t := range ph.Tasks {
			fn(fmt.Sprintf("tasks[%d] %s", n, shown(string(t.ID))), t)
			n++
		}
	}
}
