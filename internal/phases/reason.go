package phases

import (
	"errors"
	"fmt"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Codes of reasons for which a build stops before its end. They are stable: scripts match on them.
const (
	CodeInterrupted = "E_INTERRUPTED"
	CodeBudget      = "E_BUDGET"
	CodeOverrun     = "E_OVERRUN"
	CodeTime        = "E_TIME"
	CodeProvider    = "E_PROVIDER"
	CodeDisk        = "E_DISK_FULL"
	CodeDiverged    = "E_REPO_DIVERGED"
)

// reasonOf says why err stops a build so that it can be resumed; false means that it is no pause
// but a failure.
func reasonOf(err error) (Reason, bool) {
	var pause *PauseError
	var refused *budget.Refusal
	switch {
	case errors.As(err, &pause):
		return pause.Reason, true
	case errors.As(err, &refused) && refused.Overrun:
		return Reason{Code: CodeOverrun, Message: refused.Error(), Hint: "compare the provider's bill with: builder report"}, true
	case errors.As(err, &refused):
		return Reason{Code: CodeBudget, Message: refused.Error(), Hint: capHint(refused)}, true
	case errors.Is(err, ErrInterrupted):
		return Reason{Code: CodeInterrupted, Message: "stopped by the user", Hint: "go on with: builder resume"}, true
	case errors.Is(err, ErrTime):
		return Reason{Code: CodeTime, Message: "the time given by --max-time is up", Hint: "go on with: builder resume"}, true
	case errors.Is(err, ErrDiverged):
		return Reason{Code: CodeDiverged, Message: err.Error(), Hint: "bring the branch back to the build's last commit, then: builder resume"}, true
	case errors.Is(err, checkpoint.ErrFull) && !errors.Is(err, checkpoint.ErrPoisoned):
		return Reason{Code: CodeDisk, Message: err.Error(), Hint: "free some space, then: builder resume"}, true
	}
	return Reason{}, false
}

func capHint(r *budget.Refusal) string {
	if r.Tokens {
		return fmt.Sprintf("go on with: builder resume --max-tokens %.0f", share(r.Scope, 2*float64(max(r.Cap, r.Used+r.Need))))
	}
	usd := 2 * float64(max(r.Cap, r.Used+r.Need)) / float64(budget.Dollar)
	return fmt.Sprintf("go on with: builder resume --max-cost %.2f", share(r.Scope, usd))
}

// share is the cap of the build that gives a scope its cap: planning has a part of it.
func share(s budget.Scope, amount float64) float64 {
	if s == budget.Plan {
		return amount * 100 / budget.PlanShare
	}
	return amount
}
