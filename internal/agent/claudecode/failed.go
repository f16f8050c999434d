package claudecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/agent"
	"github.com/seed-c331f47d/builder/internal/agent/failure"
)

// failure is what the CLI says of a call that failed, in the classes of all models. What it does not understand it
// returns as it is.
func (a *attempt) failure(err error) error {
	var failed *cli.ResultError
	if !errors.As(err, &failed) {
		return err
	}
	f := faultOf(failed.Result, a.program.conf.Now()).Failure(nil)
	if f.Class == agent.WaitUntil && f.After == 0 {
		f.After = a.resets
	}
	f.Err = err
	return f
}

// apiError is how the CLI begins to tell of an error of the API.
var apiError = regexp.MustCompile(`^API Error:(?: (?:Request rejected )?\(?(\d{3})\)?)?[ ·:]*`)

// faultOf puts what a result says into the words of the API.
func faultOf(r *cli.Result, now time.Time) failure.Fault {
	text := r.Text
	if text == "" {
		text = strings.Join(r.Errors, "; ")
	}
	text = apiError.ReplaceAllString(strings.TrimSpace(text), "")
	if body := object(text); body != nil {
		f := failure.Read(r.APIErrorStatus, nil, body, now)
		if f.Shaped {
			return worded(f, r)
		}
	}
	f := failure.Fault{At: failure.AtHead, Status: r.APIErrorStatus, Message: text, Shaped: true, Now: now}
	return worded(f, r)
}

// worded adds what the CLI calls the error, where the API's own word is not known.
func worded(f failure.Fault, r *cli.Result) failure.Fault {
	if f.Message == "" {
		f.Message = "claude code says no more than " + r.Subtype
	}
	if f.Type == "" {
		f.Type = kindOf(r)
	}
	if f.Status == 0 && f.Type == "" { // no answer came at all
		f.At, f.Err = failure.BeforeResponse, errors.New(f.Message)
	}
	return f
}

// kindOf is the API's type of error that the CLI's name for it stands for, "" where it tells nothing.
func kindOf(r *cli.Result) string {
	if errors.Is(r.Err(), cli.ErrContextOverrun) {
		return "prompt_too_long"
	}
	switch r.AssistantError {
	case "authentication_failed", "account_on_hold", "verification_required", "cloud_credential_error":
		return "authentication_error"
	case "oauth_org_not_allowed":
		return "permission_error"
	case "billing_error":
		return "billing_error"
	case "rate_limit":
		return "rate_limit_error"
	case "overloaded":
		return "overloaded_error"
	case "server_error":
		return serverError(r)
	case "invalid_request":
		return "invalid_request_error"
	case "model_not_found":
		return "model_not_found"
	}
	return ""
}

// serverError is of the API only where it answered.
func serverError(r *cli.Result) string {
	if r.APIErrorStatus == 0 {
		return ""
	}
	return "api_error"
}

// object finds a JSON object in a text.
func object(text string) []byte {
	at := strings.IndexByte(text, '{')
	if at < 0 {
		return nil
	}
	var raw json.RawMessage
	if json.NewDecoder(bytes.NewReader([]byte(text[at:]))).Decode(&raw) != nil {
		return nil
	}
	return raw
}

// truncated is the failure of answers that end without a stop reason again and again.
func (a *attempt) truncated() error {
	return failure.Fault{
		At: failure.MidStream, Status: http.StatusOK, Now: a.program.conf.Now(),
		Err: fmt.Errorf("%d answers in a row ended without a stop reason", a.cut),
	}.Failure(nil)
}

// silentFailure is the failure of a CLI that says nothing, time and again.
func (a *attempt) silentFailure() error {
	return failure.Fault{
		At: failure.BeforeResponse, Now: a.program.conf.Now(),
		Err: fmt.Errorf("claude code said nothing for %s, %d times", a.program.conf.silence(), a.silences),
	}.Failure(nil)
}

// tellQuota tells how much of a subscription is used, when that changed.
func (a *attempt) tellQuota(q cli.RateLimitInfo) {
	line := "quota of the subscription"
	if q.Type != "" {
		line += " (" + strings.ReplaceAll(q.Type, "_", " ") + ")"
	}
	line += ": " + strings.ReplaceAll(q.Status, "_", " ")
	if q.Utilization > 0 {
		line += fmt.Sprintf(", %.0f %% used", q.Utilization*100)
	}
	a.resets = 0
	if q.ResetsAt > 0 {
		at := time.Unix(int64(q.ResetsAt), 0)
		line += ", new at " + at.UTC().Format("2006-01-02 15:04 UTC")
		if q.Status == "rejected" {
			a.resets = max(0, at.Sub(a.program.conf.Now()))
		}
	}
	if line != a.quota {
		a.quota = line
		a.tell(line)
	}
}
