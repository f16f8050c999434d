package phases

import (
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// Funds is an amount of money and of tokens.
type Funds struct {
	USD    budget.Micro
	Tokens int64
}

// unfunded says why the rest of the budget cannot fund a task; nil when it can. What running tasks
// are still expected to need, and those that are to be started with it, is promised to them.
func (e *Engine) unfunded(s *State, task planner.Task, starting []Fact) error {
	if e.Cost == nil {
		return nil
	}
	need := e.Cost(e.plan, task)
	phase := e.plan.PhaseOf(task.ID)
	for _, scope := range []budget.Scope{budget.Build, budget.PhaseScope(string(phase))} {
		used, limit := s.Guard.Account(scope), s.Guard.Limit(scope)
		promised := e.promised(s, scope, phase, starting)
		if have := used.Used() + promised.USD; !limit.NoUSD && need.USD > 0 && have+need.USD > limit.USD {
			return &budget.Refusal{Scope: scope, Task: string(task.ID), Cap: int64(limit.USD), Used: int64(have), Need: int64(need.USD)}
		}
		if have := used.UsedTokens() + promised.Tokens; limit.Tokens > 0 && have+need.Tokens > limit.Tokens {
			return &budget.Refusal{Scope: scope, Task: string(task.ID), Tokens: true, Cap: limit.Tokens, Used: have, Need: need.Tokens}
		}
	}
	return nil
}

// promised is what the tasks that are under way are expected to need beyond what they have used.
func (e *Engine) promised(s *State, scope budget.Scope, phase planner.PhaseID, starting []Fact) Funds {
	var sum Funds
	add := func(id planner.TaskID, in planner.PhaseID) {
		task, ok := e.plan.Task(id)
		if !ok || scope != budget.Build && in != phase {
			return
		}
		cost, used := e.Cost(e.plan, task), s.Guard.Account(budget.TaskScope(string(id)))
		sum.USD += max(0, cost.USD-used.Used())
		sum.Tokens += max(0, cost.Tokens-used.UsedTokens())
	}
	for id, t := range s.Tasks {
		if t.State == TaskRunning && t.Accepted == "" {
			add(id, t.Phase)
		}
	}
	for _, f := range starting {
		if f, ok := f.(TaskStarted); ok {
			add(f.Task, f.Phase)
		}
	}
	return sum
}
