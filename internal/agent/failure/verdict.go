package failure

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-c331f47d/builder/internal/agent"
)

// verdict is what a fault is judged to be.
type verdict struct {
	class agent.Class
	cause agent.Cause
	tries int
}

// portalTries is how often something that does not speak the API is asked again.
const portalTries = 2

func retry(c agent.Cause) verdict { return verdict{class: agent.Retry, cause: c} }
func pause(c agent.Cause) verdict { return verdict{class: agent.PauseBuild, cause: c} }
func fix(c agent.Cause) verdict   { return verdict{class: agent.FixRequest, cause: c} }

func protocolError() verdict {
	return verdict{class: agent.Retry, cause: agent.CauseProtocol, tries: portalTries}
}

// verdict judges. The rules are, in this order:
//
//   - no answer came, or it broke off: retry, of the network;
//   - the provider's codes decide before its status, and its status before its words: only where a
//     status stands for several things do words decide;
//   - money, keys, models that are not there, addresses that are wrong: pause the build;
//   - rate limits: wait until;
//   - too large, malformed: the request must change;
//   - what the provider declines for what it says: fail the task;
//   - what does not speak the API at all: retry, but not for long;
//   - all else, and what is not known: retry.
func (f Fault) verdict() verdict {
	status := f.meant()
	if f.Err != nil && status == 0 {
		return f.broken()
	}
	if v, ok := f.byCode(status); ok {
		return v
	}
	return f.byStatus(status)
}

// broken judges a fault of the machine.
func (f Fault) broken() verdict {
	switch {
	case proxyStatus(f.Err) == http.StatusProxyAuthRequired:
		return pause(agent.CauseKey)
	case f.At == BeforeResponse || Network(f.Err):
		return retry(agent.CauseNetwork)
	case f.At == MidStream:
		return retry(agent.CauseProtocol)
	}
	return protocolError()
}

// byCode judges by the provider's codes and types.
func (f Fault) byCode(status int) (verdict, bool) {
	for _, word := range []string{f.Code, f.Type} {
		word = strings.ToLower(word)
		switch {
		case word == "":
		case hasAny(word, "insufficient_quota", "spend_limit", "billing", "credit_balance", "usage_limit_exceeded", "insufficient_credit", "insufficient_balance", "payment_required"):
			return pause(agent.CauseMoney), true
		case hasAny(word, "context_length_exceeded", "exceed_context_size", "request_too_large", "string_above_max_length", "prompt_too_long"):
			return fix(agent.CauseSize), true
		case hasAny(word, "model_not_found", "model_not_available", "model_decommissioned", "model_not_supported"):
			return pause(agent.CauseModel), true
		case hasAny(word, "content_filter", "content_policy", "invalid_prompt", "moderation", "safety"):
			return verdict{class: agent.FailTask, cause: agent.CausePolicy}, true
		case hasAny(word, "invalid_api_key", "account_deactivated", "unsupported_country"):
			return pause(agent.CauseKey), true
		case word == "slow_down", strings.HasPrefix(word, "rate_limit"), word == "resource_exhausted" && status < 500:
			return verdict{class: agent.WaitUntil, cause: agent.CauseRate}, true
		}
	}
	return verdict{}, false
}

// byStatus judges by status, and by words where a status stands for several things.
func (f Fault) byStatus(status int) verdict {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return f.badRequest()
	case http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusUnavailableForLegalReasons:
		return pause(agent.CauseKey)
	case http.StatusPaymentRequired:
		return pause(agent.CauseMoney)
	case http.StatusForbidden:
		return f.forbidden()
	case http.StatusNotFound, http.StatusGone:
		return f.notFound()
	case http.StatusRequestEntityTooLarge:
		return fix(agent.CauseSize)
	case http.StatusTooManyRequests:
		return f.tooMany()
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusMisdirectedRequest, http.StatusUpgradeRequired,
		http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return pause(agent.CauseProtocol) // another address is wanted, or another server is there
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, 499:
		return retry(agent.CauseLoad)
	}
	switch {
	case status >= 500:
		return f.serverError()
	case status >= 400:
		return fix(agent.CauseRequest)
	case status >= 300: // never followed, the key would go with it; no second try leads elsewhere
		return pause(agent.CauseProtocol)
	case f.says("unexpected endpoint"): // LM Studio, with status 200
		return pause(agent.CauseProtocol)
	case f.Shaped:
		return retry(agent.CauseLoad) // an error of a type that is not known
	}
	return protocolError()
}

