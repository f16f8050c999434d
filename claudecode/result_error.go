package claudecode

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// ResultError is a turn that did not end well, as its [Result] tells. errors.Is finds what kind it is
// ([ErrTruncated], [ErrContextOverrun], [ErrMaxTurns], ...); errors.As the [ExitError], where the process ended with it.
type ResultError struct {
	Result *Result
	Kind   error      // one of the sentinels; nil for a kind that has none
	Exit   *ExitError // nil while the process lives
}

// Error uses the first of these that says anything: the result's errors, its text, its subtype, its HTTP status.
func (e *ResultError) Error() string {
	r := e.Result
	text := strings.TrimSpace(strings.Join(r.Errors, "; "))
	if text == "" {
		text = strings.TrimSpace(r.Text)
	}
	switch {
	case errors.Is(e.Kind, ErrTruncated) && !r.IsError: // its text is the answer
		return "turn failed: " + ErrTruncated.Error() + ", stop reason " + strconv.Quote(r.StopReason)
	case text != "":
		return "turn failed: " + lastLines(text, 1000)
	case r.Subtype != "success" && r.Subtype != "":
		return "turn failed: " + r.Subtype
	case r.APIErrorStatus != 0:
		return "turn failed: HTTP status " + strconv.Itoa(r.APIErrorStatus)
	}
	return "turn failed"
}

// Unwrap returns the kind and the exit.
func (e *ResultError) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Exit != nil {
		errs = append(errs, e.Exit)
	}
	return errs
}

// Err is nil when the turn ended well: a success that is not an error, with a stop reason that says that the model had
// finished. Everything else is a [*ResultError]: a "success" whose is_error is set is a failed API call, and one without
// stop reason is an answer whose stream was cut cleanly.
func (r *Result) Err() error {
	if !r.IsError && r.Subtype == "success" {
		switch r.StopReason {
		case "", "pause_turn", "max_tokens", "model_context_window_exceeded":
			return &ResultError{Result: r, Kind: ErrTruncated}
		}
		return nil
	}
	return &ResultError{Result: r, Kind: r.kind()}
}

func (r *Result) kind() error {
	switch r.Subtype {
	case "error_max_turns":
		return ErrMaxTurns
	case "error_max_budget_usd":
		return ErrBudget
	case "error_max_structured_output_retries":
		return ErrStructuredOutput
	}
	switch r.TerminalReason {
	case "prompt_too_long", "blocking_limit", "rapid_refill_breaker":
		return ErrContextOverrun
	case "aborted_streaming", "aborted_tools":
		return ErrInterrupted
	case "max_turns":
		return ErrMaxTurns
	case "budget_exhausted":
		return ErrBudget
	case "structured_output_retry_exhausted":
		return ErrStructuredOutput
	}
	if r.StopReason == "refusal" {
		return ErrRefused
	}
	if kind := kindOfAssistantError(r.AssistantError); kind != nil {
		return kind
	}
	switch r.APIErrorStatus {
	case http.StatusTooManyRequests:
		return ErrRateLimited
	case 529:
		return ErrOverloaded
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrAuthentication
	case http.StatusNotFound:
		return ErrModel
	}
	return nil
}

// kindOfAssistantError sorts the error of a synthetic assistant message.
func kindOfAssistantError(name string) error {
	switch name {
	case "rate_limit":
		return ErrRateLimited
	case "overloaded":
		return ErrOverloaded
	case "authentication_failed", "oauth_org_not_allowed", "account_on_hold", "verification_required", "cloud_credential_error":
		return ErrAuthentication
	case "billing_error":
		return ErrBilling
	case "model_not_found":
		return ErrModel
	case "max_output_tokens":
		return ErrTruncated
	}
	return nil
}
