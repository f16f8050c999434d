package phases

import (
	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/planner"
)

// attempt numbers the effects of one attempt by their position, so that the same loop run again
// gives every effect the same op. It is used by one goroutine.
type attempt struct {
	build  string
	task   planner.TaskID
	phase  planner.PhaseID
	number int
	step   int
}

// next is the op of the next effect.
func (a *attempt) next() budget.Op {
	a.step++
	return budget.Op{Build: a.build, Task: string(a.task), Attempt: a.number, Step: a.step}
}