// badRequest tells apart what is answered alike: a malformed request, one that is too large, an
// empty wallet, a key and a model that are not there.
func (f Fault) badRequest() verdict {
	switch {
	case f.says("credit balance", "usage limits", "insufficient balance", "insufficient credits", "purchase credits"):
		return pause(agent.CauseMoney)
	case f.tooLong():
		return fix(agent.CauseSize)
	case f.says("api key not valid", "api key expired", "api_key_invalid", "organization has been disabled", "organization has been deactivated"):
		return pause(agent.CauseKey)
	case f.says("is not a valid model", "model does not exist", "unknown model", "invalid model"):
		return pause(agent.CauseModel)
	case f.says("flagged as potentially violating", "content management policy", "content filtering policy"):
		return verdict{class: agent.FailTask, cause: agent.CausePolicy}
	}
	return fix(agent.CauseRequest)
}

// tooLong knows how servers say that a request is larger than the model's window.
func (f Fault) tooLong() bool {
	return f.says("prompt is too long", "maximum context length", "context window", "context size", "context length",
		"input is too long", "too many tokens", "exceeds the maximum number of tokens", "input token count", "reduce the length") ||
		f.says("exceed") && f.says("max_model_len", "n_ctx", "context limit")
}

// forbidden tells a key that may not from a text that is declined and from a wall before the API.
func (f Fault) forbidden() verdict {
	switch {
	case f.says("requires moderation", "was flagged", "input was flagged"):
		return verdict{class: agent.FailTask, cause: agent.CausePolicy}
	case f.says("insufficient credit", "insufficient balance", "insufficient funds", "insufficient_quota", "key limit exceeded", "quota exceeded", "out of credits"):
		return pause(agent.CauseMoney)
	case !f.Shaped:
		return pause(agent.CauseProtocol)
	}
	return pause(agent.CauseKey)
}

// notFound tells a model that is not there from an address that is wrong.
func (f Fault) notFound() verdict {
	if f.Shaped && (strings.Contains(strings.ToLower(f.Type), "not_found_error") || f.says("model")) {
		return pause(agent.CauseModel)
	}
	return pause(agent.CauseProtocol)
}

// tooMany tells an empty wallet from a rate limit: both are answered with 429.
func (f Fault) tooMany() verdict {
	if f.Delay == "" && f.Header.Get("Retry-After") == "" &&
		f.says("insufficient balance", "credit balance", "exceeded your current quota, please check your plan and billing", "out of credits", "spending limit", "spend limit") {
		return pause(agent.CauseMoney)
	}
	return verdict{class: agent.WaitUntil, cause: agent.CauseRate}
}

// serverError knows what local servers answer with 500 that no second try changes.
func (f Fault) serverError() verdict {
	switch {
	case f.Shaped && f.says("requires more system memory", "not enough memory", "failed to load model"):
		return pause(agent.CauseModel)
	case f.Shaped && f.Status == http.StatusInternalServerError && f.tooLong():
		return fix(agent.CauseSize)
	}
	return retry(agent.CauseLoad)
}

// meant is the status that the fault stands for: its own, or for an error inside an answer the one
// that its code or type stands for. It is 0 when nothing says one.
func (f Fault) meant() int {
	if f.Status >= 300 {
		return f.Status
	}
	if n := f.codeStatus(); n != 0 {
		return n
	}
	switch strings.ToLower(f.Type) {
	case "invalid_request_error", "badrequesterror", "bad_request":
		return http.StatusBadRequest
	case "authentication_error":
		return http.StatusUnauthorized
	case "billing_error":
		return http.StatusPaymentRequired
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error", "notfounderror":
		return http.StatusNotFound
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error", "too_many_requests":
		return http.StatusTooManyRequests
	case "conflict_error":
		return http.StatusConflict
	case "overloaded_error", "api_error", "timeout_error", "server_error", "internalservererror", "unavailable_error":
		return http.StatusInternalServerError
	}
	if strings.EqualFold(f.Code, "server_error") {
		return http.StatusInternalServerError
	}
	return 0
}

// codeStatus is the HTTP status that the code is, 0 when it is none.
func (f Fault) codeStatus() int {
	if n, err := strconv.Atoi(f.Code); err == nil && n >= 400 && n < 600 {
		return n
	}
	return 0
}

// says says whether the message holds any of the words, whatever their case.
func (f Fault) says(words ...string) bool { return hasAny(strings.ToLower(f.Message), words...) }

func hasAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
