package phases

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/seed-c331f47d/builder/internal/budget"
	"github.com/seed-c331f47d/builder/internal/checkpoint"
)

// Codes of reasons for which a build stops before its end. They are stable: scripts match on them.
const (
	CodeInterrupted = "E_INTERRUPTED"
	CodeBudget      = "E_BUDGET"
	CodeOverrun     = "E_OVERRUN"
	CodeTime        = "E_TIME"
	CodeProvider    = "E_PROVIDER"          // it is out, or asks to wait for long
	CodeCredit      = "E_PROVIDER_CREDIT"   // credit, quota or a limit of spending is used up
	CodeAuth        = "E_PROVIDER_AUTH"     // the key is wrong or may not do this
	CodeModel       = "E_MODEL_GONE"        // it does not have the model
	CodeProtocol    = "E_PROVIDER_PROTOCOL" // what answers does not speak the API
	CodeDisk        = "E_DISK_FULL"
	CodeDiverged    = "E_REPO_DIVERGED"
	CodeQuestion    = "E_QUESTION" // nothing is left to do but what waits for a person's answer
)

// reasonOf says why err stops a build so that it can be resumed; false means that it is no pause
// but a failure. again is the command that goes on.
func reasonOf(err error, again string) (Reason, bool) {
	var pause *PauseError
	var refused *budget.Refusal
	switch {
	case errors.As(err, &pause):
		return pause.Reason, true
	case errors.As(err, &refused) && refused.Overrun:
		return Reason{Code: CodeOverrun, Message: refused.Error(), Hint: "compare the report with the provider's bill, then: " + capCommand(again, refused)}, true
	case errors.As(err, &refused):
		return Reason{Code: CodeBudget, Message: refused.Error(), Hint: "go on with: " + capCommand(again, refused)}, true
	case errors.Is(err, ErrInterrupted):
		return Reason{Code: CodeInterrupted, Message: "stopped by the user", Hint: "go on with: " + again}, true
	case errors.Is(err, ErrTime):
		return Reason{Code: CodeTime, Message: "the time given by --max-time is up", Hint: "go on with: " + again}, true
	case errors.Is(err, ErrDiverged):
		return Reason{Code: CodeDiverged, Message: err.Error(), Hint: "bring the branch back to the build's last commit, then: " + again + "; or, where yours stand on top of it, go on from them: " + again + " --keep-edits"}, true
	case full(err):
		return Reason{Code: CodeDisk, Message: err.Error(), Hint: "free some space, then: " + again}, true
	}
	return Reason{}, false
}

// PauseOf is err as a *PauseError where it stops a build before its end; else it is err itself. It is for
// what goes wrong beside Run.
func PauseOf(err error, again string) error {
	if reason, ok := reasonOf(err, again); ok {
		return &PauseError{Reason: reason, Err: err}
	}
	return err
}

// full says whether err means that there is no space, in the checkpoint or anywhere else.
func full(err error) bool {
	for _, e := range []error{checkpoint.ErrFull, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// storeFailed says whether the checkpoint itself is in doubt.
func storeFailed(err error) bool {
	for _, e := range []error{checkpoint.ErrPoisoned, checkpoint.ErrCorrupt, checkpoint.ErrFenced, checkpoint.ErrNewer} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// capCommand goes on with a cap that suffices for the next call and as much again.
func capCommand(again string, r *budget.Refusal) string {
	if r.Tokens {
		return fmt.Sprintf("%s --max-tokens %.0f", again, share(r.Scope, 2*float64(max(r.Cap, r.Used+r.Need))))
	}
	usd := 2 * float64(max(r.Cap, r.Used+r.Need)) / float64(budget.Dollar)
	return fmt.Sprintf("%s --max-cost %.2f", again, share(r.Scope, usd))
}

// share is the cap of the build that gives a scope its cap: planning has a part of it.
func share(s budget.Scope, amount float64) float64 {
	if s == budget.Plan {
		return amount * 100 / budget.PlanShare
	}
	return amount
}
